//! The rights that docs/state-store.md grants are enough, and none of them is too many.

use kenwell::connection::{Connection, Secret};
use kenwell::profile::Layout;
use kenwell::state::{Entry, Error, HistoryElement, StateStore};
use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

/// The line of the guide, as words.
fn line() -> Vec<String> {
    let guide = include_str!("../../../../docs/state-store.md");
    let line = guide.lines().find(|line| line.starts_with("ACL SETUSER "));
    line.unwrap().split(' ').map(str::to_owned).collect()
}

/// What the guide says a cluster needs besides.
const CLUSTER: &[&str] = &["+cluster|slots", "+asking"];

fn grant(server: &Server, more: &[&str]) {
    let words = line();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(more);
    assert_eq!(server.cli(&words), "OK");
}

/// Everything that a state store does, once.
async fn everything(connection: Connection) -> Result<(), Error> {
    let entries = [
        Entry::new("data").everything().ttl_seconds(60),
        Entry::new("more").user(),
    ];
    let store = StateStore::builder(connection)
        .key_prefix("app")
        .entries(entries)
        .history_list(
            Entry::new("turns").ttl_seconds(60),
            HistoryElement::default(),
        )
        .cluster_hash_tag()
        .refresh_on_load()
        .profile(Layout::default())
        .build()?;
    for user in ["u1", "u2", "u3"] {
        let mut record = store.load_or_new(user).await?;
        store.save(user, &mut record).await?;
        store.load_many(&[user, "nobody"]).await?.remove(0)?;
        store
            .save_if_unchanged(user, &mut with_user(&json!({})))
            .await
            .unwrap_or(());
        let mut record = store.load_or_new(user).await?;
        store.save_if_unchanged(user, &mut record).await?;
        store.exists(user).await?;
        store.touch(user).await?;
        store.stored_entries(user).await?;
        store.append_history(user, &1).await?;
        store.history_json(user).await?;
        store.delete(user).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_line_of_the_guide_is_enough() {
    let server = Server::start(&[]);
    grant(&server, &[]);
    let mut settings = server.settings();
    settings.username = Some("app".to_owned());
    settings.password = Some(Secret::new("PASSWORD"));
    settings.database = 5;
    everything(Connection::new(settings.clone()).unwrap())
        .await
        .unwrap();
    let denied = server.cli(&["ACL", "LOG"]);
    assert!(!denied.contains("command"), "{denied}");
    // And each word of it is needed.
    let rights = line();
    let rights = rights.iter().filter(|word| word.starts_with('+'));
    let rights = rights.filter(|right| !right.contains("client") && *right != "+ping");
    let rights: Vec<_> = rights.collect();
    assert!(rights.len() > 5, "{rights:?}");
    for right in rights {
        let taken = right.replacen('+', "-", 1);
        grant(&server, &[&taken]);
        let error = everything(Connection::new(settings.clone()).unwrap())
            .await
            .unwrap_err();
        let name = right.trim_start_matches('+');
        let said = error.to_string();
        assert!(
            said.contains(name) || said.contains("script"),
            "without {right}: {said}"
        );
        grant(&server, &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_two_more_are() {
    let cluster = Cluster::start();
    let guide = include_str!("../../../../docs/state-store.md");
    for right in CLUSTER {
        assert!(
            guide.contains(&format!("`{right}`")),
            "the guide does not name {right}"
        );
    }
    cluster.nodes.iter().for_each(|node| grant(node, CLUSTER));
    let mut settings = cluster.connection().settings().clone();
    settings.username = Some("app".to_owned());
    settings.password = Some(Secret::new("PASSWORD"));
    everything(Connection::new(settings).unwrap())
        .await
        .unwrap();
}
