//! One request's body: its route's shape, and its events sorted.

use std::borrow::Cow;

use kenwell_json::{Kind, Reader, Skipped, SyntaxError};

use crate::{
    Ignored, IgnoredCounts, Rejection, Shared,
    event::{self, Event, Typed},
    share::Shares,
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
    /// Whether the body names a write key of its own beside the one that it came with.
    pub names_write_key: bool,
}

/// Sorts the events of one request. `body` is the decompressed body; its size is the caller's to
/// bound. Takes time linear in the body's size and never recurses.
pub fn parse(route: Route, body: &[u8]) -> Result<Parsed<'_>, Rejection> {
    parse_and_tell(route, body, |_, _| ())
}

/// Likewise; `ignored` is told the bytes of each event that is not kept, and why. What it was told holds
/// only if the request is not refused.
pub fn parse_and_tell<'a>(
    route: Route,
    body: &'a [u8],
    mut ignored: impl FnMut(&'a [u8], Ignored),
) -> Result<Parsed<'a>, Rejection> {
    let mut sorted = Sorted::new(Keys::Overlooked, |_, event, reason| ignored(event, reason));
    if let Some(rejection) = sorted.read(route, body) {
        return Err(rejection);
    }
    let names_write_key = sorted.write_key.is_some();
    let share = sorted.shares.into_keyless();
    Ok(Parsed {
        identifies: share.identifies,
        ignored: share.ignored,
        names_write_key,
    })
}

/// Sorts the events of a request that came without a write key, by those that its body names: an
/// event's own `writeKey`, otherwise the one beside `batch`, before or after it. Keys that are empty or
/// no text count as missing. `ignored` is told the place of the share, too.
pub fn parse_shares<'a>(
    route: Route,
    body: &'a [u8],
    ignored: impl FnMut(usize, &'a [u8], Ignored),
) -> Shared<'a> {
    let mut sorted = Sorted::new(Keys::Obeyed, ignored);
    let refused = sorted.read(route, body);
    Shared {
        shares: sorted.shares.resolve(sorted.write_key),
        refused,
    }
}

/// What write keys in the body are to the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Somebody else said who sends.
    Overlooked,
    /// They say who sends.
    Obeyed,
}

struct Sorted<'a, F> {
    keys: Keys,
    /// The request's own write key.
    write_key: Option<Cow<'a, str>>,
    shares: Shares<'a>,
    too_many_keys: bool,
    /// At least one event was fit to be accepted, if only to be ignored.
    acceptable: bool,
    /// What the first event that was not fit would make of the request.
    refused: Option<Rejection>,
    /// Told of each event that is not kept.
    ignored: F,
}

impl<'a, F: FnMut(usize, &'a [u8], Ignored)> Sorted<'a, F> {
    fn new(keys: Keys, ignored: F) -> Self {
        Self {
            keys,
            write_key: None,
            shares: Shares::new(),
            too_many_keys: false,
            acceptable: false,
            refused: None,
            ignored,
        }
    }

    /// Reads the whole body; why the request is refused, if it is.
    fn read(&mut self, route: Route, body: &'a [u8]) -> Option<Rejection> {
        let mut reader = Reader::new(body);
        let read = match route {
            Route::Identify => self.single(&mut reader, Typed::Identify),
            Route::Other => self.single(&mut reader, Typed::Other),
            Route::Batch | Route::Import => self.batch(&mut reader),
        };
        if read.and_then(|()| reader.end()).is_err() {
            return Some(Rejection::InvalidJson);
        }
        match self.refused {
            _ if self.too_many_keys => Some(Rejection::TooManyWriteKeys),
            Some(rejection) if !self.acceptable => Some(rejection),
            None if !self.acceptable && route != Route::Import => Some(Rejection::EmptyBatch),
            _ => None,
        }
    }

    fn single(&mut self, reader: &mut Reader<'a>, typed: Typed) -> Result<(), SyntaxError> {
        let mut event = match reader.kind()? {
            Kind::Object | Kind::Array => event::read(reader, typed)?,
            // The real gateway makes an object of a lone scalar, which then names nobody.
            _ => Event::not_one(reader.skip()?, Ignored::NoIdentity),
        };
        self.write_key = event.write_key.take().and_then(|key| named(&key));
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
                let value = reader.skip()?;
                if key.eq_str("writeKey") {
                    self.write_key = named(&value);
                }
                continue;
            }
            found = true;
            match reader.kind()? {
                Kind::Array => {
                    reader.enter_array()?;
                    while reader.next_element()? {
                        self.add(&event::read(reader, Typed::ByItself)?);
                    }
                }
                Kind::Null => reader.literal()?,
                _ => self.add(&event::read(reader, Typed::ByItself)?),
            }
        }
        Ok(())
    }

    fn add(&mut self, event: &Event<'a>) {
        let write_key = match self.keys {
            Keys::Overlooked => None,
            Keys::Obeyed => event.write_key.as_ref().and_then(named),
        };
        let Some((place, share)) = self.shares.of(write_key) else {
            self.too_many_keys = true;
            return;
        };
        let rejection = match event.decision {
            Ok(()) => {
                share.identifies.push(event.bytes);
                None
            }
            Err(reason) => {
                share.ignored.add(reason);
                (self.ignored)(place, event.bytes, reason);
                reason.rejection()
            }
        };
        self.acceptable |= rejection.is_none();
        self.refused = self.refused.or(rejection);
    }
}

/// The write key that a value names.
fn named<'a>(value: &Skipped<'a>) -> Option<Cow<'a, str>> {
    event::text(value).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_DEPTH;

    fn batch_of(events: &str) -> Result<(usize, Vec<(Ignored, u64)>), Rejection> {
        let body = format!("{{\"batch\":[{events}],\"sentAt\":\"x\"}}");
        let parsed = parse(Route::Batch, body.as_bytes())?;
        Ok((parsed.identifies.len(), parsed.ignored.iter().collect()))
    }

    const GOOD: &str = r#"{"type":"identify","userId":"u1"}"#;

    #[test]
    fn a_batch_keeps_its_identifies_in_their_own_bytes() {
        let body = br#" {"batch" : [ {"type":"IDENTIFY", "userId":1} , {"type":"track","anonymousId":"a"}]} "#;
        let parsed = parse(Route::Batch, body).unwrap();
        assert_eq!(
            parsed.identifies,
            [&br#"{"type":"IDENTIFY", "userId":1}"#[..]]
        );
        assert_eq!(
            parsed.ignored.iter().collect::<Vec<_>>(),
            [(Ignored::NotIdentify, 1)]
        );
    }

    #[test]
    fn what_is_ignored_is_told_in_its_own_bytes() {
        let body =
            br#"{"batch":[{"type":"track","userId":"u"}, 7 ,{"type":"identify","userId":"u"}]}"#;
        let mut told = Vec::new();
        parse_and_tell(Route::Batch, body, |bytes, reason| {
            told.push((bytes, reason));
        })
        .unwrap();
        let track = &br#"{"type":"track","userId":"u"}"#[..];
        assert_eq!(
            told,
            [(track, Ignored::NotIdentify), (b"7", Ignored::NotAnObject)]
        );
    }

    #[test]
    fn a_bad_event_costs_its_neighbours_nothing() {
        for (bad, reason) in [
            (r#"{"type":"identify","userId":""}"#, Ignored::NoIdentity),
            (
                r#"{"type":"identify","traits":{"a":1}}"#,
                Ignored::NoIdentity,
            ),
            ("7", Ignored::NotAnObject),
            ("[]", Ignored::NotAnObject),
            (r#"{"userId":"u","x":1e400}"#, Ignored::NumberOutOfRange),
        ] {
            assert_eq!(
                batch_of(&format!("{bad},{GOOD}")),
                Ok((1, vec![(reason, 1)])),
                "{bad}"
            );
            assert_eq!(batch_of(bad), Err(reason.rejection().unwrap()), "{bad}");
        }
    }

    #[test]
    fn the_first_bad_event_words_the_refusal() {
        assert_eq!(batch_of(r#"{"userId":null},7"#), Err(Rejection::NoIdentity));
        assert_eq!(
            batch_of(r#"7,{"userId":null}"#),
            Err(Rejection::NotAnObject)
        );
    }

    #[test]
    fn too_deep_is_one_events_own_fault() {
        let deep = |levels: usize| {
            let (open, close) = ("{\"a\":".repeat(levels - 1), "}".repeat(levels - 1));
            format!("{{\"userId\":\"u\",\"type\":\"identify\",\"traits\":{open}1{close}}}")
        };
        assert_eq!(batch_of(&deep(MAX_DEPTH)), Ok((1, vec![])));
        assert_eq!(batch_of(&deep(MAX_DEPTH + 1)), Err(Rejection::InvalidJson));
        assert_eq!(
            batch_of(&format!("{},{GOOD}", deep(10_000))),
            Ok((1, vec![(Ignored::TooDeep, 1)]))
        );
    }

    #[test]
    fn empty_batches() {
        for body in [
            "{}",
            r#"{"batch":null}"#,
            r#"{"batch":[]}"#,
            "[1]",
            "null",
            "\"x\"",
            "1",
        ] {
            assert_eq!(
                parse(Route::Batch, body.as_bytes()),
                Err(Rejection::EmptyBatch),
                "{body}"
            );
            assert_eq!(
                parse(Route::Import, body.as_bytes()),
                Ok(Parsed::default()),
                "{body}"
            );
        }
    }

    #[test]
    fn a_batch_that_is_no_array() {
        let one = format!("{{\"batch\":{GOOD}}}");
        assert_eq!(
            parse(Route::Batch, one.as_bytes())
                .unwrap()
                .identifies
                .len(),
            1
        );
        for body in [r#"{"batch":"x"}"#, r#"{"batch":7}"#, r#"{"batch":true}"#] {
            assert_eq!(
                parse(Route::Batch, body.as_bytes()),
                Err(Rejection::NotAnObject),
                "{body}"
            );
        }
    }

    #[test]
    fn types_in_a_batch_are_compared_without_case_but_not_trimmed() {
        let typed = |own: &str| batch_of(&format!("{{\"userId\":\"u\",\"type\":{own}}}")).unwrap();
        assert_eq!(typed("\"Identify\"").0, 1);
        assert_eq!(typed("\"\\u0069dentify\"").0, 1);
        assert_eq!(typed("\" identify \"").1, [(Ignored::NotIdentify, 1)]);
        for none in ["null", "\"\"", "1", "{}"] {
            assert_eq!(typed(none).1, [(Ignored::InvalidType, 1)], "{none}");
        }
    }

    #[test]
    fn a_single_route_names_the_type() {
        let body = br#"{"type":"track","userId":"u"}"#;
        assert_eq!(parse(Route::Identify, body).unwrap().identifies.len(), 1);
        assert_eq!(
            parse(Route::Other, GOOD.as_bytes())
                .unwrap()
                .identifies
                .len(),
            0
        );
        assert_eq!(parse(Route::Identify, b"[]"), Err(Rejection::NotAnObject));
        for scalar in ["null", "\"x\"", "1", "NaN"] {
            assert_eq!(
                parse(Route::Identify, scalar.as_bytes()),
                Err(Rejection::NoIdentity)
            );
        }
    }

    #[test]
    fn any_value_but_null_and_blank_is_an_identity() {
        for id in ["0", "false", "{}", "[]", "\"x\""] {
            let body = format!("{{\"anonymousId\":{id}}}");
            assert!(parse(Route::Identify, body.as_bytes()).is_ok(), "{id}");
        }
        for id in ["null", "NaN", "\"\"", "\" \\u200b\""] {
            let body = format!("{{\"userId\":{id}}}");
            assert_eq!(
                parse(Route::Identify, body.as_bytes()),
                Err(Rejection::NoIdentity),
                "{id}"
            );
        }
    }

    #[test]
    fn of_duplicate_keys_the_last_wins_and_of_batches_the_first() {
        assert_eq!(
            parse(Route::Identify, br#"{"userId":"u","userId":""}"#),
            Err(Rejection::NoIdentity)
        );
        let two = format!("{{\"batch\":[{GOOD}],\"batch\":[]}}");
        assert_eq!(
            parse(Route::Batch, two.as_bytes())
                .unwrap()
                .identifies
                .len(),
            1
        );
    }

    #[test]
    fn extracts_and_records_need_no_identity() {
        assert_eq!(
            batch_of(r#"{"type":"record"}"#),
            Ok((0, vec![(Ignored::NotIdentify, 1)]))
        );
    }

    #[test]
    fn what_is_no_json_is_refused_whole() {
        for body in [
            "",
            "{",
            "\u{feff}{}",
            r#"{"batch":[{}]} x"#,
            r#"{"batch":[{"a":}]}"#,
        ] {
            assert_eq!(
                parse(Route::Batch, body.as_bytes()),
                Err(Rejection::InvalidJson),
                "{body}"
            );
        }
    }
}
