//! A record is changed by a function: nothing is lost, and nothing is changed twice.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use kenwell::connection::{Connection, Settings};
use kenwell::state::{Error, JsonError, MAX_UPDATE_ATTEMPTS, Record, StateStore};

use crate::support::proxy::{Act, Proxy, is};
use crate::support::server::Server;

pub(crate) fn store(connection: Connection) -> StateStore {
    StateStore::builder(connection).build().unwrap()
}

pub(crate) fn add_one(record: &mut Record) -> Result<u32, JsonError> {
    let visits = record.user::<u32>()?.unwrap_or(0) + 1;
    record.set_user(&visits)?;
    Ok(visits)
}

pub(crate) async fn visits(store: &StateStore) -> u32 {
    let record = store.load("ada").await.unwrap().unwrap();
    record.user().unwrap().unwrap()
}

#[tokio::test]
async fn of_updates_that_overlap_none_is_lost() {
    let server = Server::start(&[]);
    let stores = [store(server.connection()), store(server.connection())];
    let updates = (0..60).map(async |number: usize| {
        let store = &stores[number % 2];
        if !number.is_multiple_of(3) {
            return store.update("ada", add_one).await;
        }
        let change = async |record: &mut Record| {
            tokio::task::yield_now().await;
            add_one(record)
        };
        store.update_async("ada", change).await
    });
    let seen = join_all(updates).await.into_iter();
    let mut seen: Vec<u32> = seen.map(Result::unwrap).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=60).collect::<Vec<u32>>());
    assert_eq!(visits(&stores[0]).await, 60);
}

#[tokio::test]
async fn a_change_that_fails_saves_nothing() {
    let server = Server::start(&[]);
    let store = store(server.connection());
    let failed = store.update("ada", |record| {
        record.set_user(&1).map_err(|error| error.to_string())?;
        Err::<(), _>("no more room".to_owned())
    });
    let error = failed.await.unwrap_err();
    assert!(matches!(error, Error::Change { .. }), "{error}");
    assert!(error.to_string().contains("no more room"), "{error}");
    assert!(!store.exists("ada").await.unwrap());
}

#[tokio::test]
async fn an_update_that_always_comes_too_late_ends() {
    let server = Server::start(&[]);
    let (ours, other) = (store(server.connection()), store(server.connection()));
    let calls = AtomicUsize::new(0);
    let updated = ours.update_async("ada", async |record| {
        calls.fetch_add(1, Ordering::Relaxed);
        let mut faster = Record::new();
        // Another text each time, whatever the clock says.
        faster.set_user(&calls.load(Ordering::Relaxed))?;
        other.save("ada", &mut faster).await?;
        record.set_user(&8)?;
        Ok::<_, Error>(())
    });
    let error = updated.await.unwrap_err();
    assert!(matches!(error, Error::Conflict), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), MAX_UPDATE_ATTEMPTS);
    assert_eq!(visits(&ours).await as usize, MAX_UPDATE_ATTEMPTS);
}

#[tokio::test]
async fn an_update_without_an_answer_is_not_made_again() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.address());
    let store = store(Connection::new(Settings::new(proxy.address())).unwrap());
    assert_eq!(store.update("ada", add_one).await.unwrap(), 1);
    proxy.rule(|command| {
        if is(command, "EVAL") {
            Act::CutAfter
        } else {
            Act::Pass
        }
    });
    let error = store.update("ada", add_one).await.unwrap_err();
    assert!(matches!(error, Error::Uncertain { .. }), "{error}");
    assert_eq!(visits(&store).await, 2);
    proxy.rule(|_| Act::Pass);
    assert_eq!(store.update("ada", add_one).await.unwrap(), 3);
}
