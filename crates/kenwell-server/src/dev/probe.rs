//! Asking a Redis whether it is up, and whether it is ours.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// More than the answers to the two questions take.
const MAX_ANSWER: usize = 16 * 1024;

/// Whether the process `pid` serves on this port of 127.0.0.1 and has read its data.
pub(super) async fn is_up(port: u16, pid: u32) -> bool {
    tokio::time::timeout(TIMEOUT, ask(port, pid))
        .await
        .is_ok_and(|answer| answer.unwrap_or(false))
}

/// `INFO` is answered even while data is read; `PING` only afterwards. Both in one go, so that the
/// answers come from one server.
async fn ask(port: u16, pid: u32) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(b"INFO server\r\nPING\r\n").await?;
    let ours = format!("\r\nprocess_id:{pid}\r\n");
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while answer.len() < MAX_ANSWER {
        let count = stream.read(&mut buffer).await?;
        answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&answer);
        if text.ends_with("+PONG\r\n") {
            return Ok(text.contains(&ours));
        }
        if count == 0 || text.ends_with("memory\r\n") {
            break; // closed, or -LOADING … dataset in memory
        }
    }
    Ok(false)
}
