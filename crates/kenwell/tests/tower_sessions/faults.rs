//! Connections that break while a session is stored.

use kenwell::connection::{Connection, Settings};
use kenwell::tower_sessions::RedisStore;
use serde_json::json;
use tower_sessions::SessionStore;
use tower_sessions::session::Id;
use tower_sessions::session_store::Error;

use super::{record, stored};
use crate::support::proxy::{Act, Proxy, is};
use crate::support::server::Server;

/// Lets the first so many of these commands be executed, and then breaks the connection before the answer comes.
fn cut_after(proxy: &Proxy, name: &'static str, mut times: usize) {
    proxy.rule(move |command| {
        if is(command, name) && times > 0 {
            times -= 1;
            return Act::CutAfter;
        }
        Act::Pass
    });
}

fn store(proxy: &Proxy) -> RedisStore {
    RedisStore::new(Connection::new(Settings::new(proxy.address())).unwrap())
}

#[tokio::test]
async fn a_new_session_without_an_answer_is_stored_under_another_id() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.address());
    let store = store(&proxy);
    cut_after(&proxy, "SET", 1);
    let mut created = record(Id::default(), json!({"a": 1}));
    let before = created.id;
    store.create(&mut created).await.unwrap();
    assert_ne!(created.id, before);
    let loaded = store.load(&created.id).await.unwrap().unwrap();
    assert_eq!(loaded.data["a"], 1);
}

#[tokio::test]
async fn changes_without_an_answer_are_made_again_and_undo_nothing() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.address());
    let (store, direct) = (store(&proxy), RedisStore::new(server.connection()));
    let id = stored(&server.connection()).await;
    let mut ours = store.load(&id).await.unwrap().unwrap();
    ours.data.insert("ours".to_owned(), json!(1));
    cut_after(&proxy, "EVAL", 1);
    store.save(&ours).await.unwrap();
    let mut theirs = direct.load(&id).await.unwrap().unwrap();
    assert_eq!(theirs.data["ours"], 1);
    theirs.data.insert("theirs".to_owned(), json!(1));
    direct.save(&theirs).await.unwrap();
    // Loaded before, and saved after theirs.
    ours.data.insert("more".to_owned(), json!(1));
    cut_after(&proxy, "EVAL", 1);
    store.save(&ours).await.unwrap();
    let after = direct.load(&id).await.unwrap().unwrap();
    for name in ["ours", "theirs", "more", "begun"] {
        assert!(after.data.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn what_stays_unknown_is_an_error() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.address());
    let store = store(&proxy);
    let id = stored(&server.connection()).await;
    let mut ours = store.load(&id).await.unwrap().unwrap();
    ours.data.insert("ours".to_owned(), json!(1));
    cut_after(&proxy, "EVAL", usize::MAX);
    let unknown = store.save(&ours).await.unwrap_err();
    assert!(matches!(unknown, Error::Backend(_)), "{unknown}");
    assert!(!unknown.to_string().contains(&id.to_string()), "{unknown}");
}
