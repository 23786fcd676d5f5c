//! Several servers: the one that is lost stays away, and another takes its place.

use std::cell::RefCell;

use kenwell::connection::Secret;

use crate::everywhere::behaviour::{Place, behaves, with_wrong_password, without_password};
use crate::support::certificates::Certificates;
use crate::support::cluster::Cluster;
use crate::support::flavour::Flavour;
use crate::support::sentinels::Sentinels;

pub(crate) async fn cluster(flavour: Flavour) {
    let mut cluster = Cluster::of(flavour);
    for node in &mut cluster.nodes {
        node.lock("pw");
    }
    let mut settings = cluster.settings();
    settings.password = Some(Secret::new("pw"));
    let mut alone = settings.clone();
    alone.cluster_mode = false;
    alone.address = cluster.nodes[0].address();
    let wrong = vec![
        with_wrong_password(&settings),
        without_password(&settings),
        (alone, vec!["cluster_mode = true"]),
    ];
    let master = cluster.master_of("user:ada");
    let cluster = RefCell::new(cluster);
    let place = Place {
        settings,
        lose: Box::new(|| {
            let mut cluster = cluster.borrow_mut();
            cluster.let_fail(master);
            cluster.nodes[master].kill();
        }),
        restore: Box::new(|| {}),
        wrong: wrong
            .into_iter()
            .map(|(mut settings, words)| {
                // The node that will be lost cannot tell what is wrong.
                let all = settings.address.split(", ").enumerate();
                let left = all.filter(|(index, _)| *index != master);
                let left: Vec<_> = left.map(|(_, address)| address.to_owned()).collect();
                if settings.cluster_mode {
                    settings.address = left.join(", ");
                }
                (settings, words)
            })
            .collect(),
    };
    behaves(place).await;
}

pub(crate) async fn sentinels(flavour: Flavour) {
    behind(Sentinels::of(flavour), None).await;
}

pub(crate) async fn sealed_sentinels(_redis: Flavour) {
    let all = Certificates::new();
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    all.issue("ip", "/CN=redis", "ca", names);
    let authority = all.path("ca.pem").to_str().unwrap().to_owned();
    behind(Sentinels::start_with_tls(&all, "ip"), Some(authority)).await;
}

async fn behind(sentinels: Sentinels, authority: Option<String>) {
    let mut settings = sentinels.settings();
    settings.secure = authority.is_some();
    settings.ca_certificate = authority;
    let mut unknown = settings.clone();
    unknown.sentinel_master = Some("nobody".to_owned());
    let mut wrong = vec![(
        unknown,
        vec!["no master is called nobody", "sentinel_master"],
    )];
    if settings.secure {
        let mut stranger = settings.clone();
        stranger.ca_certificate = Some(Certificates::new().authority());
        wrong.push((stranger, vec!["ca_certificate"]));
    }
    let sentinels = RefCell::new(sentinels);
    let place = Place {
        settings,
        lose: Box::new(|| {
            let mut sentinels = sentinels.borrow_mut();
            sentinels.let_fail();
            sentinels.servers[0].kill();
        }),
        restore: Box::new(|| {}),
        wrong,
    };
    behaves(place).await;
}
