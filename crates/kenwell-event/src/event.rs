//! One event: the few members that decide whether it is kept.

use kenwell_json::{Kind, Reader, Skipped, SyntaxError, Text};

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
    /// Its `writeKey`, if that is a string.
    pub(crate) write_key: Option<Text<'a>>,
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
        write_key: members.write_key.and_then(Value::text),
    })
}

/// The value of a member that is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    String(Text<'a>),
    Null,
    /// Anything else.
    Other,
}

impl<'a> Value<'a> {
    /// Reads the value that comes next; also its nesting, and whether a number in it leaves the range of a double.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<(Self, usize, bool), SyntaxError> {
        if reader.kind()? == Kind::String {
            return Ok((Self::String(reader.string()?), 0, false));
        }
        let skipped = reader.skip()?;
        let value = match skipped.kind {
            Kind::Null => Self::Null,
            _ => Self::Other,
        };
        Ok((value, skipped.depth, skipped.overflows))
    }

    /// The value, if it is a string.
    pub(crate) fn text(self) -> Option<Text<'a>> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Other => None,
        }
    }
}

#[derive(Default)]
struct Members<'a> {
    kind: Option<Value<'a>>,
    user_id: Option<Value<'a>>,
    anonymous_id: Option<Value<'a>>,
    write_key: Option<Value<'a>>,
    depth: usize,
    overflows: bool,
}

impl<'a> Members<'a> {
    /// Walks the event's top level; the last of duplicate keys wins.
    fn read(reader: &mut Reader<'a>) -> Result<Self, SyntaxError> {
        let mut members = Self::default();
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            let (depth, overflows) = if let Some(member) = members.member(&key) {
                let (value, depth, overflows) = Value::read(reader)?;
                *member = Some(value);
                (depth, overflows)
            } else if reader.pass_plain_string() {
                continue;
            } else {
                let value = reader.skip()?;
                (value.depth, value.overflows)
            };
            members.depth = members.depth.max(depth);
            members.overflows |= overflows;
        }
        Ok(members)
    }

    /// Where the value of this key goes, if it is looked at.
    fn member(&mut self, key: &Text<'a>) -> Option<&mut Option<Value<'a>>> {
        let decoded;
        let name = if key.is_plain() {
            key.raw()
        } else {
            decoded = key.decode();
            decoded.as_bytes()
        };
        match name {
            b"type" => Some(&mut self.kind),
            b"userId" => Some(&mut self.user_id),
            b"anonymousId" => Some(&mut self.anonymous_id),
            b"writeKey" => Some(&mut self.write_key),
            _ => None,
        }
    }

    fn decide(&self, type_source: TypeSource) -> Result<(), Ignored> {
        let own_type = self.kind.and_then(Value::text);
        let own_type = own_type.map(|text| text.decode());
        // `extract` and `record` events name their rows elsewhere and are exempt from identity.
        let exempt = type_source == TypeSource::Event
            && matches!(own_type.as_deref(), Some("extract" | "record"));
        if self.overflows {
            return Err(Ignored::NumberOutOfRange);
        }
        if self.depth >= MAX_DEPTH {
            return Err(Ignored::TooDeep);
        }
        if !exempt && is_blank(self.user_id) && is_blank(self.anonymous_id) {
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

/// Absent, null or a blank string; any other type counts as an identity, even `0` and `{}`.
fn is_blank(id: Option<Value<'_>>) -> bool {
    match id {
        None | Some(Value::Null) => true,
        Some(Value::Other) => false,
        Some(Value::String(text)) => {
            // What shows does so whatever stands beside it. Nearly all ids begin like this.
            let shows = text.is_plain() && text.raw().iter().any(u8::is_ascii_graphic);
            !shows && identity::is_blank(&text.decode())
        }
    }
}
