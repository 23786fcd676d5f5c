//! One keep-alive connection to the gateway, HTTP/1.1 by hand: an HTTP client would cost several times
//! the processor time of what the server does with a small request, on the same processors.

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::gateway::{Gateway, Stream};

/// The longest answer; the gateway's are below 1 KiB.
const MAX_ANSWER: usize = 64 * 1024;

/// One connection with at most one request under way.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(gateway: &Gateway) -> anyhow::Result<Self> {
        Ok(Self {
            stream: gateway.connect().await?,
            answer: Vec::with_capacity(4096),
        })
    }

    /// Sends a request and waits for its whole answer, which must be a 200.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream
            .write_all(request)
            .await
            .context("the gateway closed the connection")?;
        // With TLS, something may not have left yet.
        self.stream
            .flush()
            .await
            .context("the gateway closed the connection")?;
        self.answer.clear();
        loop {
            let read = self
                .stream
                .read_buf(&mut self.answer)
                .await
                .context("the connection broke")?;
            ensure!(
                read > 0,
                "the gateway closed the connection without an answer"
            );
            if complete(&self.answer)? {
                return Ok(());
            }
        }
    }
}

/// Whether `answer` is all there; an error when it is not a 200, or is longer than it says.
fn complete(answer: &[u8]) -> anyhow::Result<bool> {
    ensure!(
        answer.len() <= MAX_ANSWER,
        "the gateway's answer is too long"
    );
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(false);
    };
    let (head, body) = answer.split_at(end + 4);
    let wanted = content_length(head).context("the gateway's answer has no Content-Length")?;
    if body.len() < wanted {
        return Ok(false);
    }
    if !head.starts_with(b"HTTP/1.1 200 ") {
        bail!("the gateway answered:\n{}", String::from_utf8_lossy(answer));
    }
    ensure!(
        body.len() == wanted,
        "the gateway sent more than its answer"
    );
    Ok(true)
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let mut lines = head.split(|&byte| byte == b'\n');
    let line = lines.find(|line| {
        line.get(..NAME.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(NAME))
    })?;
    std::str::from_utf8(line.get(NAME.len()..)?)
        .ok()?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_with_its_last_byte() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        for end in 0..answer.len() {
            assert!(!complete(&answer[..end]).unwrap(), "{end} bytes");
        }
        assert!(complete(answer).unwrap());
    }

    #[test]
    fn a_refusal_is_shown() {
        let error = complete(b"HTTP/1.1 503 x\r\ncontent-length: 4\r\n\r\nfull").unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
    }
}
