//! How long saving and loading a record takes, next to a bare client that sends the same commands.
//!
//! `cargo run --release -p kenwell --example state_speed -- 127.0.0.1:6379`: three entries, one user who waits for each
//! answer, then 64 at once.
#![allow(
    clippy::allow_attributes,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement that people run by hand"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kenwell::connection::{Connection, Settings};
use kenwell::state::{Entry, Record, StateStore};
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};

const ENTRIES: [&str; 3] = ["user", "session", "history"];
const TTL_SECONDS: u64 = 1200;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(200);

fn user() -> Value {
    json!({"name": "Ada Lovelace", "visits": 42, "preferences": {"language": "en", "zone": "Europe/London"}, "list": [1, 2, 3, 4, 5, 6, 7, 8]})
}

async fn ours(store: &StateStore, name: &str) {
    let mut record = Record::new();
    record.set_user(&user()).unwrap();
    store.save(name, &mut record).await.unwrap();
    let loaded = store.load(name).await.unwrap().unwrap();
    black_box(loaded.user::<Value>().unwrap().unwrap());
}

async fn bare(client: &mut MultiplexedConnection, name: &str) {
    let keys = ENTRIES.map(|entry| format!("{entry}:{name}"));
    let values = [
        serde_json::to_string(&json!({"user": {"data": user()}, "createdAt": "2026-11-22T05:00:17.881Z", "updatedAt": "2026-11-22T05:00:17.881Z"})).unwrap(),
        "{}".to_owned(),
        "{}".to_owned(),
    ];
    let mut save = redis::pipe();
    save.atomic();
    for (key, value) in keys.iter().zip(&values) {
        save.cmd("SET")
            .arg(key)
            .arg(value)
            .arg("EX")
            .arg(TTL_SECONDS);
    }
    let () = save.query_async(client).await.unwrap();
    let mut load = redis::pipe();
    load.atomic();
    for key in &keys {
        load.get(key);
    }
    let texts: [String; 3] = load.query_async(client).await.unwrap();
    for text in &texts {
        black_box(serde_json::from_str::<Value>(text).unwrap());
    }
}

/// Pairs a second of so many users at once.
async fn pairs_per_second<F: Future<Output = ()>>(users: usize, pair: impl Fn(usize) -> F) -> f64 {
    let started = Instant::now();
    let mut pairs = 0;
    while started.elapsed() < ROUND {
        join_all((0..users).map(&pair)).await;
        pairs += users;
    }
    pairs as f64 / started.elapsed().as_secs_f64()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    *numbers.get(numbers.len() / 2).unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = std::env::args()
        .nth(1)
        .unwrap_or("127.0.0.1:6379".to_owned());
    let connection = Connection::new(Settings::new(&address)).unwrap();
    let entries = ENTRIES.map(|id| Entry::new(id).ttl_seconds(TTL_SECONDS));
    let [first, second, third] = entries;
    let store = StateStore::builder(connection)
        .entries([
            first.user().created_at().updated_at(),
            second.session(),
            third.history(),
        ])
        .build()
        .unwrap();
    let client = redis::Client::open(format!("redis://{address}")).unwrap();
    let client = client.get_multiplexed_async_connection().await.unwrap();
    println!(
        "bytes of a call: save {}, load {}",
        size_of_val(&store.save("u", &mut Record::new())),
        size_of_val(&store.load("u"))
    );
    for users in [1, 64] {
        let (mut theirs, mut ratios) = (Vec::new(), Vec::new());
        for _round in 0..ROUNDS {
            let names: Vec<String> = (0..users).map(|user| format!("user-{user}")).collect();
            let bare = pairs_per_second(users, |user| {
                let (mut client, name) = (client.clone(), names.get(user).unwrap());
                async move { bare(&mut client, name).await }
            });
            let bare = bare.await;
            let ours = pairs_per_second(users, |user| ours(&store, names.get(user).unwrap()));
            theirs.push(bare);
            ratios.push(ours.await / bare);
        }
        let (bare, ratio) = (median(theirs), median(ratios));
        println!("{users:>2} users: bare client {bare:.0} pairs/s, kenwell {ratio:.2} of it");
    }
}
