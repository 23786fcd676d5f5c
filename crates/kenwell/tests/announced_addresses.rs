//! Servers that announce addresses which lead nowhere from here, as behind address translation.

use std::collections::BTreeMap;

use crate::support::cluster::{Cluster, eventually};
use crate::support::proxy::{Act, Proxy, is};
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;
use kenwell::connection::{Connection, Settings};
use kenwell::doctor::{Check, Status, examine};
use kenwell::profile::{self, Layout, ProfileUpdate};
use kenwell::state::values::{self, Write};
use kenwell::{Class, Error};

/// The servers listen on 127.0.0.1 only, so nothing listens here.
const ELSEWHERE: &str = "127.0.0.9";

fn updates() -> Vec<ProfileUpdate> {
    let update = |user| {
        let event = format!(r#"{{"userId":"u{user}","traits":{{"n":1}}}}"#);
        profile::update(event.as_bytes(), &Layout::default()).unwrap()
    };
    (0..50).map(update).collect()
}

fn map(entries: &[(String, String)]) -> BTreeMap<String, String> {
    entries.iter().cloned().collect()
}

/// The errors of profiles that were not written.
async fn failures(settings: &Settings) -> Vec<Error> {
    let connection = Connection::new(settings.clone()).unwrap();
    let results = profile::apply(&connection, &updates()).await;
    results.into_iter().filter_map(Result::err).collect()
}

/// Lets every node announce this name, or none (`?`), and waits until all know.
fn announce(cluster: &Cluster, name: &str, endpoint: &str) {
    let shown = if name.is_empty() { "?" } else { name };
    for node in &cluster.nodes {
        let set = |setting, value| {
            assert_eq!(node.cli(&["CONFIG", "SET", setting, value]), "OK");
        };
        set("cluster-announce-hostname", name);
        set("cluster-preferred-endpoint-type", endpoint);
    }
    eventually("every node to know the names", || {
        let knows = |node: &Server| {
            let slots = node.cli(&["CLUSTER", "SLOTS"]);
            let hosts = slots.lines().filter(|line| *line == shown).count();
            endpoint == "unknown-endpoint" || hosts >= 2 * crate::support::cluster::MASTERS
        };
        cluster.nodes.iter().all(knows).then_some(())
    });
}

/// What a cure says to write; the console makes a button of it.
fn as_in_the_file() -> String {
    format!("`address_map = {{ \"{ELSEWHERE}\" = \"HOST\" }}`")
}

#[tokio::test]
async fn a_cluster_that_announces_other_addresses_is_named_and_mapped() {
    let cluster = Cluster::start();
    announce(&cluster, ELSEWHERE, "hostname");
    let mut settings = cluster.settings();
    settings.address = cluster.nodes[0].address();
    let failed = failures(&settings).await;
    assert!(!failed.is_empty());
    for error in &failed {
        let text = error.to_string();
        for word in [
            ELSEWHERE,
            "the cluster named",
            "cluster-announce-ip",
            "address_map",
        ] {
            assert!(text.contains(word), "{text}");
        }
        assert_eq!(error.class(), Class::Transient);
    }
    let report = examine(&settings, &Layout::default()).await;
    assert!(!report.is_healthy(), "{report:#?}");
    let found = report
        .findings()
        .iter()
        .find(|found| found.status == Status::Failed);
    let cure = found.unwrap().cure.as_deref().unwrap();
    assert!(cure.contains(&as_in_the_file()), "{report:#?}");

    settings.address_map = map(&[(ELSEWHERE.to_owned(), "127.0.0.1".to_owned())]);
    assert!(failures(&settings).await.is_empty());
    let report = examine(&settings, &Layout::default()).await;
    assert!(report.is_healthy(), "{report:#?}");

    let entries: Vec<_> = cluster
        .nodes
        .iter()
        .map(|node| {
            let there = node.address();
            (there.replace("127.0.0.1", ELSEWHERE), there)
        })
        .collect();
    settings.address_map = map(&entries);
    assert!(failures(&settings).await.is_empty());
}

#[tokio::test]
async fn nodes_without_a_name_are_where_the_asked_one_is() {
    let cluster = Cluster::start();
    for endpoint in ["hostname", "unknown-endpoint"] {
        announce(&cluster, "", endpoint);
        let mut settings = cluster.settings();
        settings.address = cluster.nodes[1].address();
        let failed = failures(&settings).await;
        assert!(failed.is_empty(), "{endpoint}: {failed:?}");
    }
}

#[tokio::test]
async fn a_master_that_sentinels_name_is_named_and_mapped() {
    let sentinels = Sentinels::start();
    let mut settings = sentinels.settings();
    let before: Vec<_> = settings.address.split(',').map(Proxy::before).collect();
    for proxy in &before {
        proxy.rule(|words| {
            if is(words, "SENTINEL") {
                Act::Change(|answer| {
                    let answer = String::from_utf8(answer).unwrap();
                    answer.replace("127.0.0.1", ELSEWHERE).into_bytes()
                })
            } else {
                Act::Pass
            }
        });
    }
    let addresses: Vec<_> = before.iter().map(Proxy::address).collect();
    settings.address = addresses.join(",");
    let failed = failures(&settings).await;
    assert_eq!(failed.len(), updates().len());
    let text = failed[0].to_string();
    for word in [
        ELSEWHERE,
        "the Sentinels named",
        "replica-announce-ip",
        "address_map",
    ] {
        assert!(text.contains(word), "{text}");
    }
    let report = examine(&settings, &Layout::default()).await;
    let found = report.finding(Check::Connect).unwrap();
    assert_eq!(found.status, Status::Failed, "{report:#?}");
    assert!(found.says.contains("Sentinels named"), "{found:?}");
    let cure = found.cure.as_deref().unwrap();
    assert!(cure.contains(&as_in_the_file()), "{found:?}");

    settings.address_map = map(&[(ELSEWHERE.to_owned(), "127.0.0.1".to_owned())]);
    assert!(failures(&settings).await.is_empty());
    let report = examine(&settings, &Layout::default()).await;
    assert!(report.is_healthy(), "{report:#?}");
}

#[tokio::test]
async fn a_redirection_of_what_should_be_standalone_names_the_setting() {
    let cluster = Cluster::start();
    // It does not say that it is a cluster.
    let proxy = Proxy::before(&cluster.nodes[0].address());
    proxy.rule(|words| {
        if is(words, "HELLO") {
            Act::Answer("ERR unknown command 'HELLO'".to_owned())
        } else {
            Act::Pass
        }
    });
    let failed = failures(&Settings::new(proxy.address())).await;
    assert!(!failed.is_empty());
    for error in &failed {
        assert_eq!(error.class(), Class::Configuration, "{error}");
        assert!(
            error.to_string().contains("set cluster_mode = true"),
            "{error}"
        );
    }
    let connection = Connection::new(Settings::new(proxy.address())).unwrap();
    let writes: Vec<_> = (0..20)
        .map(|key| Write {
            key: format!("k{key}").into_bytes(),
            value: b"v".to_vec(),
            ttl_seconds: None,
        })
        .collect();
    let error = values::store(&connection, &writes).await.unwrap_err();
    assert!(
        error.to_string().contains("set cluster_mode = true"),
        "{error}"
    );
}

#[test]
fn a_map_that_cannot_work_is_refused() {
    for (settings, says) in [
        (Settings::new("h:1"), "no use without cluster_mode"),
        (
            Settings {
                cluster_mode: true,
                ..Settings::new("h:1")
            },
            "both have a port",
        ),
    ] {
        let settings = Settings {
            address_map: map(&[("h:1".to_owned(), "h".to_owned())]),
            ..settings
        };
        let error = Connection::new(settings).unwrap_err();
        assert_eq!(error.class(), Class::Configuration);
        let text = error.to_string();
        assert!(
            text.contains("address_map") && text.contains(says),
            "{text}"
        );
    }
}
