//! Noticing what other processes do to the logs, and saying what is still to be said.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::outstanding::OutstandingLetters;

/// How old what is shown of another process' deeds may be.
const STEP: Duration = Duration::from_secs(1);

/// Looks after the letters that `all` names at each step, until `stop`.
pub async fn watch(all: impl Fn() -> Vec<Arc<OutstandingLetters>>, stop: CancellationToken) {
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        for outstanding in all() {
            if let Err(error) = spawn_blocking(move || outstanding.look_after()).await {
                tracing::error!(%error, "looking after the dead letters ended badly");
            }
        }
    }
    for outstanding in all() {
        outstanding.tell_rest();
    }
}
