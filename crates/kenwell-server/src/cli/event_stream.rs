//! Server-sent events, read from the body of an answer.

use anyhow::{Context, bail};
use futures_util::Stream;
use futures_util::stream::unfold;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Most bytes of one message; the server's largest is a fraction of that.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// One message of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// What kind it is; empty for a comment, which only says that the server is there.
    pub(super) name: String,
    pub(super) data: String,
}

/// The messages of a stream, until it ends. After an error it ends.
pub(super) fn messages(body: Incoming) -> impl Stream<Item = anyhow::Result<Message>> {
    let state = Some((body, MessageReader::default()));
    unfold(state, |state| async {
        let (mut body, mut reader) = state?;
        match next(&mut body, &mut reader).await {
            Ok(Some(message)) => Some((Ok(message), Some((body, reader)))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

async fn next(body: &mut Incoming, reader: &mut MessageReader) -> anyhow::Result<Option<Message>> {
    loop {
        if let Some(message) = reader.take() {
            return Ok(Some(message));
        }
        let Some(frame) = body.frame().await else {
            return Ok(None);
        };
        let frame = frame.context("the connection to the server broke off")?;
        if let Ok(bytes) = frame.into_data() {
            reader.add(&bytes)?;
        }
    }
}

/// Bytes that came, and are no whole message yet.
#[derive(Debug, Default)]
struct MessageReader {
    bytes: Vec<u8>,
    /// Where the end of a message was not found yet.
    looked_at: usize,
}

impl MessageReader {
    fn add(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.bytes.len() + bytes.len() > MAX_MESSAGE {
            bail!("the server sent a message of more than {MAX_MESSAGE} bytes");
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole message.
    fn take(&mut self) -> Option<Message> {
        let from = self.looked_at.saturating_sub(1);
        let unseen = self.bytes.get(from..).unwrap_or_default();
        let Some(end) = unseen.windows(2).position(|pair| pair == b"\n\n") else {
            self.looked_at = self.bytes.len();
            return None;
        };
        let rest = self.bytes.split_off(from + end + 2);
        let message = std::mem::replace(&mut self.bytes, rest);
        self.looked_at = 0;
        Some(read(&String::from_utf8_lossy(&message)))
    }
}

fn read(text: &str) -> Message {
    let (mut name, mut data) = (String::new(), Vec::new());
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut name),
            "data" => data.push(value),
            _ => {}
        }
    }
    Message {
        name,
        data: data.join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_together_however_they_are_cut() {
        let text =
            "event: event\ndata: {\"a\":\"ä\"}\n\n:\n\nevent: dropped\ndata: {\"count\":3}\n\n";
        for size in 1..text.len() {
            let (mut reader, mut found) = (MessageReader::default(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                reader.add(piece).unwrap();
                while let Some(message) = reader.take() {
                    found.push((message.name, message.data));
                }
            }
            let pair = |name: &str, data: &str| (name.to_owned(), data.to_owned());
            let expected = [
                pair("event", "{\"a\":\"ä\"}"),
                pair("", ""),
                pair("dropped", "{\"count\":3}"),
            ];
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn a_message_without_an_end_is_an_error() {
        let mut reader = MessageReader::default();
        reader.add(&vec![b'x'; MAX_MESSAGE]).unwrap();
        assert!(reader.take().is_none());
        assert!(reader.add(b"x").is_err());
    }
}
