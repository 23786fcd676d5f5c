//! Parses the body of one request: its events, sorted into those to keep and those to ignore.

use std::borrow::Cow;

use kenwell_json::{Kind, Reader, SyntaxError, Text};

use crate::{
    Ignored, IgnoredCounts, ParsedByWriteKey, Rejection,
    by_write_key::GroupBuilder,
    event::{self, Event, TypeSource, Value},
};

/// What the path of the request says about its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// `/v1/identify`: one event, an identify whatever its own `type` says.
    Identify,
    /// `/v1/track`, `/v1/page` and the other single-event routes: one event, not an identify.
    Other,
    /// `/v1/batch` and `/beacon/v1/batch`: `{"batch":[…]}`.
    Batch,
    /// `/v1/import`: like a batch, but an empty one is fine.
    Import,
}

/// An accepted request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// The events to keep, each in its own bytes as sent, in order.
    pub identifies: Vec<&'a [u8]>,
    /// The others, counted.
    pub ignored: IgnoredCounts,
    /// Whether the body names a write key beside the one that the request came with.
    pub names_write_key: bool,
    /// The `sentAt` beside the events of a batch, as sent: one JSON value.
    pub sent_at: Option<&'a [u8]>,
}

/// Parses a request that came with its write key. `body` is the decompressed body; its size is the caller's to
/// bound. Takes time linear in the body's size and never recurses.
///
/// `on_ignored` is called with the bytes of each event that is not kept, and the reason; this counts only if the
/// request is not refused.
///
/// # Errors
/// Why the whole request is refused.
pub fn parse<'a>(
    route: Route,
    body: &'a [u8],
    mut on_ignored: impl FnMut(&'a [u8], Ignored),
) -> Result<Parsed<'a>, Rejection> {
    let mut parser = BodyParser::new(WriteKeys::Disregard, |_, event, reason| {
        on_ignored(event, reason);
    });
    if let Some(rejection) = parser.parse(route, body) {
        return Err(rejection);
    }
    let names_write_key = parser.write_key.is_some();
    let sent_at = parser.sent_at;
    let group = parser.groups.into_keyless();
    Ok(Parsed {
        identifies: group.identifies,
        ignored: group.ignored,
        names_write_key,
        sent_at,
    })
}

/// Parses a request that came without a write key, and groups its events by those that its body names: an event's
/// own `writeKey`, otherwise the one beside `batch`, before or after it. A key that is empty or no string counts as
/// missing. `on_ignored` is also told the index of the event's group.
pub fn parse_by_write_key<'a>(
    route: Route,
    body: &'a [u8],
    on_ignored: impl FnMut(usize, &'a [u8], Ignored),
) -> ParsedByWriteKey<'a> {
    let mut parser = BodyParser::new(WriteKeys::GroupBy, on_ignored);
    let rejection = parser.parse(route, body);
    ParsedByWriteKey {
        groups: parser.groups.build(parser.write_key),
        sent_at: parser.sent_at,
        rejection,
    }
}

/// What the write keys of events do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteKeys {
    /// Nothing: the request came with its own.
    Disregard,
    /// They say who sends each event.
    GroupBy,
}

struct BodyParser<'a, F> {
    write_keys: WriteKeys,
    /// The write key of the body as a whole.
    write_key: Option<Cow<'a, str>>,
    /// The `sentAt` beside the events.
    sent_at: Option<&'a [u8]>,
    groups: GroupBuilder<'a>,
    has_too_many_keys: bool,
    /// At least one event could be accepted, if only to be ignored.
    has_acceptable: bool,
    /// Why the request is refused if no event can be accepted: what is wrong with the first one.
    first_rejection: Option<Rejection>,
    on_ignored: F,
}

impl<'a, F: FnMut(usize, &'a [u8], Ignored)> BodyParser<'a, F> {
    fn new(write_keys: WriteKeys, on_ignored: F) -> Self {
        Self {
            write_keys,
            write_key: None,
            sent_at: None,
            groups: GroupBuilder::default(),
            has_too_many_keys: false,
            has_acceptable: false,
            first_rejection: None,
            on_ignored,
        }
    }

    /// Parses the whole body. Returns why the request is refused, if it is.
    fn parse(&mut self, route: Route, body: &'a [u8]) -> Option<Rejection> {
        let mut reader = Reader::new(body);
        let parsed = match route {
            Route::Identify => self.single(&mut reader, TypeSource::IdentifyRoute),
            Route::Other => self.single(&mut reader, TypeSource::OtherRoute),
            Route::Batch | Route::Import => self.batch(&mut reader),
        };
        if parsed.and_then(|()| reader.end()).is_err() {
            return Some(Rejection::InvalidJson);
        }
        match self.first_rejection {
            _ if self.has_too_many_keys => Some(Rejection::TooManyWriteKeys),
            _ if self.has_acceptable => None,
            Some(rejection) => Some(rejection),
            None if route == Route::Import => None,
            None => Some(Rejection::EmptyBatch),
        }
    }

    fn single(
        &mut self,
        reader: &mut Reader<'a>,
        type_source: TypeSource,
    ) -> Result<(), SyntaxError> {
        let mut event = match reader.kind()? {
            Kind::Object | Kind::Array => event::read(reader, type_source)?,
            // RudderStack's gateway makes an object of a lone scalar, which then names nobody.
            _ => Event::ignored(reader.skip()?, Ignored::NoIdentity),
        };
        self.write_key = event.write_key.take().and_then(key_text);
        self.add(&event);
        Ok(())
    }

    fn batch(&mut self, reader: &mut Reader<'a>) -> Result<(), SyntaxError> {
        if reader.kind()? != Kind::Object {
            return reader.skip().map(drop);
        }
        let mut found = false;
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            if found || !key.eq_str("batch") {
                if key.eq_str("writeKey") {
                    let (value, ..) = Value::read(reader)?;
                    self.write_key = value.text().and_then(key_text);
                } else if key.eq_str("sentAt") {
                    self.sent_at = Some(reader.skip()?.raw);
                } else {
                    reader.skip()?;
                }
                continue;
            }
            found = true;
            match reader.kind()? {
                Kind::Array => {
                    reader.enter_array()?;
                    while reader.next_element()? {
                        self.add(&event::read(reader, TypeSource::Event)?);
                    }
                }
                Kind::Null => reader.literal()?,
                _ => self.add(&event::read(reader, TypeSource::Event)?),
            }
        }
        Ok(())
    }

    fn add(&mut self, event: &Event<'a>) {
        let write_key = match self.write_keys {
            WriteKeys::Disregard => None,
            WriteKeys::GroupBy => event.write_key.and_then(key_text),
        };
        let Some((index, group)) = self.groups.group_of(write_key) else {
            self.has_too_many_keys = true;
            return;
        };
        let rejection = match event.decision {
            Ok(()) => {
                group.identifies.push(event.bytes);
                None
            }
            Err(reason) => {
                group.ignored.add(reason);
                (self.on_ignored)(index, event.bytes, reason);
                reason.rejection()
            }
        };
        self.has_acceptable |= rejection.is_none();
        self.first_rejection = self.first_rejection.or(rejection);
    }
}

/// The write key that a string names.
fn key_text(value: Text<'_>) -> Option<Cow<'_, str>> {
    Some(value.decode()).filter(|key| !key.is_empty())
}
