//! A Redis that an earlier, killed `kenwell dev` has left behind.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::child::SOCKET;

/// Longest wait for it to write its files and end.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Stops the Redis that serves from this directory, if there is one. Two on the same files would
/// damage them.
pub(super) async fn stop(directory: &Path) -> anyhow::Result<()> {
    let path = directory.join(SOCKET);
    let mut stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(());
        }
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            bail!(
                "{} is too long for a Unix socket: choose a shorter --data-dir",
                path.display()
            )
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot connect to {}", path.display()));
        }
    };
    tracing::warn!(
        "stopping the Redis that an earlier, killed run has left in {}",
        directory.display()
    );
    let mut answer = Vec::new();
    let asked = async {
        stream.write_all(b"SHUTDOWN\r\n").await?;
        // It answers only to refuse; otherwise the connection ends with it.
        stream.read_to_end(&mut answer).await
    };
    match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(Ok(0)) => Ok(()),
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        _ => bail!(
            "a Redis still serves from {} and does not stop: stop it with redis-cli -s {} SHUTDOWN",
            directory.display(),
            path.display()
        ),
    }
}
