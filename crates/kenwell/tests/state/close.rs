//! The end of a store: what has begun is waited for, and nothing begins any more.

use std::time::Duration;

use kenwell::connection::{Connection, Settings};
use kenwell::state::{Error, Record, StateStore};
use serde_json::json;

use super::order::begin;
use super::update::store;
use crate::support::cluster::eventually;
use crate::support::link::{Flow, Link};
use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

const LONG: Duration = Duration::from_secs(20);

fn linked(link: &Link) -> StateStore {
    let mut settings = Settings::new(link.address());
    settings.command_timeout = LONG;
    store(Connection::new(settings).unwrap())
}

fn is_closed(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Redis(kenwell::Error::Closed { .. })))
}

#[tokio::test]
async fn a_close_waits_for_what_has_begun() {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let store = linked(&link);
    store.save("bob", &mut Record::new()).await.unwrap();
    link.let_flow(Flow::Hold, Flow::Carry);
    let mut record = with_user(&json!(1));
    let saving = begin(store.save("ada", &mut record)).await;
    let closing = begin(store.close(LONG)).await;
    // A clone is the same store.
    let clone = store.clone();
    let mut late = Record::new();
    assert!(is_closed(&clone.save("ada", &mut late).await));
    link.let_flow(Flow::Carry, Flow::Carry);
    let (saved, closed) = tokio::join!(saving, closing);
    saved.unwrap();
    closed.unwrap();
    assert!(server.cli(&["GET", "data:ada"]).contains(r#""data":1"#));
    assert!(is_closed(&store.load("ada").await.map(drop)));
    assert!(is_closed(&store.delete("ada").await.map(drop)));
    let again = store.save_if_unchanged("ada", &mut late).await;
    assert!(is_closed(&again));
    eventually("the connection is closed at Redis too", || {
        let clients = server.cli(&["CLIENT", "LIST"]);
        (clients.lines().count() == 1).then_some(())
    });
}

#[tokio::test]
async fn a_close_does_not_wait_for_ever() {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let store = linked(&link);
    store.save("bob", &mut Record::new()).await.unwrap();
    link.let_flow(Flow::Hold, Flow::Carry);
    let mut record = Record::new();
    let saving = begin(store.save_if_unchanged("ada", &mut record)).await;
    let late = store.close(Duration::from_millis(50)).await.unwrap_err();
    assert!(
        matches!(late, Error::Redis(kenwell::Error::Timeout { .. })),
        "{late}"
    );
    // Its connection is gone, so it ends long before its own time is over.
    let unknown = saving.await.unwrap_err();
    assert!(matches!(unknown, Error::Uncertain { .. }), "{unknown}");
}
