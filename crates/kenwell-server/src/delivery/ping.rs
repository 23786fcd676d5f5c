//! Asking a Redis to which nothing is written whether it answers.

use kenwell::{Error, connection::Connection};
use tokio::time::sleep;

use super::{backoff::Backoff, health::Health};

/// Pings until there is an answer, so that it is known of a destination without events whether its Redis is
/// up. Without a connection it waits for ever.
pub(super) async fn ping_until_answered(connection: Option<&Connection>, health: &Health) {
    let Some(connection) = connection else {
        return std::future::pending().await;
    };
    let mut backoff = Backoff::default();
    while let Err(error) = connection.ping().await {
        if matches!(&error, Error::Refused { reply, .. } if reply.code() == "NOPERM") {
            break; // It accepts our credentials and answers; only this command is not allowed.
        }
        health.failed(&error, error.class());
        sleep(backoff.next()).await;
    }
    health.succeeded();
}
