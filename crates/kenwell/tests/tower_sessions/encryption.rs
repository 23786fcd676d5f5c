//! Sessions that are sealed.

use kenwell::state::encryption::{Key, KeyRing};
use serde_json::json;
use tower_sessions::SessionStore;
use tower_sessions::session::Id;
use tower_sessions::session_store::Error;

use super::{record, store, stored};
use crate::support::server::Server;

fn ring(ids: &[&str]) -> KeyRing {
    let key = |id: &&str| Key::parse(id, &format!("{id:0>2}").repeat(32)).unwrap();
    KeyRing::new(ids.iter().map(key).collect()).unwrap()
}

#[tokio::test]
async fn sealed_sessions_are_merged_and_move_to_the_new_key() {
    let server = Server::start(&[]);
    let old = store(&server).encryption(ring(&["1"]));
    let mut created = record(Id::default(), json!({"pin": "hunter2"}));
    old.create(&mut created).await.unwrap();
    let key = format!("session:{}", created.id);
    let sealed = server.cli(&["GET", &key]);
    assert!(
        sealed.starts_with("kw1.1.") && !sealed.contains("hunter2"),
        "{sealed}"
    );
    let new = store(&server).encryption(ring(&["2", "1"]));
    let (one, two) = (new.load(&created.id).await, new.load(&created.id).await);
    for (loaded, name) in [(one, "one"), (two, "two")] {
        let mut loaded = loaded.unwrap().unwrap();
        loaded.data.insert(name.to_owned(), json!(1));
        new.save(&loaded).await.unwrap();
    }
    assert!(server.cli(&["GET", &key]).starts_with("kw1.2."));
    let after = new.load(&created.id).await.unwrap().unwrap();
    for name in ["pin", "one", "two"] {
        assert!(after.data.contains_key(name), "{name}");
    }
    // At another id it is worth nothing.
    let other = Id::default();
    let copied = server.cli(&["GET", &key]);
    server.cli(&["SET", &format!("session:{other}"), &copied]);
    let refused = new.load(&other).await.unwrap_err();
    assert!(matches!(refused, Error::Decode(_)), "{refused}");
}

#[tokio::test]
async fn plaintext_is_refused_unless_it_is_accepted() {
    let server = Server::start(&[]);
    let id = stored(&server.connection()).await;
    let strict = store(&server).encryption(ring(&["1"]));
    assert!(matches!(strict.load(&id).await, Err(Error::Decode(_))));
    let lenient = store(&server).encryption(ring(&["1"])).accept_plaintext();
    let loaded = lenient.load(&id).await.unwrap().unwrap();
    lenient.save(&loaded).await.unwrap();
    assert!(strict.load(&id).await.unwrap().is_some());
    // Without keys what is sealed is an error, and not a session that is gone.
    let unsealed = store(&server).load(&id).await;
    assert!(matches!(unsealed, Err(Error::Decode(_))));
}
