//! The Redis of `kenwell dev`: up before the server, down after it, up again when it dies.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::child::{self, LOG};
use super::probe;
use super::program::Program;

/// How often a starting Redis is asked whether it is up.
const PROBE_EVERY: Duration = Duration::from_millis(50);
/// Longest start; reading a large append-only file takes a while.
const START_TIMEOUT: Duration = Duration::from_mins(2);
/// Wait before the first restart; doubles up to [`MAX_RESTART_WAIT`] until it stays up.
const RESTART_WAIT: Duration = Duration::from_secs(1);
/// Longest wait before a restart.
const MAX_RESTART_WAIT: Duration = Duration::from_secs(30);

/// A running Redis and the task that watches it.
#[derive(Debug)]
pub(super) struct Redis {
    stop: CancellationToken,
    watch: JoinHandle<()>,
}

impl Redis {
    /// Starts it and waits until it answers; `None` when `shutdown` came first.
    pub(super) async fn start(
        program: Program,
        directory: &Path,
        port: u16,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<Option<Self>> {
        tracing::info!("starting {program}");
        let mut child = child::spawn(&program, directory, port)?;
        let up = tokio::select! {
            up = wait_until_up(&mut child, port, directory) => up,
            () = shutdown.cancelled() => {
                stop(&mut child).await;
                return Ok(None);
            }
        };
        if let Err(error) = up {
            stop(&mut child).await;
            return Err(error);
        }
        let stop = CancellationToken::new();
        let directory = directory.to_path_buf();
        let watch = tokio::spawn(watch(child, program, directory, port, stop.clone()));
        Ok(Some(Self { stop, watch }))
    }

    /// Stops it and waits until it has written its files.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.watch.await {
            tracing::error!(%error, "the task that watches Redis failed");
        }
    }
}

async fn wait_until_up(child: &mut Child, port: u16, directory: &Path) -> anyhow::Result<()> {
    let log = directory.join(LOG);
    let pid = child.id().context("Redis ended at once")?;
    let up = async {
        while !probe::is_up(port, pid).await {
            sleep(PROBE_EVERY).await;
        }
    };
    tokio::select! {
        up = tokio::time::timeout(START_TIMEOUT, up) => {
            up.with_context(|| format!("Redis was not up within {START_TIMEOUT:?}; see {}", log.display()))
        }
        status = child.wait() => match status {
            Ok(status) => bail!("Redis ended while starting, with {status}; see {}", log.display()),
            Err(error) => Err(error).context("cannot wait for Redis"),
        }
    }
}

/// Restarts Redis whenever it ends by itself, until it is told to stop.
async fn watch(
    mut child: Child,
    program: Program,
    directory: PathBuf,
    port: u16,
    stop: CancellationToken,
) {
    let mut wait = RESTART_WAIT;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                tracing::error!(%status, "Redis ended unexpectedly and is started again in {wait:?}; see {}", directory.join(LOG).display());
            }
            () = stop.cancelled() => {
                self::stop(&mut child).await;
                return;
            }
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        wait = (wait * 2).min(MAX_RESTART_WAIT);
        match child::spawn(&program, &directory, port) {
            Ok(new) => child = new,
            Err(error) => tracing::error!("Redis cannot be started: {error:#}"),
        }
        tokio::select! {
            up = wait_until_up(&mut child, port, &directory) => match up {
                Ok(()) => {
                    tracing::info!("Redis is up again");
                    wait = RESTART_WAIT;
                }
                Err(error) => tracing::error!("{error:#}"),
            },
            () = stop.cancelled() => {}
        }
    }
}

async fn stop(child: &mut Child) {
    match child::stop(child).await {
        Ok(status) if status.success() => tracing::info!("Redis stopped"),
        Ok(status) => tracing::warn!(%status, "Redis did not end cleanly"),
        Err(error) => tracing::warn!(%error, "cannot stop Redis"),
    }
}
