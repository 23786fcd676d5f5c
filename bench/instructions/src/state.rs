//! Save and load of users' records, three entries each: one call of a user after the other.

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use kenwell::connection::{Connection, Settings};
use kenwell::state::{
    Entry, HistoryElement, Json, Record, Session, SessionElement, StateStore, StoredElements,
};

use crate::measure;

/// How many users save and load at once, where it is more than one.
pub(crate) const USERS: usize = 64;

/// What a record holds, as JSON.
pub(crate) const USER: &str = r#"{"name":"Ada Lovelace","visits":42,"preferences":{"language":"en","zone":"Europe/London"},"list":[1,2,3,4,5,6,7,8]}"#;
pub(crate) const TURN: [(&str, &str); 2] = [("said", "Do you like pizza?"), ("heard", "YesIntent")];
pub(crate) const TTL_SECONDS: u64 = 1200;

/// Encodes, sends, reads the replies; then the way back.
pub(crate) fn save_and_load(redis: &str, users: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let store = StateStore::builder(Connection::new(Settings::new(redis))?)
        .entries([
            Entry::new("user").user().created_at().updated_at(),
            Entry::new("session").session().ttl_seconds(TTL_SECONDS),
            Entry::new("history").history().ttl_seconds(TTL_SECONDS),
        ])
        .elements(StoredElements {
            session: Some(SessionElement::default()),
            history: Some(HistoryElement {
                fields: None,
                ..HistoryElement::default()
            }),
            ..StoredElements::default()
        })
        .build()?;
    let mut record = Record::new();
    record.set_user_json(Some(Json::parse(USER.as_bytes())?));
    record.set_session(Some(Session::new("session-1")));
    record.push_history(&TURN)?;
    let names: Vec<String> = (0..users).map(|user| format!("user-{user}")).collect();
    measure(
        || vec![record.clone(); users],
        |mut records| {
            let pairs = names.iter().zip(&mut records);
            let pairs = pairs.map(|(name, record)| pair(&store, name, record));
            runtime.block_on(try_join_all(pairs))
        },
    )
}

async fn pair(store: &StateStore, name: &str, record: &mut Record) -> anyhow::Result<Record> {
    store.save(name, record).await?;
    let loaded = store.load(name).await?.context("nothing was stored")?;
    ensure!(
        loaded.user_json() == record.user_json(),
        "it is not what was saved"
    );
    Ok(loaded)
}
