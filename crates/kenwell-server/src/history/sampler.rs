//! The task that ends a step every ten seconds.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{History, STEP, Sample};

/// Ends steps until `stop`; `total` says what has happened since the start.
pub async fn sample(history: Arc<History>, total: impl Fn() -> Sample, stop: CancellationToken) {
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await; // the first one comes at once
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => history.push(total()),
        }
    }
}
