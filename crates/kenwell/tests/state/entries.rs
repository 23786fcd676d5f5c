//! How records are spread over entries, put together again, and told apart.

use kenwell::profile::{self, Layout};
use kenwell::state::hashing::UserIdHash;
use kenwell::state::{
    Entry, Error, HistoryElement, Json, Record, Session, StateStore, StoredElements,
};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::server::Server;
use crate::walk_of_a_save::{Clock, all_elements, builder, with_user};

#[tokio::test]
async fn the_later_entry_wins_part_by_part() {
    let server = Server::start(&[]);
    let entries = [Entry::new("a").everything(), Entry::new("b").user()];
    let store = StateStore::builder(server.connection())
        .entries(entries)
        .build()
        .unwrap();
    server.cli(&[
        "SET",
        "a:u1",
        r#"{"user":{"data":{"from":"a"}},"createdAt":1704067200000}"#,
    ]);
    let user = async || {
        let record = store.load("u1").await.unwrap().unwrap();
        assert_eq!(
            record.created_at().unwrap().to_string(),
            "2024-01-01T00:00:00.000Z"
        );
        record.user::<Value>().unwrap()
    };
    assert_eq!(user().await.unwrap(), json!({"from": "a"}));
    server.cli(&[
        "SET",
        "b:u1",
        r#"{"user":{"data":{"from":"b"}},"updatedAt":"2024-01-01"}"#,
    ]);
    assert_eq!(user().await.unwrap(), json!({"from": "b"}));
    server.cli(&["SET", "b:u1", r#"{"user":{}}"#]);
    assert_eq!(user().await, None);
}

#[tokio::test]
async fn a_history_keeps_the_chosen_fields_of_the_newest_turns() {
    let server = Server::start(&[]);
    let clock = Clock::default();
    let elements = |size, fields: Option<&[&str]>| StoredElements {
        history: Some(HistoryElement {
            size,
            fields: fields.map(|fields| fields.iter().map(|&field| field.to_owned()).collect()),
        }),
        created_at: false,
        updated_at: false,
        ..StoredElements::default()
    };
    server.cli(&[
        "SET",
        "data:u1",
        r#"{"history":{"items":[{"old":1,"b":0}]}}"#,
    ]);
    for (size, fields, stored) in [
        (
            2,
            Some(&["b", "a"][..]),
            r#"[{"b":[2],"a":1},{"old":1,"b":0}]"#,
        ),
        (1, None, r#"[{"a":1,"b":[2],"c":3}]"#),
        (0, None, "[]"),
        (9, Some(&[][..]), r#"[{},{"old":1,"b":0}]"#),
    ] {
        let store = builder(server.connection(), &clock).elements(elements(size, fields));
        let store = store.build().unwrap();
        let mut record = store.load("u1").await.unwrap().unwrap();
        record
            .push_history(&json!({"a": 1, "b": [2], "c": 3}))
            .unwrap();
        store.save("u2", &mut record).await.unwrap();
        let expected = format!(r#"{{"user":{{"data":{{}}}},"history":{{"items":{stored}}}}}"#);
        assert_eq!(server.cli(&["GET", "data:u2"]), expected);
        // Saved items are not chosen from again.
        store.save("u2", &mut record).await.unwrap();
        assert_eq!(server.cli(&["GET", "data:u2"]), expected);
    }
}

#[tokio::test]
async fn what_is_not_to_be_stored_is_not() {
    let server = Server::start(&[]);
    let elements = StoredElements {
        user: false,
        created_at: false,
        updated_at: false,
        ..StoredElements::default()
    };
    let store = StateStore::builder(server.connection())
        .elements(elements)
        .build()
        .unwrap();
    server.cli(&[
        "SET",
        "data:u1",
        r#"{"user":{"data":{"a":1}},"createdAt":"bad"}"#,
    ]);
    let mut record = store.load("u1").await.unwrap().unwrap();
    assert!(record.user_json().is_none());
    store.save("u1", &mut record).await.unwrap();
    assert_eq!(server.cli(&["GET", "data:u1"]), "{}");
}

#[tokio::test]
async fn what_a_program_has_set_and_the_store_does_not_keep_is_an_error_and_nothing_is_saved() {
    let server = Server::start(&[]);
    let store = StateStore::builder(server.connection()).build().unwrap();
    let mut record = Record::new();
    record.set_session(Some(Session::new("s")));
    let error = store.save("u1", &mut record).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Setting {
                setting: "elements",
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("the record has a session"),
        "{error}"
    );
    record.set_session(None);
    record.push_history(&json!({"output": "hi"})).unwrap();
    let error = store.update("u1", |stored| {
        *stored = record.clone();
        Ok::<_, std::convert::Infallible>(())
    });
    let error = error.await.unwrap_err();
    assert!(
        error.to_string().contains("the record has a history"),
        "{error}"
    );
    assert_eq!(server.cli(&["DBSIZE"]), "0");
    record.clear_history();
    store.save("u1", &mut record).await.unwrap();

    // What others have stored is no obstacle.
    let session = r#"{"user":{"data":{}},"session":{"id":"s","data":{},"createdAt":"2024-01-01T00:00:00.000Z","updatedAt":"2024-01-01T00:00:00.000Z"}}"#;
    server.cli(&["SET", "data:u1", session]);
    let mut record = store.load("u1").await.unwrap().unwrap();
    store.save("u1", &mut record).await.unwrap();
}

#[tokio::test]
async fn each_part_of_a_record_is_changed_and_taken_away() {
    let server = Server::start(&[]);
    let builder = StateStore::builder(server.connection()).elements(StoredElements {
        created_at: false,
        updated_at: false,
        ..all_elements()
    });
    let store = builder.build().unwrap();
    let json = |text: &str| Json::parse(text.as_bytes()).unwrap();
    let mut record = Record::new();
    record.set_user_json(Some(json(r#"{"n":1.0}"#)));
    record.set_session(Some(Session::new("s")));
    let session = record.session_mut().unwrap();
    session.set_data(&json!({"step": 1})).unwrap();
    session.set_state_json(Some(json(r#"[{"component":"Menu"}]"#)));
    record.push_history(&json!({"output": "hi"})).unwrap();
    store.save("u1", &mut record).await.unwrap();
    let mut record = store.load("u1").await.unwrap().unwrap();
    let text = |json: Option<&Json>| json.map(|json| json.as_str().to_owned());
    let session = record.session_mut().unwrap();
    let found = (text(session.data_json()), text(session.state_json()));
    let kept = [r#"{"step":1}"#, r#"[{"component":"Menu"}]"#].map(str::to_owned);
    assert_eq!(found, (Some(kept[0].clone()), Some(kept[1].clone())));
    assert_eq!(text(record.user_json()).unwrap(), r#"{"n":1}"#);
    record.session_mut().unwrap().set_state_json(None);
    record.set_user_json(None);
    record.clear_history();
    store.save("u1", &mut record).await.unwrap();
    let record = store.load("u1").await.unwrap().unwrap();
    let session = record.session().unwrap();
    assert_eq!(
        (text(session.data_json()), session.state_json()),
        (Some(kept[0].clone()), None)
    );
    // As Jovo stores that there is none.
    assert_eq!(text(record.user_json()).unwrap(), "{}");
    assert!(record.history_json().is_empty());
}

#[tokio::test]
async fn many_users_are_loaded_in_one_round_trip() {
    let server = Server::start(&[]);
    let store = StateStore::builder(server.connection())
        .elements(all_elements())
        .build()
        .unwrap();
    for user in ["u1", "u2"] {
        store
            .save(user, &mut with_user(&json!({ "id": user })))
            .await
            .unwrap();
    }
    server.cli(&["SET", "data:bad", "{"]);
    let loaded = store
        .load_many(&["u1", "bad", "nobody", "u2"])
        .await
        .unwrap();
    let id = |index: usize| {
        let record = loaded[index].as_ref().unwrap().as_ref().unwrap();
        record.user::<Value>().unwrap().unwrap()["id"].clone()
    };
    assert_eq!((id(0), id(3)), (json!("u1"), json!("u2")));
    assert!(
        loaded[1]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("`data:bad`")
    );
    assert!(loaded[2].as_ref().unwrap().is_none());
    let too_many = vec!["u"; 10_001];
    let error = store.load_many(&too_many).await.unwrap_err();
    assert!(matches!(error, Error::TooManyKeys { .. }), "{error}");
    assert_eq!(store.load_many(&[]).await.unwrap().len(), 0);
    let error = store.load("").await.unwrap_err();
    assert!(matches!(error, Error::NoUser), "{error}");
}

#[tokio::test]
async fn an_entry_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start(&[]);
    let store = StateStore::builder(server.connection()).max_entry_bytes(200);
    let store = store.build().unwrap();
    let error = store
        .save("u1", &mut with_user(&json!({"text": "x".repeat(200)})))
        .await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { limit: 200, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("entry `data` (key `data:u1`)"),
        "{error}"
    );
    assert_eq!(server.cli(&["DBSIZE"]), "0");
    store.save("u1", &mut with_user(&json!({}))).await.unwrap();
}

#[tokio::test]
async fn the_profile_comes_with_the_record() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let store = StateStore::builder(connection.clone())
        .profile(Layout::default())
        .build()
        .unwrap();
    let event = br#"{"userId":"u1","traits":{"plan":{"name":"pro"},"n":1}}"#;
    let update = profile::update(event, &Layout::default()).unwrap();
    profile::apply(&connection, &[update])
        .await
        .remove(0)
        .unwrap();
    assert!(store.load("u1").await.unwrap().is_none());
    let mut record = store.load_or_new("u1").await.unwrap();
    assert!(record.is_new());
    assert_eq!(record.profile().unwrap().get("plan.name"), Some("pro"));
    assert_eq!(
        record.profile().unwrap().iter().collect::<Vec<_>>(),
        [("n", "1"), ("plan.name", "pro")]
    );
    store.save("u1", &mut record).await.unwrap();
    assert!(store.load("u1").await.unwrap().unwrap().profile().is_some());
    assert!(store.load_or_new("u2").await.unwrap().profile().is_none());
    assert!(!server.cli(&["GET", "data:u1"]).contains("plan"));
}

#[tokio::test]
async fn user_ids_can_be_hashed() {
    let server = Server::start(&[]);
    let hash = UserIdHash::new(b"a secret of 16 bytes").unwrap();
    let name = hash.name("ada@example.org");
    let store = StateStore::builder(server.connection())
        .key_prefix("bot")
        .hash_user_ids(hash);
    let store = store.build().unwrap();
    store
        .save("ada@example.org", &mut Record::new())
        .await
        .unwrap();
    assert_eq!(server.cli(&["KEYS", "*"]), format!("bot:data:{name}"));
    assert!(store.load("ada@example.org").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_a_hash_tag_keeps_a_user_together() {
    let cluster = Cluster::start();
    let entries = || ["user", "session", "history"].map(|id| Entry::new(id).everything());
    let plain = StateStore::builder(cluster.connection())
        .entries(entries())
        .build()
        .unwrap();
    let tagged = StateStore::builder(cluster.connection())
        .entries(entries())
        .cluster_hash_tag();
    let tagged = tagged.build().unwrap();
    for user in ["u1", "u2", "} {", "%"] {
        let mut record = with_user(&json!({ "id": user }));
        plain.save(user, &mut record).await.unwrap();
        let error = plain
            .save_if_unchanged(user, &mut record)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::SeveralSlots { .. }), "{error}");
        let mut record = tagged.load_or_new(user).await.unwrap();
        assert!(record.is_new());
        record.set_user(&json!({ "id": user })).unwrap();
        let mut rival = record.clone();
        tagged.save_if_unchanged(user, &mut record).await.unwrap();
        let lost = tagged.save_if_unchanged(user, &mut rival).await;
        assert!(matches!(lost, Err(Error::Conflict)), "{lost:?}");
        tagged.save_if_unchanged(user, &mut record).await.unwrap();
    }
    let users = ["u1", "u2", "nobody"];
    for store in [&plain, &tagged] {
        let found = store.load_many(&users).await.unwrap();
        let found: Vec<bool> = found
            .iter()
            .map(|it| it.as_ref().unwrap().is_some())
            .collect();
        assert_eq!(found, [true, true, false]);
        assert!(store.delete("u1").await.unwrap());
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_named() {
    let connection = Server::start(&[]).connection();
    let begin = || StateStore::builder(connection.clone());
    let key = |_| Ok::<_, std::fmt::Error>("k");
    for (builder, setting) in [
        (begin().entries([]), "entries"),
        (
            begin().entries([Entry::new("a").user(), Entry::new("a").user()]),
            "entries",
        ),
        (begin().entries([Entry::new("a")]), "entries"),
        (begin().entries([Entry::new("").user()]), "entries"),
        (
            begin().history_list(Entry::new(""), HistoryElement::default()),
            "history_list",
        ),
        (
            begin().entries([Entry::new("a").user().ttl_seconds(u64::MAX)]),
            "entries",
        ),
        (
            begin().entries([Entry::new("a").user().encrypted()]),
            "encryption",
        ),
        (begin().accept_plaintext(), "encryption"),
        (begin().max_entry_bytes(0), "max_entry_bytes"),
        (
            begin().cluster_hash_tag().on_create_key(key),
            "cluster_hash_tag",
        ),
        (
            begin().cluster_hash_tag().key_prefix("{a}"),
            "cluster_hash_tag",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(&error, Error::Setting { setting: found, .. } if *found == setting),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_record_and_its_copies_are_created_once() {
    let mut server = Server::start(&[]);
    let clock = Clock::default();
    let store = builder(server.connection(), &clock).build().unwrap();
    let created = |user: &str| {
        let stored: Value = serde_json::from_str(&server.cli(&["GET", user])).unwrap();
        stored["createdAt"].as_str().unwrap().to_owned()
    };
    let mut record = with_user(&json!({}));
    let (mut copy, mut template) = (record.clone(), record.clone());
    store.save("ada", &mut record).await.unwrap();
    let first = created("data:ada");
    for (milliseconds, record) in [(1000, &mut copy), (2000, &mut record)] {
        clock.set(milliseconds);
        store.save("ada", record).await.unwrap();
        assert_eq!(created("data:ada"), first);
    }
    // A template is created for each user anew.
    store.save("grace", &mut template).await.unwrap();
    assert_ne!(created("data:grace"), first);
    // Nobody knows whether a save that failed was executed.
    let mut record = with_user(&json!({}));
    server.kill();
    store.save("ada", &mut record).await.unwrap_err();
    server.revive();
    clock.set(9000);
    store.save("ada", &mut record).await.unwrap();
    let stored = server.cli(&["GET", "data:ada"]);
    assert!(
        stored.contains(r#""createdAt":"2024-01-01T00:00:02.000Z""#),
        "{stored}"
    );
}
