//! SIGTERM and SIGINT: the first asks for an orderly end, the second ends at once. SIGHUP: a reload.

use std::sync::Arc;
use std::time::Duration;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::exit::Failure;

/// Exit code of a process that was interrupted twice: 128 + SIGINT, as shells have it.
const INTERRUPTED: i32 = 130;

/// What comes so soon after the first is no second one: npx and uvx send on to us what the terminal has sent to all.
const ECHO: Duration = Duration::from_millis(500);

/// A token that the first signal cancels. A second signal ends the process at once.
pub(super) fn shutdown() -> Result<CancellationToken, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
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
        let first = Instant::now();
        let mut name = next().await;
        while first.elapsed() < ECHO {
            name = next().await;
        }
        tracing::warn!(
            signal = name,
            "stopped at once; what was accepted is in the journal"
        );
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}

/// A token that SIGINT or SIGTERM cancels, for commands that then end in order and say nothing of it.
pub(super) fn interrupted() -> Result<CancellationToken, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
        cancelled.cancel();
        let first = Instant::now();
        interrupt.recv().await;
        while first.elapsed() < ECHO {
            interrupt.recv().await;
        }
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}

/// Notified at every SIGHUP, which asks to have the configuration read again.
pub(super) fn reload() -> Result<Arc<Notify>, Failure> {
    let mut hangup = signal(SignalKind::hangup()).map_err(unheard)?;
    let reload = Arc::new(Notify::new());
    let notified = Arc::clone(&reload);
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            notified.notify_one();
        }
    });
    Ok(reload)
}

fn unheard(error: std::io::Error) -> Failure {
    Failure::Failed(anyhow::Error::new(error).context("cannot listen for signals"))
}
