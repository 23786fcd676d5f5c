//! The text of a session in Redis, and the record that it stands for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::Error;

use super::changes::Data;
use crate::state::Timestamp;

/// How deep the values of a session may be nested: deeper ones could not be read again.
pub const MAX_SESSION_DEPTH: usize = 100;

/// Under which name a record carries along the text that it was loaded from. No program would choose it.
const LOADED: &str = "\0kenwell.loaded";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    data: BTreeMap<&'a str, &'a Value>,
    expires_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    data: Data,
    expires_at: String,
}

/// A session as it is stored.
pub(super) struct StoredSession {
    pub(super) data: Data,
    pub(super) expires_at: Timestamp,
}

impl StoredSession {
    /// Reads its text.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        // The reader's own words would tell what is stored.
        let malformed = |_told| Error::Decode("what is stored is no session".to_owned());
        let read: Read = serde_json::from_str(text).map_err(malformed)?;
        let expires_at = read.expires_at.parse();
        Ok(Self {
            expires_at: expires_at
                .map_err(|error| Error::Decode(format!("`expiresAt`: {error}")))?,
            data: read.data,
        })
    }

    /// The record, which carries `stored` along: the very bytes that were read.
    pub(super) fn into_record(self, id: Id, stored: String) -> Result<Record, Error> {
        let nanoseconds = i128::from(self.expires_at.as_milliseconds()) * 1_000_000;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds);
        let mut record = Record {
            id,
            data: self.data,
            expiry_date: expiry_date.map_err(|error| Error::Decode(error.to_string()))?,
        };
        carry_along(&mut record.data, stored);
        Ok(record)
    }
}

/// Lets a record's data carry the text along that is stored now.
pub(super) fn carry_along(data: &mut Data, stored: String) {
    data.insert(LOADED.to_owned(), Value::String(stored));
}

/// The text that a record's data were loaded from; `None` when they were made otherwise.
pub(super) fn carried(data: &Data) -> Option<&str> {
    data.get(LOADED)?.as_str()
}

/// When a record expires. What lies beyond the year 9999 is its end.
pub(super) fn expiry_of(record: &Record) -> Timestamp {
    let milliseconds = record.expiry_date.unix_timestamp_nanos() / 1_000_000;
    Timestamp::from_milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

/// The text of a session. The same data always have the same one.
pub(super) fn text_of(data: &Data, expires_at: Timestamp) -> Result<String, Error> {
    let ours = data.iter().filter(|(name, _)| *name != LOADED);
    let data: BTreeMap<_, _> = ours.map(|(name, value)| (name.as_str(), value)).collect();
    if !data
        .values()
        .all(|value| is_within(value, MAX_SESSION_DEPTH))
    {
        let problem = format!("it is nested deeper than {MAX_SESSION_DEPTH} levels");
        return Err(Error::Encode(problem));
    }
    let expires_at = expires_at.to_string();
    let text = serde_json::to_string(&Written { data, expires_at });
    text.map_err(|error| Error::Encode(error.to_string()))
}

/// Whether a value has at most so many levels.
fn is_within(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Array(values) => values.iter().all(|value| is_within(value, below)),
        Value::Object(members) => members.values().all(|value| is_within(value, below)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(data: Value) -> Record {
        Record {
            id: Id(7),
            data: serde_json::from_value(data).unwrap(),
            expiry_date: OffsetDateTime::from_unix_timestamp(1_704_067_200).unwrap(),
        }
    }

    #[test]
    fn a_record_goes_to_text_and_back() {
        let record = record(json!({"b": [1, null], "a": {"c": 0.1}}));
        let text = text_of(&record.data, expiry_of(&record)).unwrap();
        let expected =
            r#"{"data":{"a":{"c":0.1},"b":[1,null]},"expiresAt":"2024-01-01T00:00:00.000Z"}"#;
        assert_eq!(text, expected);
        let stored = StoredSession::parse(&text).unwrap();
        let mut back = stored.into_record(record.id, text.clone()).unwrap();
        assert_eq!(carried(&back.data), Some(expected));
        // What is carried along is not stored.
        assert_eq!(text_of(&back.data, expiry_of(&back)).unwrap(), text);
        back.data.remove(LOADED);
        assert_eq!(back, record);
    }

    #[test]
    fn what_is_no_session_is_an_error_that_tells_nothing_of_it() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"data":{"pin":"hunter2"},"expiresAt":"hunter2"}"#,
        ] {
            let Err(error) = StoredSession::parse(text) else {
                panic!("{text} was read");
            };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let nested = |levels| (1..levels).fold(json!(1), |inner, _| json!([inner]));
        let now = Timestamp::now();
        let text = text_of(&record(json!({"a": nested(MAX_SESSION_DEPTH)})).data, now).unwrap();
        assert!(StoredSession::parse(&text).is_ok());
        let deeper = record(json!({"a": nested(MAX_SESSION_DEPTH + 1)}));
        assert!(matches!(text_of(&deeper.data, now), Err(Error::Encode(_))));
    }

    #[test]
    fn no_date_is_too_far_away() {
        let mut late = record(json!({}));
        late.expiry_date = OffsetDateTime::now_utc().saturating_add(time::Duration::MAX);
        let text = text_of(&late.data, expiry_of(&late)).unwrap();
        assert!(text.contains("9999-12-30"), "{text}");
        let stored = StoredSession::parse(&text).unwrap();
        stored.into_record(late.id, text).unwrap();
    }
}
