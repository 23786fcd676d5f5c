//! Saves that overlap: exactly one wins, and the other one is told.

use kenwell::state::{Entry, Error, Record, StateStore};
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_overlapping_saves_exactly_one_wins_in_a_thousand_rounds() {
    let server = Server::start(&[]);
    let entries = || [Entry::new("user").user(), Entry::new("rest").everything()];
    let store = |connection| {
        StateStore::builder(connection)
            .entries(entries())
            .build()
            .unwrap()
    };
    let connection = server.connection();
    let stores = [store(connection.another()), store(connection)];
    let mut wins = [0, 0];
    for round in 0..1000 {
        let attempts = [0, 1].map(|who| {
            let store = stores[who].clone();
            async move {
                let mut record = store.load_or_new("u").await.unwrap();
                let seen = record.user::<Value>().unwrap();
                record
                    .set_user(&json!({"round": round, "who": who}))
                    .unwrap();
                (record, seen)
            }
        });
        let [one, two] = attempts;
        let (one, two) = tokio::join!(one, two);
        assert_eq!(one.1, two.1);
        let save = |store: StateStore, mut record: Record| {
            tokio::spawn(async move { store.save_if_unchanged("u", &mut record).await })
        };
        let [first, second] = &stores;
        let (one, two) = tokio::join!(save(first.clone(), one.0), save(second.clone(), two.0));
        let winner = match (one.unwrap(), two.unwrap()) {
            (Ok(()), Err(Error::Conflict)) => 0,
            (Err(Error::Conflict), Ok(())) => 1,
            other => panic!("round {round}: {other:?}"),
        };
        wins[winner] += 1;
        let found = stores[0]
            .load("u")
            .await
            .unwrap()
            .unwrap()
            .user::<Value>()
            .unwrap()
            .unwrap();
        assert_eq!(found, json!({"round": round, "who": winner}));
    }
    assert_eq!(wins[0] + wins[1], 1000);
}

#[tokio::test]
async fn whatever_changed_in_between_is_a_conflict() {
    let server = Server::start(&[]);
    let store = StateStore::builder(server.connection()).build().unwrap();
    let mut new = Record::new();
    new.set_user(&json!({})).unwrap();
    let mut late = new.clone();
    store.save_if_unchanged("u", &mut new).await.unwrap();
    let conflict = store.save_if_unchanged("u", &mut late).await.unwrap_err();
    assert!(matches!(conflict, Error::Conflict) && !conflict.is_retryable());
    // The winner knows what it wrote and can go on.
    store.save_if_unchanged("u", &mut new).await.unwrap();
    store.save("u", &mut new).await.unwrap();
    store.save_if_unchanged("u", &mut new).await.unwrap();
    for change in [&["APPEND", "data:u", " "][..], &["DEL", "data:u"]] {
        let mut record = store.load("u").await.unwrap().unwrap();
        server.cli(change);
        let conflict = store.save_if_unchanged("u", &mut record).await;
        assert!(matches!(conflict, Err(Error::Conflict)), "{change:?}");
        assert_ne!(server.cli(&["GET", "data:u"]), "{}");
    }
    // A record of one user is not the record of another one.
    store.save("a", &mut with_user(&json!({}))).await.unwrap();
    let mut record = store.load("a").await.unwrap().unwrap();
    store.save_if_unchanged("b", &mut record).await.unwrap();
    let mut record = store.load("a").await.unwrap().unwrap();
    assert!(matches!(
        store.save_if_unchanged("b", &mut record).await,
        Err(Error::Conflict)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_share_one_connection_and_some_are_given_up() {
    let server = Server::start(&[]);
    let entries = ["a", "b", "c"].map(|id| Entry::new(id).everything());
    let store = StateStore::builder(server.connection())
        .entries(entries)
        .build()
        .unwrap();
    let mut tasks = Vec::new();
    for user in 0..64 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let id = user.to_string();
            for round in 0..30 {
                let data = json!({"user": user, "round": round});
                store.save(&id, &mut with_user(&data)).await.unwrap();
                let mut record = store.load(&id).await.unwrap().unwrap();
                assert_eq!(record.user::<Value>().unwrap().unwrap(), data);
                store.save_if_unchanged(&id, &mut record).await.unwrap();
            }
        }));
    }
    // In the middle of whatever they are waiting for.
    while server.cli(&["DBSIZE"]).parse::<u32>().unwrap() < 3 * 32 {}
    for task in tasks.iter().step_by(3) {
        task.abort();
    }
    for (user, task) in tasks.into_iter().enumerate() {
        match task.await {
            Ok(()) => {}
            Err(error) => assert!(error.is_cancelled() && user % 3 == 0, "{user}: {error}"),
        }
        // Whoever was given up has saved as a whole or not at all.
        let record = store.load(&user.to_string()).await.unwrap();
        assert!(record.is_some() || user % 3 == 0);
    }
    assert_eq!(server.cli(&["DBSIZE"]).parse::<u32>().unwrap() % 3, 0);
}
