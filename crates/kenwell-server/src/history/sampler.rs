//! The task that looks at the counters every ten seconds, and saves what it has seen every minute.

use std::io;
use std::sync::Arc;

use kenwell_journal::ErrorChain;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::{History, Range, Sample};
use crate::ticks::ticks;

/// So many looks are saved together.
const LOOKS: u32 = 6;

/// Ends steps until `stop`, and saves them. `end_step` says what has happened since the start, and does what is to be
/// done every ten seconds; `total` only says it.
pub async fn sample(
    history: Arc<History>,
    end_step: impl Fn() -> Sample,
    total: impl Fn() -> Sample,
    stop: CancellationToken,
) {
    let mut ticks = ticks(Range::Hour.step());
    ticks.tick().await; // the first one comes at once
    let mut looks = 0;
    let mut saving = Saving::Works;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        history.observe(end_step());
        looks += 1;
        if looks % LOOKS == 0 {
            saving = save(&history, total(), saving).await;
        }
    }
    save(&history, total(), saving).await;
}

/// Whether the history could be saved last time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saving {
    Works,
    Fails,
}

/// A failure is told once, until it works again.
async fn save(history: &Arc<History>, total: Sample, before: Saving) -> Saving {
    let history = Arc::clone(history);
    let saved = spawn_blocking(move || history.save(total)).await;
    let saved = saved.map_err(io::Error::other).flatten();
    let Err(error) = saved else {
        return Saving::Works;
    };
    if before == Saving::Works {
        tracing::warn!(error = %ErrorChain(&error), "what the chart shows cannot be saved: a restart would lose it");
    }
    Saving::Fails
}
