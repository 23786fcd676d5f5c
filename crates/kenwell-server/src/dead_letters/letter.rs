//! One dead letter, and its line in the log.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kenwell::profile::Receipt;
use serde::{Deserialize, Serialize};

/// An event that a destination refused for good, with all that is needed to apply it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// When it was refused, in milliseconds since 1970.
    pub at: u64,
    /// Id of the destination that refused it.
    pub destination: String,
    /// Its number in the journal.
    pub offset: u64,
    /// Id of the source that sent it.
    pub source: String,
    /// The Redis key it was for.
    pub key: String,
    /// Why it was refused, as Redis said it.
    pub reason: String,
    /// When the gateway received it, in milliseconds since 1970.
    pub received_at: u64,
    /// When its request was sent, by the sender's clock, likewise; `None` when the request did not say so beside its
    /// events.
    pub sent_at: Option<u64>,
    /// The event's own bytes.
    pub event: Vec<u8>,
}

/// The line's JSON. The event is text where it is valid UTF-8, so that people can read it.
#[derive(Serialize, Deserialize)]
struct LetterJson<'a> {
    at: u64,
    destination: Cow<'a, str>,
    offset: u64,
    source: Cow<'a, str>,
    key: Cow<'a, str>,
    reason: Cow<'a, str>,
    received_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<u64>,
    #[serde(flatten)]
    event: EventJson<'a>,
}

#[derive(Serialize, Deserialize)]
enum EventJson<'a> {
    #[serde(rename = "event")]
    Text(Cow<'a, str>),
    #[serde(rename = "event_base64")]
    Base64(Cow<'a, str>),
}

impl DeadLetter {
    /// Its id among the letters of its destination; a letter that is refused again gets another.
    pub fn id(&self) -> String {
        format!("{}-{}", self.offset, self.at)
    }

    /// How its event was received.
    pub fn receipt(&self) -> Receipt<'_> {
        Receipt {
            source: &self.source,
            offset: self.offset,
            received_at_ms: self.received_at,
            sent_at_ms: self.sent_at,
        }
    }

    /// Redis' own code for the refusal, such as `WRONGTYPE`; `other` when the reason has none.
    pub fn code(&self) -> &str {
        let words = ["refused: ", "taken in between: "];
        let mut replies = words.iter().filter_map(|mark| self.reason.split_once(mark));
        let reply = replies.next().map(|(_, reply)| reply);
        let word = reply.and_then(|reply| reply.split([' ', ':']).next());
        word.filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase()))
            .unwrap_or("other")
    }

    /// Appends the letter's line, newline included.
    pub(super) fn write_line(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut *out, &self.as_json())?;
        out.push(b'\n');
        Ok(())
    }

    /// The letter as it stands in the log, without newline.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.as_json())
    }

    fn as_json(&self) -> LetterJson<'_> {
        let event = match std::str::from_utf8(&self.event) {
            Ok(text) => EventJson::Text(text.into()),
            Err(_) => EventJson::Base64(STANDARD.encode(&self.event).into()),
        };
        LetterJson {
            at: self.at,
            destination: Cow::Borrowed(&self.destination),
            offset: self.offset,
            source: Cow::Borrowed(&self.source),
            key: Cow::Borrowed(&self.key),
            reason: Cow::Borrowed(&self.reason),
            received_at: self.received_at,
            sent_at: self.sent_at,
            event,
        }
    }

    /// Reads a line, with or without its newline.
    pub(super) fn parse_line(line: &[u8]) -> Result<Self, serde_json::Error> {
        let line: LetterJson<'_> = serde_json::from_slice(line)?;
        let event = match line.event {
            EventJson::Text(text) => text.into_owned().into_bytes(),
            EventJson::Base64(text) => STANDARD
                .decode(text.as_bytes())
                .map_err(serde::de::Error::custom)?,
        };
        Ok(Self {
            at: line.at,
            destination: line.destination.into_owned(),
            offset: line.offset,
            source: line.source.into_owned(),
            key: line.key.into_owned(),
            reason: line.reason.into_owned(),
            received_at: line.received_at,
            sent_at: line.sent_at,
            event,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(event: &[u8]) -> DeadLetter {
        DeadLetter {
            at: 2,
            destination: "profiles".into(),
            offset: 7,
            source: "web".into(),
            key: "user:\u{1}".into(),
            reason: "WRONGTYPE".into(),
            received_at: 1,
            sent_at: None,
            event: event.to_vec(),
        }
    }

    #[test]
    fn redis_own_word_is_its_code() {
        let code = |reason: &str| {
            let reason = reason.into();
            DeadLetter {
                reason,
                ..letter(b"{}")
            }
            .code()
            .to_owned()
        };
        let said = "redis at h:1: HSET refused: WRONGTYPE Operation against a key";
        assert_eq!(code(said), "WRONGTYPE");
        let alone =
            "redis at h:1: HSET refused each of 12 times, and others taken in between: ERR no";
        assert_eq!(code(alone), "ERR");
        assert_eq!(code("redis at h:1: HSET refused: it says no"), "other");
        assert_eq!(code("WRONGTYPE"), "other");
        assert_eq!(letter(b"{}").id(), "7-2");
    }

    #[test]
    fn text_events_stay_readable_and_others_come_back_exactly() {
        for event in [
            &br#"{"userId":"a\n"}"#[..],
            b"\xff\xfe{",
            b"",
            "ä\n\r\u{2028}".as_bytes(),
        ] {
            let mut line = Vec::new();
            letter(event).write_line(&mut line).unwrap();
            assert_eq!(
                line.iter().position(|byte| *byte == b'\n'),
                Some(line.len() - 1)
            );
            assert_eq!(DeadLetter::parse_line(&line).unwrap(), letter(event));
        }
        let mut line = Vec::new();
        letter(b"{}").write_line(&mut line).unwrap();
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "{\"at\":2,\"destination\":\"profiles\",\"offset\":7,\"source\":\"web\",\"key\":\"user:\\u0001\",\
             \"reason\":\"WRONGTYPE\",\"received_at\":1,\"event\":\"{}\"}\n"
        );
    }
}
