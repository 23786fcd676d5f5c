//! What an event says besides its traits: its user, its integrations, and the parts of a "Profiles" key.

use std::borrow::Cow;

use kenwell_json::{Kind, Number, Reader, Skipped, Text};

use super::Ignored;
use super::event_time::{NamedTimes, moment_ms};
use super::js::{self, NumberContext};
use super::limits::MAX_DEPTH;
use super::prefix::ResolvedPrefix;

/// A member of an event that says something about what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Traits,
    Context,
    UserId,
    Integrations,
    Other,
}

impl Member {
    /// The one of this name.
    #[inline]
    pub(super) fn of(key: &Text<'_>) -> Self {
        let decoded;
        let name = if key.is_plain() {
            key.raw()
        } else {
            decoded = key.decode();
            decoded.as_bytes()
        };
        match name {
            b"traits" => Self::Traits,
            b"context" => Self::Context,
            b"userId" => Self::UserId,
            b"integrations" => Self::Integrations,
            _ => Self::Other,
        }
    }
}

/// What one pass over an event found, apart from the fields.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) user_id: UserId<'a>,
    pub(super) integrations: Integrations,
    pub(super) sources: Sources<'a>,
    /// Stands at the value of `traits`.
    pub(super) traits: Option<Reader<'a>>,
    /// When it happened, as far as somebody wants to know.
    pub(super) times: NamedTimes,
}

/// Entity, id type and model of a "Profiles" event.
pub(super) type Sources<'a> = [Option<Skipped<'a>>; 3];

impl<'a> Event<'a> {
    /// Reads the value of a key that says nothing about traits; of duplicate keys the last counts.
    pub(super) fn read_time(
        &mut self,
        key: &Text<'a>,
        reader: &mut Reader<'a>,
    ) -> Result<(), Ignored> {
        let value = skip(reader, 1)?;
        let time = if key.eq_str("originalTimestamp") {
            &mut self.times.original
        } else if key.eq_str("timestamp") {
            &mut self.times.timestamp
        } else if key.eq_str("sentAt") {
            &mut self.times.sent_at
        } else {
            return Ok(());
        };
        *time = moment_ms(value.raw);
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) enum UserId<'a> {
    #[default]
    Blank,
    Text(Text<'a>),
    Number(Number<'a>),
    Other,
}

/// Whether `integrations` lets the event reach a destination of the type `Redis`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integrations {
    #[default]
    On,
    Off,
}

impl<'a> UserId<'a> {
    /// Reads `userId`; the string at position `taken_at` counts as absent.
    pub(super) fn read(reader: &mut Reader<'a>, taken_at: Option<usize>) -> Result<Self, Ignored> {
        Ok(match reader.kind()? {
            Kind::String if taken_at == Some(reader.position()) => {
                reader.string()?;
                Self::Blank
            }
            Kind::String => Self::Text(reader.string()?),
            Kind::Number => {
                let number = reader.number()?;
                if number.overflows() {
                    return Err(Ignored::NumberOutOfRange);
                }
                Self::Number(number)
            }
            Kind::Null => {
                reader.literal()?;
                Self::Blank
            }
            _ => {
                skip(reader, 1)?;
                Self::Other
            }
        })
    }

    /// The text of a usable id.
    pub(super) fn text(&self) -> Result<Cow<'a, [u8]>, Ignored> {
        match self {
            Self::Blank => Err(Ignored::BlankUserId),
            Self::Other => Err(Ignored::UserIdNotText),
            Self::Number(number) => {
                let mut text = Vec::new();
                js::push_number(*number, NumberContext::Field, &mut text)?;
                Ok(Cow::Owned(text))
            }
            Self::Text(text) => match text.verbatim() {
                // Nearly all ids begin like this, and are not blank then.
                Some(raw) if raw.first().is_some_and(u8::is_ascii_graphic) => {
                    Ok(Cow::Borrowed(raw))
                }
                _ => match text.decode() {
                    text if text.chars().all(js::is_space) => Err(Ignored::BlankUserId),
                    Cow::Borrowed(text) => Ok(Cow::Borrowed(text.as_bytes())),
                    Cow::Owned(text) => Ok(Cow::Owned(text.into_bytes())),
                },
            },
        }
    }

    /// Its [`text`](Self::text) as it stands in the key of a "Profiles" event.
    pub(super) fn in_profiles_key<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        match self {
            Self::Number(_) if text == b"-0" => b"0",
            _ => text,
        }
    }
}

/// Whom an event is about, and what stands before that in keys; or the first reason why it is not written.
#[inline]
pub(super) fn addressee<'a, 'p>(
    integrations: Integrations,
    user_id: &UserId<'a>,
    prefix: Result<ResolvedPrefix<'p>, Ignored>,
) -> Result<(Cow<'a, [u8]>, ResolvedPrefix<'p>), Ignored> {
    if integrations == Integrations::Off {
        return Err(Ignored::IntegrationsOff);
    }
    if prefix.as_ref().is_ok_and(|prefix| prefix.took_type) {
        return Err(Ignored::TypeTaken);
    }
    Ok((user_id.text()?, prefix?))
}

/// Jumps over a value that stands inside `depth` containers.
pub(super) fn skip<'a>(reader: &mut Reader<'a>, depth: usize) -> Result<Skipped<'a>, Ignored> {
    let skipped = reader.skip()?;
    if depth + skipped.depth > MAX_DEPTH {
        return Err(Ignored::TooDeep);
    }
    if skipped.overflows {
        return Err(Ignored::NumberOutOfRange);
    }
    Ok(skipped)
}

/// Jumps over a value that stands inside `depth` containers, and that nobody wants to know.
#[inline]
pub(super) fn pass(reader: &mut Reader<'_>, depth: usize) -> Result<(), Ignored> {
    // What it usually is needs no further question.
    if reader.pass_plain_string() {
        return Ok(());
    }
    skip(reader, depth).map(drop)
}

/// Reads `context.sources`: entity, id type and model of a "Profiles" event.
pub(super) fn read_sources<'a>(
    reader: &mut Reader<'a>,
    taken_at: Option<usize>,
) -> Result<Sources<'a>, Ignored> {
    const NAMES: [&str; 3] = ["profiles_entity", "profiles_id_type", "profiles_model"];
    let mut sources = [None; 3];
    if reader.kind()? != Kind::Object {
        skip(reader, 2)?;
        return Ok(sources);
    }
    reader.enter_object()?;
    while let Some(key) = reader.next_key()? {
        reader.kind()?;
        let taken = taken_at == Some(reader.position());
        let value = skip(reader, 3)?;
        for (source, name) in sources.iter_mut().zip(NAMES) {
            if key.eq_str(name) {
                *source = (!taken).then_some(value);
            }
        }
    }
    Ok(sources)
}

impl Integrations {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Ignored> {
        if reader.kind()? != Kind::Object {
            skip(reader, 1)?;
            return Ok(Self::Off);
        }
        let (mut all, mut redis) = (Kind::True, None);
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            let value = skip(reader, 2)?;
            if key.eq_str("All") {
                all = value.kind;
            } else if key.eq_str("Redis") {
                redis = Some(value.kind);
            }
        }
        Ok(match (all, redis) {
            (Kind::True | Kind::False, Some(Kind::True | Kind::Object)) => Self::On,
            (_, Some(Kind::False)) | (Kind::False, _) => Self::Off,
            (Kind::True, _) => Self::On,
            _ => Self::Off,
        })
    }
}
