//! Save and load of a user's record: one call after the other, three entries.

use anyhow::{Context, ensure};
use kenwell::connection::{Connection, Settings};
use kenwell::state::{Entry, Json, Record, Session, StateStore};

use crate::measure;

/// What a record holds, as JSON.
const USER: &str = r#"{"name":"Ada Lovelace","visits":42,"preferences":{"language":"en","zone":"Europe/London"},"list":[1,2,3,4,5,6,7,8]}"#;
const TURN: [(&str, &str); 2] = [("said", "Do you like pizza?"), ("heard", "YesIntent")];

/// Encodes, sends, reads the replies; then the way back.
pub(crate) fn save_and_load(redis: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let store = StateStore::builder(Connection::new(Settings::new(redis))?)
        .entries([
            Entry::new("user").user().created_at().updated_at(),
            Entry::new("session").session().ttl_seconds(1200),
            Entry::new("history").history().ttl_seconds(1200),
        ])
        .build()?;
    let mut record = Record::new();
    record.set_user_json(Some(Json::parse(USER.as_bytes())?));
    record.set_session(Some(Session::new("session-1")));
    record.push_history(&TURN)?;
    measure(
        || record.clone(),
        |mut record| {
            runtime.block_on(async {
                store.save("ada", &mut record).await?;
                let loaded = store.load("ada").await?.context("nothing was stored")?;
                ensure!(
                    loaded.user_json() == record.user_json(),
                    "it is not what was saved"
                );
                Ok(loaded)
            })
        },
    )
}
