//! One event: the few members that decide whether it is kept.

use kenwell_json::{Kind, Reader, Skipped, SyntaxError};

use crate::{Ignored, identity};

/// The deepest nesting of objects and arrays in an event, the event itself counted, that is kept.
/// Deeper events are ignored: RudderStack's own limit lies at some thousands, where its
/// transformer's stack overflows.
pub const MAX_DEPTH: usize = 2_048;

/// What says an event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeSource {
    /// The route, which is that of identifies.
    IdentifyRoute,
    /// The route, which is another one.
    OtherRoute,
    /// The event itself.
    Event,
}

/// An event that was read.
pub(crate) struct Event<'a> {
    /// Its own bytes.
    pub(crate) bytes: &'a [u8],
    /// Whether it is an identify to keep, or the reason why not.
    pub(crate) decision: Result<(), Ignored>,
    /// Its `writeKey`, of whatever kind.
    pub(crate) write_key: Option<Skipped<'a>>,
}

impl<'a> Event<'a> {
    /// A value that is ignored without a look at its members.
    pub(crate) fn ignored(value: Skipped<'a>, reason: Ignored) -> Self {
        Self {
            bytes: value.raw,
            decision: Err(reason),
            write_key: None,
        }
    }
}

/// Reads the value that comes next and decides whether it is kept.
pub(crate) fn read<'a>(
    reader: &mut Reader<'a>,
    type_source: TypeSource,
) -> Result<Event<'a>, SyntaxError> {
    if reader.kind()? != Kind::Object {
        return Ok(Event::ignored(reader.skip()?, Ignored::NotAnObject));
    }
    let start = reader.position();
    let members = Members::read(reader)?;
    Ok(Event {
        bytes: reader.since(start),
        decision: members.decide(type_source),
        write_key: members.write_key,
    })
}

#[derive(Default)]
struct Members<'a> {
    kind: Option<Skipped<'a>>,
    user_id: Option<Skipped<'a>>,
    anonymous_id: Option<Skipped<'a>>,
    write_key: Option<Skipped<'a>>,
    depth: usize,
    overflows: bool,
}

impl<'a> Members<'a> {
    /// Walks the event's top level; the last of duplicate keys wins.
    fn read(reader: &mut Reader<'a>) -> Result<Self, SyntaxError> {
        let mut members = Self::default();
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            let value = reader.skip()?;
            members.depth = members.depth.max(value.depth);
            members.overflows |= value.overflows;
            if key.eq_str("type") {
                members.kind = Some(value);
            } else if key.eq_str("userId") {
                members.user_id = Some(value);
            } else if key.eq_str("anonymousId") {
                members.anonymous_id = Some(value);
            } else if key.eq_str("writeKey") {
                members.write_key = Some(value);
            }
        }
        Ok(members)
    }

    fn decide(&self, type_source: TypeSource) -> Result<(), Ignored> {
        let own_type = self.kind.as_ref().and_then(text);
        // `extract` and `record` events name their rows elsewhere and are exempt from identity.
        let exempt = type_source == TypeSource::Event
            && matches!(own_type.as_deref(), Some("extract" | "record"));
        if self.overflows {
            return Err(Ignored::NumberOutOfRange);
        }
        if self.depth >= MAX_DEPTH {
            return Err(Ignored::TooDeep);
        }
        if !exempt && is_blank(self.user_id.as_ref()) && is_blank(self.anonymous_id.as_ref()) {
            return Err(Ignored::NoIdentity);
        }
        match (type_source, own_type.as_deref()) {
            (TypeSource::IdentifyRoute, _) => Ok(()),
            (TypeSource::Event, None | Some("")) => Err(Ignored::InvalidType),
            (TypeSource::Event, Some(own)) if own.eq_ignore_ascii_case("identify") => Ok(()),
            (TypeSource::OtherRoute | TypeSource::Event, _) => Err(Ignored::NotIdentify),
        }
    }
}

/// The value, if it is a string.
pub(crate) fn text<'a>(value: &Skipped<'a>) -> Option<std::borrow::Cow<'a, str>> {
    if value.kind != Kind::String {
        return None;
    }
    Reader::new(value.raw)
        .string()
        .ok()
        .map(|text| text.decode())
}

/// Absent, null or a blank string; any other type counts as an identity, even `0` and `{}`.
fn is_blank(id: Option<&Skipped<'_>>) -> bool {
    match id {
        None => true,
        Some(value) if value.kind == Kind::Null => true,
        Some(value) => text(value).is_some_and(|text| identity::is_blank(&text)),
    }
}
