//! SIGTERM and SIGINT: the first asks for an orderly end, the second ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::Failure;

/// Exit code of a process that was interrupted twice: 128 + SIGINT, as shells have it.
const INTERRUPTED: i32 = 130;

/// A token that the first signal cancels. A second signal ends the process at once.
pub(super) fn shutdown() -> Result<CancellationToken, Failure> {
    let failed =
        |error| Failure::Failed(anyhow::Error::new(error).context("cannot listen for signals"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let name = next().await;
        tracing::info!(signal = name, "stopping; a second signal stops at once");
        cancelled.cancel();
        let name = next().await;
        tracing::warn!(
            signal = name,
            "stopped at once; what was accepted is in the journal"
        );
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}
