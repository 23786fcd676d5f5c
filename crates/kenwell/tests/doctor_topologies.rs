//! The doctor and servers that are several.

use crate::support::cluster::Cluster;
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;
use kenwell::connection::{Secret, Settings};
use kenwell::doctor::{Check, Status, examine};
use kenwell::profile::Layout;

#[tokio::test]
async fn a_cluster_is_examined_through_the_first_node_that_answers() {
    let mut cluster = Cluster::start();
    cluster.nodes[5].kill();
    let mut settings = cluster.settings();
    settings.address = format!(
        "{},{}",
        cluster.nodes[5].address(),
        cluster.nodes[4].address()
    );
    let report = examine(&settings, &Layout::default()).await;
    assert!(report.is_healthy(), "{report:#?}");
    let probe = report.finding(Check::Probe).unwrap();
    assert_eq!(probe.status, Status::Ok, "{report:#?}");

    let line = "ACL SETUSER least on >pw ~user:* +hset +hgetall +client";
    for node in cluster.nodes.iter().take(5) {
        assert_eq!(node.command(line), "+OK");
    }
    settings.username = Some("least".to_owned());
    settings.password = Some(Secret::new("pw"));
    let report = examine(&settings, &Layout::default()).await;
    let cure = report.finding(Check::Rights).unwrap().cure.as_deref();
    let line = "ACL SETUSER least +cluster|slots +asking";
    assert!(cure.unwrap().ends_with(line), "{cure:?}");
}

#[tokio::test]
async fn the_master_of_sentinels() {
    let sentinels = Sentinels::start();
    let report = examine(&sentinels.settings(), &Layout::default()).await;
    assert!(report.is_healthy(), "{report:#?}");
    let mut wrong = sentinels.settings();
    wrong.sentinel_master = Some("other".to_owned());
    let report = examine(&wrong, &Layout::default()).await;
    let found = report.finding(Check::Settings).unwrap();
    assert_eq!(found.status, Status::Failed, "{report:#?}");
    assert!(found.says.contains("sentinel_master"), "{found:?}");
}

#[tokio::test]
async fn cluster_mode_and_a_standalone_server() {
    let server = Server::start(&[]);
    let settings = Settings {
        cluster_mode: true,
        ..server.settings()
    };
    let report = examine(&settings, &Layout::default()).await;
    let found = report.finding(Check::Topology).unwrap();
    assert_eq!(found.status, Status::Failed, "{report:#?}");
    assert!(
        found
            .cure
            .as_deref()
            .unwrap()
            .contains("cluster_mode = false")
    );
}
