//! Calls that wait for their answers, from threads with and without a runtime.

use std::time::Duration;

use kenwell::Error as RedisError;
use kenwell::blocking::{Connection, StateStore, profile};
use kenwell::connection::Settings;
use kenwell::profile::Layout;
use kenwell::state::{
    Entry, Error, HistoryElement, JsonError, MAX_UPDATE_ATTEMPTS, Record, SaveOptions,
};

use crate::support::cluster::{Cluster, eventually};
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;

fn store(settings: Settings) -> StateStore {
    let connection = Connection::new(settings).unwrap();
    StateStore::build(&connection, |builder| builder).unwrap()
}

fn visits(store: &StateStore) -> u32 {
    let record = store.load("ada").unwrap();
    record.map_or(0, |record| record.user().unwrap().unwrap_or(0))
}

fn add_one(record: &mut Record) -> Result<(), JsonError> {
    let visits: u32 = record.user()?.unwrap_or(0);
    record.set_user(&(visits + 1))
}

#[test]
fn every_call_of_the_store_can_wait() {
    let server = Server::start(&[]);
    let connection = Connection::new(server.settings()).unwrap();
    let store = StateStore::build(&connection, |builder| {
        let data = Entry::new("data").everything().ttl_seconds(60);
        let turns = HistoryElement::default();
        let turns = (
            Entry::new("turns"),
            HistoryElement {
                fields: None,
                ..turns
            },
        );
        builder
            .key_prefix("bot")
            .entries([data])
            .history_list(turns.0, turns.1)
    });
    let store = store.unwrap();
    assert!(store.load("ada").unwrap().is_none());
    let mut record = store.load_or_new("ada").unwrap();
    record.set_user(&1).unwrap();
    store.save("ada", &mut record).unwrap();
    assert!(server.cli(&["GET", "bot:data:ada"]).contains(r#""data":1"#));
    store.save_if_unchanged("ada", &mut record).unwrap();
    let hour = SaveOptions::new().ttl_seconds(3_600);
    store.save_with("ada", &mut record, &hour).unwrap();
    assert!(store.touch("ada").unwrap() && store.exists("ada").unwrap());
    assert!(store.touch_for("ada", 600).unwrap());
    store.update("ada", add_one).unwrap();
    assert_eq!(visits(&store), 2);
    let many = store.load_many(&["ada", "bob"]).unwrap();
    assert_eq!(many.into_iter().flatten().flatten().count(), 1);
    assert!(store.load_readable("ada").unwrap().unreadable().is_empty());
    store.append_history("ada", "hello").unwrap();
    assert_eq!(store.history::<String>("ada").unwrap(), ["hello"]);
    assert_eq!(store.history_json("ada").unwrap()[0].as_str(), "\"hello\"");
    assert_eq!(store.keys("ada").unwrap()[0], b"bot:data:ada");
    assert_eq!(store.stored_entries("ada").unwrap().len(), 2);
    assert!(store.delete("ada").unwrap());
    assert_eq!(server.cli(&["DBSIZE"]), "0");
    server.cli(&["HSET", "user:ada", "plan", "pro"]);
    let layout = Layout::default();
    let traits = profile::read(&connection, &layout, "ada").unwrap();
    assert_eq!(traits, Some(vec![(b"plan".to_vec(), b"pro".to_vec())]));
    assert!(profile::delete(&connection, &layout, "ada").unwrap());
    assert_eq!(profile::read(&connection, &layout, "ada").unwrap(), None);
    connection.ping().unwrap();
    store.close(Duration::from_secs(5)).unwrap();
    let closed = store.load("ada").unwrap_err();
    assert!(
        matches!(closed, Error::Redis(RedisError::Closed { .. })),
        "{closed}"
    );
}

#[test]
fn clusters_and_sentinels_are_reached_too() {
    let (cluster, sentinels) = (Cluster::start(), Sentinels::start());
    for settings in [cluster.settings(), sentinels.settings()] {
        let store = store(settings);
        store.update("ada", add_one).unwrap();
        assert_eq!(visits(&store), 1);
    }
}

#[test]
fn many_threads_share_a_store_and_lose_nothing() {
    const THREADS: usize = 8;
    const TIMES: usize = MAX_UPDATE_ATTEMPTS / THREADS;
    let server = Server::start(&[]);
    let store = store(server.settings());
    std::thread::scope(|scope| {
        for _thread in 0..THREADS {
            scope.spawn(|| {
                for _time in 0..TIMES {
                    store.update("ada", add_one).unwrap();
                }
            });
        }
    });
    assert_eq!(visits(&store), u32::try_from(THREADS * TIMES).unwrap());
}

#[test]
fn within_async_code_it_is_an_error_and_elsewhere_in_a_runtime_it_works() {
    let server = Server::start(&[]);
    let store = store(server.settings());
    let is_refused = |store: &StateStore| {
        let error = store.load("ada").unwrap_err();
        let is_it = matches!(&error, Error::Redis(error) if error.code() == "within_async");
        assert!(
            is_it && error.to_string().contains("spawn_blocking"),
            "{error}"
        );
    };
    let runtimes = [
        tokio::runtime::Builder::new_current_thread().build(),
        tokio::runtime::Builder::new_multi_thread().build(),
    ];
    for (number, runtime) in (1..).zip(runtimes) {
        let runtime = runtime.unwrap();
        let (one, two) = (store.clone(), store.clone());
        runtime.block_on(async {
            is_refused(&store);
            tokio::spawn(async move { is_refused(&one) }).await.unwrap();
            // It needs nothing of this runtime, which has neither io nor time.
            let update = move || two.update("ada", add_one).unwrap();
            tokio::task::spawn_blocking(update).await.unwrap();
            // Leaving async code is no problem either.
            drop(Connection::new(server.settings()).unwrap());
        });
        let _entered = runtime.enter();
        assert_eq!(visits(&store), number);
    }
}

#[test]
fn the_sockets_end_with_the_last_clone() {
    let server = Server::start(&[]);
    let store = store(server.settings());
    let clone = store.clone();
    store.save("ada", &mut Record::new()).unwrap();
    drop(store);
    clone.load("ada").unwrap();
    drop(clone);
    eventually("the connection is closed at Redis too", || {
        let clients = server.cli(&["CLIENT", "LIST"]);
        (clients.lines().count() == 1).then_some(())
    });
}
