//! The JSON of entries: what Jovo's plugin stores, read and written.

use kenwell_json::{Kind, Reader, Skipped};

use super::elements::HistoryElement;
use super::record_form::RecordForm;
use super::{Json, JsonError, Session, Timestamp};

/// A part of a document has not the shape it should have.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It is not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is JSON of another kind.
    #[error("`{part}` is not {expected}")]
    Shape {
        /// Which part.
        part: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// A part of a document, and the document's number.
pub(super) type Part<'a> = Option<(usize, Skipped<'a>)>;

/// The raw parts of documents, cut from canonical text: each as it is in the last document that has it.
#[derive(Default)]
pub(super) struct Parts<'a> {
    pub(super) user: Part<'a>,
    pub(super) session: Part<'a>,
    pub(super) history: Part<'a>,
    pub(super) created_at: Part<'a>,
    pub(super) updated_at: Part<'a>,
}

impl<'a> Parts<'a> {
    /// Adds the parts of the document with this number. Parts of other names are none of ours.
    pub(super) fn add(&mut self, number: usize, json: &'a Json) -> Result<(), Malformed> {
        each_member(json.as_str().as_bytes(), "the document", |name, value| {
            let part = match name {
                "user" => &mut self.user,
                "session" => &mut self.session,
                "history" => &mut self.history,
                "createdAt" => &mut self.created_at,
                "updatedAt" => &mut self.updated_at,
                _ => return,
            };
            *part = Some((number, value));
        })
    }
}

/// The user's data; `None` when there is none to speak of, in Jovo's form also with `null` and `""`.
pub(super) fn read_user(part: Skipped<'_>, form: RecordForm) -> Result<Option<Json>, Malformed> {
    let mut data = None;
    if !is_falsy(part) {
        each_member(part.raw, "user", |name, value| {
            if name == "data" {
                data = Some(value);
            }
        })?;
    }
    Ok(kept(data, form))
}

/// The session, whether or not it is over.
pub(super) fn read_session(
    part: Skipped<'_>,
    form: RecordForm,
) -> Result<Option<Session>, Malformed> {
    if is_falsy(part) {
        return Ok(None);
    }
    let (mut id, mut data, mut state) = (None, None, None);
    let (mut created_at, mut updated_at) = (None, None);
    each_member(part.raw, "session", |name, value| match name {
        "id" => id = Some(value),
        "data" => data = Some(value),
        "state" => state = Some(value),
        "createdAt" => created_at = Some(value),
        "updatedAt" => updated_at = Some(value),
        _ => {}
    })?;
    let id = id.filter(|id| id.kind == Kind::String && !is_falsy(*id));
    let time = |part: Option<Skipped<'_>>| {
        // A session whose time cannot be told is not over; that is how Jovo has it.
        part.and_then(|part| read_time(part, "session").ok().flatten())
    };
    Ok(Some(Session {
        id: id.and_then(|id| Some(Reader::new(id.raw).string().ok()?.decode().into_owned())),
        data: kept(data, form),
        state: kept(state, form),
        created_at: time(created_at),
        updated_at: time(updated_at),
    }))
}

/// The items of the history, newest first.
pub(super) fn read_history(part: Skipped<'_>) -> Result<Vec<Json>, Malformed> {
    let mut items = None;
    if !is_falsy(part) {
        each_member(part.raw, "history", |name, value| {
            if name == "items" {
                items = Some(value);
            }
        })?;
    }
    let Some(items) = items.filter(|items| !is_falsy(*items)) else {
        return Ok(Vec::new());
    };
    if items.kind != Kind::Array {
        return Err(Malformed::Shape {
            part: "history.items",
            expected: "an array",
        });
    }
    let mut reader = Reader::new(items.raw);
    let mut read = Vec::new();
    reader.enter_array().map_err(JsonError::from)?;
    while reader.next_element().map_err(JsonError::from)? {
        let item = reader.skip().map_err(JsonError::from)?;
        read.push(Json::cut(item.raw));
    }
    Ok(read)
}

/// A time, as text or in milliseconds; `None` where JavaScript sees nothing.
pub(super) fn read_time(
    part: Skipped<'_>,
    name: &'static str,
) -> Result<Option<Timestamp>, Malformed> {
    if is_falsy(part) {
        return Ok(None);
    }
    let mut reader = Reader::new(part.raw);
    let time = match part.kind {
        Kind::String => (reader.string().ok()).and_then(|text| text.decode().parse().ok()),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast saturates, and so does the type"
        )]
        Kind::Number => (reader.number().ok())
            .map(|number| Timestamp::from_milliseconds(number.to_f64() as i64)),
        _ => None,
    };
    match time {
        Some(time) => Ok(Some(time)),
        None => Err(Malformed::Shape {
            part: name,
            expected: "a date such as 2024-01-01T00:00:00.000Z",
        }),
    }
}

/// Keeps the chosen fields of an item, in their order.
pub(super) fn choose(item: &Json, element: &HistoryElement) -> Json {
    let (Some(fields), true) = (&element.fields, item.as_str().starts_with('{')) else {
        return item.clone();
    };
    let mut found = vec![None; fields.len()];
    // The text is canonical, so reading it cannot fail.
    let _read = each_member(item.as_str().as_bytes(), "item", |name, value| {
        for (field, place) in fields.iter().zip(&mut found) {
            if field == name {
                *place = Some(value.raw);
            }
        }
    });
    let mut object = Object::with_room_for(item.as_str().len());
    for (field, value) in fields.iter().zip(found) {
        if let Some(value) = value {
            object.raw(field, &String::from_utf8_lossy(value));
        }
    }
    // Integer-like names come first in JavaScript whatever the order they were chosen in.
    Json::parse(object.finish().as_bytes()).unwrap_or_else(|_| item.clone())
}

/// What an object takes for the names, times and punctuation that we write ourselves, at most.
const OWN_BYTES: usize = 192;

/// Writes one JSON object, member by member.
#[derive(Default)]
pub(super) struct Object(String);

impl Object {
    /// One that holds values of so many bytes without growing.
    pub(super) fn with_room_for(bytes: usize) -> Self {
        Self(String::with_capacity(bytes + OWN_BYTES))
    }

    /// Adds a member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.text(name);
        self.0.push(':');
        self.0.push_str(json);
    }

    /// Adds a string.
    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.raw(name, "");
        self.text(value);
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }

    fn text(&mut self, text: &str) {
        if text
            .bytes()
            .all(|byte| byte >= b' ' && !b"\"\\".contains(&byte))
        {
            self.0.push('"');
            self.0.push_str(text);
            self.0.push('"');
            return;
        }
        // Text always has a JSON form; `serde_json` writes it as JavaScript does.
        self.0
            .push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// The text of `{data}`.
pub(super) fn write_user(data: Option<&Json>) -> String {
    let data = data.map_or("{}", Json::as_str);
    let mut object = Object::with_room_for(data.len());
    object.raw("data", data);
    object.finish()
}

/// The text of `{id, data, state, createdAt, updatedAt}`.
pub(super) fn write_session(session: &Session, now: Timestamp) -> String {
    let data = session.data.as_ref().map_or("{}", Json::as_str);
    let state = session.state.as_ref().map(Json::as_str);
    let id = session.id.as_deref();
    let bytes = data.len() + state.map_or(0, str::len) + id.map_or(0, str::len);
    let mut object = Object::with_room_for(bytes);
    if let Some(id) = id {
        object.string("id", id);
    }
    object.raw("data", data);
    if let Some(state) = state {
        object.raw("state", state);
    }
    object.string("createdAt", &session.created_at.unwrap_or(now).to_string());
    object.string("updatedAt", &session.updated_at.unwrap_or(now).to_string());
    object.finish()
}

/// The text of `{items}`.
pub(super) fn write_history(items: &[Json]) -> String {
    let items: Vec<&str> = items.iter().map(Json::as_str).collect();
    let items = format!("[{}]", items.join(","));
    let mut object = Object::with_room_for(items.len());
    object.raw("items", &items);
    object.finish()
}

fn each_member<'a>(
    json: &'a [u8],
    part: &'static str,
    mut member: impl FnMut(&str, Skipped<'a>),
) -> Result<(), Malformed> {
    let mut reader = Reader::new(json);
    if reader.kind().map_err(JsonError::from)? != Kind::Object {
        let expected = "an object";
        return Err(Malformed::Shape { part, expected });
    }
    reader.enter_object().map_err(JsonError::from)?;
    while let Some(name) = reader.next_key().map_err(JsonError::from)? {
        member(&name.decode(), reader.skip().map_err(JsonError::from)?);
    }
    reader.end().map_err(JsonError::from)?;
    Ok(())
}

fn kept(value: Option<Skipped<'_>>, form: RecordForm) -> Option<Json> {
    let value = value.filter(|value| form == RecordForm::Document || !is_falsy(*value));
    value.map(|value| Json::cut(value.raw))
}

/// What JavaScript takes for nothing.
fn is_falsy(value: Skipped<'_>) -> bool {
    match value.kind {
        Kind::Object | Kind::Array | Kind::True => false,
        Kind::False | Kind::Null => true,
        Kind::String => value.raw == b"\"\"",
        Kind::Number => {
            (Reader::new(value.raw).number()).is_ok_and(|number| number.to_f64() == 0.0)
        }
    }
}
