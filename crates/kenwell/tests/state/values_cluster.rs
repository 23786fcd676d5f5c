//! The byte layer in a real Redis Cluster.

use kenwell::state::Error;
use kenwell::state::values::{self, Expected, Write};

use super::values::{read, texts, write};
use crate::support::cluster::{Cluster, MASTERS};

fn of(user: &str, round: usize) -> Vec<Write> {
    let entries = ["data", "session", "history"];
    let key = |entry: &str| format!("{entry}:{{{user}}}");
    entries
        .map(|entry| write(&key(entry), &format!("{entry} {round}")))
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_all_slots_are_stored_and_fetched_in_one_call() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    let keys: Vec<String> = (0..300).map(|index| format!("data:u{index}")).collect();
    let mut writes: Vec<Write> = keys.iter().map(|key| write(key, key)).collect();
    writes.extend((0..20).flat_map(|user| of(&user.to_string(), 0)));
    values::store(&connection, &writes).await.unwrap();
    let reads: Vec<_> = writes
        .iter()
        .map(|write| read(str::from_utf8(&write.key).unwrap()))
        .collect();
    let found = texts(
        values::fetch(&connection, &reads, Some(b"user:nobody"))
            .await
            .unwrap(),
    );
    for (found, write) in found.iter().zip(&writes) {
        assert_eq!(found.as_ref().unwrap().as_bytes(), write.value);
    }
    let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
    assert_eq!(values::remove(&connection, &keys).await.unwrap(), 360);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_one_slot_follow_it_when_it_moves() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    let reads: Vec<_> = of("u", 0)
        .iter()
        .map(|write| read(str::from_utf8(&write.key).unwrap()))
        .collect();
    let mut round = 0;
    let mut exchange = async |what: &str| {
        round += 1;
        values::store(&connection, &of("u", round)).await.unwrap();
        let found = texts(values::fetch(&connection, &reads, None).await.unwrap());
        let expected = ["data", "session", "history"].map(|entry| Some(format!("{entry} {round}")));
        assert_eq!(found, expected, "{what}");
        let known = of("u", round).into_iter().map(|write| Expected {
            key: write.key,
            value: Some(write.value),
        });
        let known: Vec<_> = known.collect();
        round += 1;
        assert!(
            values::store_unchanged(&connection, &known, &of("u", round))
                .await
                .unwrap()
        );
        assert!(
            !values::store_unchanged(&connection, &known, &of("u", round))
                .await
                .unwrap()
        );
    };
    exchange("before").await;
    let key = "data:{u}";
    let to = (cluster.master_of(key) + 1) % MASTERS;
    let migration = cluster.begin_to_move(key, to);
    exchange("while it moves").await;
    migration.finish();
    exchange("afterwards").await;
}

#[tokio::test]
async fn a_comparison_across_slots_is_refused_before_it_is_sent() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    let writes = [write("data:u1", "1"), write("session:u1", "2")];
    let error = values::store_unchanged(&connection, &[], &writes)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::SeveralSlots { place } if place.index() == 1),
        "{error}"
    );
    assert!(
        values::store_unchanged(&connection, &[], &writes[..1])
            .await
            .unwrap()
    );
}
