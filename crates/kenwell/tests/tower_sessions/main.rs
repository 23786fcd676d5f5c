//! Sessions of tower-sessions in a real Redis.
#![allow(
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

#[path = "../support/mod.rs"]
mod support;

mod encryption;
mod faults;
mod overlap;
mod routes;
mod store;

use std::sync::Arc;

use kenwell::connection::Connection;
use kenwell::tower_sessions::RedisStore;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, Session};

use support::server::Server;

/// A record that lives an hour.
fn record(id: Id, data: Value) -> Record {
    Record {
        id,
        data: serde_json::from_value(data).unwrap(),
        expiry_date: OffsetDateTime::now_utc() + Duration::hours(1),
    }
}

fn store(server: &Server) -> RedisStore {
    RedisStore::new(server.connection())
}

/// The session as a request has it.
fn session(id: Option<Id>, connection: &Connection) -> Session {
    let store = Arc::new(RedisStore::new(connection.clone()));
    Session::new(id, store, Some(Expiry::OnInactivity(Duration::hours(1))))
}

/// A session that is stored, and says where.
async fn stored(connection: &Connection) -> Id {
    let session = session(None, connection);
    session.insert("begun", true).await.unwrap();
    session.save().await.unwrap();
    session.id().unwrap()
}
