//! A record as one JSON document, for programs in which a record is a plain map: bindings to other languages.

use super::document::{self, Malformed, Object, Parts};
use super::record_form::RecordForm;
use super::{Json, Record, Session};

impl Record {
    /// The whole record as one document, `{user, session, history, createdAt, updatedAt}`, without the parts that it does
    /// not have. The [profile](Self::profile) is no part of it.
    ///
    /// ```
    /// use kenwell::state::{Json, Record};
    ///
    /// # fn main() -> Result<(), kenwell::state::Malformed> {
    /// let mut record = Record::new();
    /// record.set_document(&Json::parse(br#"{"user": {"data": {"visits": 1}}}"#)?)?;
    /// assert_eq!(record.to_document().as_str(), r#"{"user":{"data":{"visits":1}}}"#);
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_document(&self) -> Json {
        let mut parts = Object::default();
        if self.user.is_some() {
            parts.raw("user", &document::write_user(self.user.as_ref()));
        }
        if let Some(session) = &self.session {
            parts.raw("session", &session_document(session));
        }
        if !self.history.is_empty() {
            parts.raw("history", &document::write_history(&self.history));
        }
        let times = [
            ("createdAt", self.created_at),
            ("updatedAt", self.updated_at),
        ];
        for (name, time) in times {
            if let Some(time) = time {
                parts.string(name, &time.to_string());
            }
        }
        Json::cut(parts.finish().as_bytes())
    }

    /// Replaces the user's data, the session and the history by those of a document, which has none where it does not name
    /// them. What is known of the stored record stays, as does `createdAt` where the document has none; `updatedAt` is set
    /// by saves only, and parts of other names are none.
    ///
    /// # Errors
    ///
    /// A part is not of its form. The record is as before then.
    pub fn set_document(&mut self, document: &Json) -> Result<(), Malformed> {
        let mut parts = Parts::default();
        parts.add(0, document)?;
        let user = parts
            .user
            .map(|(_, raw)| document::read_user(raw, RecordForm::Document));
        let session = parts
            .session
            .map(|(_, raw)| document::read_session(raw, RecordForm::Document));
        let history = parts.history.map(|(_, raw)| document::read_history(raw));
        let created_at = parts.created_at;
        let created_at = created_at.map(|(_, raw)| document::read_time(raw, "createdAt"));
        let (user, session) = (user.transpose()?, session.transpose()?);
        let (history, created_at) = (history.transpose()?, created_at.transpose()?);
        let history = history.unwrap_or_default();
        self.fresh_items = fresh_items(&history, &self.history);
        self.history = history;
        self.user = user.flatten();
        self.session = session.flatten();
        self.created_at = created_at.flatten().or(self.created_at);
        Ok(())
    }
}

/// How many items, from the front, are before those that are known already.
fn fresh_items(items: &[Json], known: &[Json]) -> usize {
    let starts = 0..items.len();
    let mut starts =
        starts.filter(|&start| items.get(start..).is_some_and(|it| known.starts_with(it)));
    starts.next().unwrap_or(items.len())
}

/// A session as it is, also where it was never saved.
fn session_document(session: &Session) -> String {
    let mut parts = Object::default();
    if let Some(id) = &session.id {
        parts.string("id", id);
    }
    for (name, json) in [("data", &session.data), ("state", &session.state)] {
        if let Some(json) = json {
            parts.raw(name, json.as_str());
        }
    }
    let times = [
        ("createdAt", session.created_at),
        ("updatedAt", session.updated_at),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            parts.string(name, &time.to_string());
        }
    }
    parts.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Timestamp;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_document_becomes_a_record_and_the_same_document_again() {
        for text in [
            "{}",
            r#"{"user":{"data":{"b":1,"a":[]}}}"#,
            r#"{"user":{"data":0},"session":{"data":null,"state":""}}"#,
            r#"{"session":{"id":"s","data":{"x":1},"state":[1],"createdAt":"2024-01-01T00:00:00.000Z"}}"#,
            r#"{"history":{"items":[{"n":2},{"n":1}]},"createdAt":"2024-01-01T00:00:00.000Z"}"#,
        ] {
            let mut record = Record::new();
            record.set_document(&json(text)).unwrap();
            assert_eq!(record.to_document().as_str(), text);
        }
    }

    #[test]
    fn a_document_replaces_what_it_does_not_name_and_nothing_else() {
        let mut record = Record::new();
        record.set_user(&1).unwrap();
        record.push_history(&1).unwrap();
        record.created_at = Some(Timestamp::from_milliseconds(5));
        record.stored = true;
        record
            .set_document(&json(r#"{"updatedAt":"2024-01-01T00:00:00.000Z"}"#))
            .unwrap();
        assert!(record.user.is_none() && record.history.is_empty() && record.stored);
        assert_eq!(record.created_at, Some(Timestamp::from_milliseconds(5)));
        assert_eq!(record.updated_at, None);
    }

    #[test]
    fn what_is_no_record_is_refused_and_changes_nothing() {
        let mut record = Record::new();
        record.set_user(&1).unwrap();
        for text in [
            "[]",
            r#"{"user":5}"#,
            r#"{"session":[]}"#,
            r#"{"history":{"items":{}}}"#,
            r#"{"user":{"data":2},"createdAt":"yesterday"}"#,
        ] {
            assert!(record.set_document(&json(text)).is_err(), "{text}");
            assert_eq!(record.user::<u8>().unwrap(), Some(1));
        }
    }

    #[test]
    fn only_new_turns_of_a_history_are_fresh() {
        for (items, known, fresh) in [
            ("[3,2,1]", "[2,1]", 1),
            ("[3,2]", "[2,1]", 1),
            ("[2,1]", "[2,1]", 0),
            ("[]", "[2,1]", 0),
            ("[1,2]", "[2,1]", 1),
            ("[9]", "[]", 1),
        ] {
            let list = |text: &str| {
                let text = format!("{{\"items\":{text}}}");
                let mut record = Record::new();
                let document = json(&format!("{{\"history\":{text}}}"));
                record.set_document(&document).unwrap();
                record
            };
            let mut record = list(known);
            let document = list(items).to_document();
            record.set_document(&document).unwrap();
            assert_eq!(record.fresh_items, fresh, "{items} after {known}");
        }
    }
}
