//! What [`state`](crate::state) is compared with: the same commands, sent by a client of the `redis` crate.

use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};

use crate::measure;
use crate::state::{TTL_SECONDS, TURN, USER};

/// Writes JSON, sends it, and reads it again.
pub(crate) fn save_and_load(redis: &str, users: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let path = redis.trim_start_matches("unix:");
    let client = redis::Client::open(format!("redis+unix://{path}"))?;
    let client = runtime.block_on(client.get_multiplexed_async_connection())?;
    let user: Value = serde_json::from_str(USER)?;
    let names: Vec<String> = (0..users).map(|user| format!("user-{user}")).collect();
    measure(
        || vec![client.clone(); users],
        |mut clients| {
            let pairs = names.iter().zip(&mut clients);
            let pairs = pairs.map(|(name, client)| pair(client, name, &user));
            runtime.block_on(try_join_all(pairs))
        },
    )
}

async fn pair(
    client: &mut MultiplexedConnection,
    name: &str,
    user: &Value,
) -> anyhow::Result<[Value; 3]> {
    let keys = ["user", "session", "history"].map(|entry| format!("{entry}:{name}"));
    let now = "2026-11-22T05:00:17.881Z";
    let values = [
        serde_json::to_string(
            &json!({"user": {"data": user}, "createdAt": now, "updatedAt": now}),
        )?,
        serde_json::to_string(
            &json!({"session": {"id": "session-1", "data": {}, "createdAt": now, "updatedAt": now}}),
        )?,
        serde_json::to_string(&json!({"history": {"items": [TURN]}}))?,
    ];
    let mut save = redis::pipe();
    save.atomic();
    for (key, value) in keys.iter().zip(&values) {
        save.cmd("SET").arg(key).arg(value);
        save.arg("EX").arg(TTL_SECONDS);
    }
    let () = save.query_async(client).await?;
    let mut load = redis::pipe();
    load.atomic();
    for key in &keys {
        load.get(key);
    }
    let [user, session, history]: [String; 3] = load.query_async(client).await?;
    Ok([
        serde_json::from_str(&user)?,
        serde_json::from_str(&session)?,
        serde_json::from_str(&history)?,
    ])
}
