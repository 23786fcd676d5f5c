//! A history beside the record, in a Redis list.

use kenwell::connection::{Connection, Settings};
use kenwell::state::encryption::{Key, KeyRing};
use kenwell::state::{Builder, Entry, Error, HistoryElement, MAX_HISTORY_LIST, StateStore};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::proxy::{Act, Proxy, is};
use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

fn builder(connection: Connection, size: usize) -> Builder {
    let element = HistoryElement { size, fields: None };
    StateStore::builder(connection).history_list(Entry::new("turns").ttl_seconds(60), element)
}

async fn turns(store: &StateStore) -> Vec<u32> {
    store.history("ada").await.unwrap()
}

#[tokio::test]
async fn the_newest_turns_stay_and_the_record_is_not_touched() {
    let server = Server::start(&[]);
    let store = builder(server.connection(), 3).build().unwrap();
    assert!(turns(&store).await.is_empty());
    let mut record = with_user(&json!({"visits": 1}));
    store.save("ada", &mut record).await.unwrap();
    for turn in 1..=5 {
        store.append_history("ada", &turn).await.unwrap();
    }
    assert_eq!(turns(&store).await, [5, 4, 3]);
    assert_eq!(server.cli(&["LRANGE", "turns:ada", "0", "-1"]), "5\n4\n3");
    let left: i64 = server.cli(&["TTL", "turns:ada"]).parse().unwrap();
    assert!((1..=60).contains(&left), "{left}");
    store.save_if_unchanged("ada", &mut record).await.unwrap();
    assert_eq!(
        store.keys("ada").await.unwrap(),
        [b"data:ada".to_vec(), b"turns:ada".to_vec()]
    );
    assert!(store.delete("ada").await.unwrap());
    assert_eq!(server.cli(&["DBSIZE"]), "0");
}

#[tokio::test]
async fn items_keep_their_chosen_fields_and_are_sealed() {
    let server = Server::start(&[]);
    let ring = KeyRing::new(vec![Key::parse("a", &"1f".repeat(32)).unwrap()]).unwrap();
    let store = StateStore::builder(server.connection())
        .history_list(Entry::new("turns").encrypted(), HistoryElement::default())
        .encryption(ring)
        .build()
        .unwrap();
    let turn = json!({"nlu": 1, "secret": 2, "output": "hi"});
    store.append_history("ada", &turn).await.unwrap();
    let stored = server.cli(&["LINDEX", "turns:ada", "0"]);
    assert!(stored.starts_with("kw1.a."), "{stored}");
    let found: Vec<Value> = store.history("ada").await.unwrap();
    assert_eq!(found, [json!({"output": "hi", "nlu": 1})]);
    server.cli(&["LPUSH", "turns:ada", "{}"]);
    let error = store.history_json("ada").await.unwrap_err();
    assert!(
        matches!(&error, Error::Undecodable { place, .. } if place.entry() == Some("turns")),
        "{error}"
    );
}

#[tokio::test]
async fn a_turn_without_an_answer_is_not_added_again() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(&server.address());
    let connection = Connection::new(Settings::new(proxy.address())).unwrap();
    let store = builder(connection, 10).build().unwrap();
    store.append_history("ada", &1).await.unwrap();
    let acts: [fn() -> Act; 2] = [|| Act::CutAfter, || Act::Change(|_| b"+OK\r\n".to_vec())];
    for (turn, act) in (2..).zip(acts) {
        proxy.rule(move |command| {
            if is(command, "EXEC") {
                act()
            } else {
                Act::Pass
            }
        });
        let error = store.append_history("ada", &turn).await.unwrap_err();
        assert!(matches!(error, Error::Uncertain { .. }), "{error}");
    }
    proxy.rule(|_| Act::Pass);
    assert_eq!(turns(&store).await, [3, 2, 1]);
}

#[tokio::test]
async fn what_cannot_work_is_said() {
    let server = Server::start(&[]);
    let store = StateStore::builder(server.connection()).build().unwrap();
    let error = store.append_history("ada", &1).await.unwrap_err();
    assert!(error.to_string().contains("`history_list`"), "{error}");
    for size in [0, MAX_HISTORY_LIST + 1] {
        let error = builder(server.connection(), size).build().unwrap_err();
        assert!(error.to_string().contains("10000"), "{error}");
    }
    let twice = Entry::new("data");
    let same = StateStore::builder(server.connection());
    let same = same.history_list(twice, HistoryElement::default());
    let error = same.build().unwrap_err().to_string();
    assert!(error.contains("`data`"), "{error}");
    let store = builder(server.connection(), 3).build().unwrap();
    server.cli(&["SET", "turns:ada", "text"]);
    let error = store.append_history("ada", &1).await.unwrap_err();
    assert!(
        matches!(&error, Error::Value { place, .. } if place.entry() == Some("turns")),
        "{error}"
    );
    assert_eq!(server.cli(&["GET", "turns:ada"]), "text");
}

#[tokio::test]
async fn in_a_cluster_a_hash_tag_keeps_it_beside_the_record() {
    let cluster = Cluster::start();
    let store = builder(cluster.connection(), 2).cluster_hash_tag();
    let store = store.build().unwrap();
    store.save("ada", &mut with_user(&json!(1))).await.unwrap();
    for turn in 1..=3 {
        store.append_history("ada", &turn).await.unwrap();
    }
    assert_eq!(turns(&store).await, [3, 2]);
    let keys = store.keys("ada").await.unwrap();
    let places = keys
        .iter()
        .map(|key| cluster.master_of(str::from_utf8(key).unwrap()));
    let places: Vec<_> = places.collect();
    assert_eq!(places, [places[0]; 2]);
    assert!(store.delete("ada").await.unwrap());
    assert!(turns(&store).await.is_empty());
}
