//! Noticing what other processes do to the logs, and reporting new letters in time.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::outstanding::OutstandingLetters;
use crate::ticks::ticks;

/// How long it takes at most until a change by another process is shown.
const INTERVAL: Duration = Duration::from_secs(1);

/// Refreshes the letters that `all` names again and again, and reports new ones, until `stop`.
pub async fn watch(all: impl Fn() -> Vec<Arc<OutstandingLetters>>, stop: CancellationToken) {
    let mut ticks = ticks(INTERVAL);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        for outstanding in all() {
            if let Err(error) = spawn_blocking(move || outstanding.refresh_and_report()).await {
                tracing::error!(%error, "looking after the dead letters ended badly");
            }
        }
    }
    for outstanding in all() {
        outstanding.report_remaining();
    }
}
