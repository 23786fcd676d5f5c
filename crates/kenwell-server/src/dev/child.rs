//! The Redis process itself.

use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use kenwell_journal::files;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::program::Program;

/// How long Redis may take to write its files when it is asked to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// Name of the Unix socket in the Redis directory.
pub(super) const SOCKET: &str = "redis.sock";
/// Name of the log file in the Redis directory.
pub(super) const LOG: &str = "redis.log";

/// Starts a server with its files in `directory`, reachable from this machine only.
pub(super) fn spawn(program: &Program, directory: &Path, port: u16) -> anyhow::Result<Child> {
    let child = command(program, directory, port)?.spawn();
    child.with_context(|| format!("cannot start {}", program.path.display()))
}

fn command(program: &Program, directory: &Path, port: u16) -> anyhow::Result<Command> {
    let path = directory.join(LOG);
    let log = files::open_or_make(&path).and_then(|mut log| {
        log.seek(SeekFrom::End(0))?;
        Ok(log)
    });
    let log = log.with_context(|| format!("cannot open {}", path.display()))?;
    let errors = log.try_clone().context("cannot share the log file")?;
    let mut command = Command::new(&program.path);
    command
        // Paths below are relative to this: the socket's would soon be too long otherwise.
        .current_dir(directory)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--unixsocket", SOCKET, "--unixsocketperm", "700"])
        .args(["--appendonly", "yes", "--save", "", "--daemonize", "no"])
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // Ctrl-C in a terminal reaches a whole process group; Redis must outlive the deliveries.
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

/// Asks the server to stop, and waits until it has; kills it when it takes too long.
pub(super) async fn stop(child: &mut Child) -> std::io::Result<ExitStatus> {
    let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(pid) = pid {
        kill_process(pid, Signal::TERM)?;
    }
    if let Ok(status) = tokio::time::timeout(STOP_TIMEOUT, child.wait()).await {
        return status;
    }
    tracing::warn!("Redis did not stop within {STOP_TIMEOUT:?} and is killed");
    child.kill().await?;
    child.wait().await
}
