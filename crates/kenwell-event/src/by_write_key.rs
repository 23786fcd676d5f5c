//! Who sent which of a request's events, when write keys stand in the body.

use std::borrow::Cow;

use crate::{IgnoredCounts, Rejection};

/// Write keys that the events of one batch may name. Segment's own SDKs name one.
pub const MAX_WRITE_KEYS: usize = 16;

/// What one write key sent with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share<'a> {
    /// The key: the events' own `writeKey`, otherwise the request's. `None` when neither is there.
    pub write_key: Option<Cow<'a, str>>,
    /// The events to keep, each in its own bytes as sent, in order.
    pub identifies: Vec<&'a [u8]>,
    /// The others, counted.
    pub ignored: IgnoredCounts,
}

/// A request that says in its body who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared<'a> {
    /// What each write key sent; never empty, at most [`MAX_WRITE_KEYS`] and one for the request's.
    /// When the body is no JSON, what was read before that shows.
    pub shares: Vec<Share<'a>>,
    /// Why the request is refused, once its keys are known to be good.
    pub refused: Option<Rejection>,
}

/// The shares while a request is read. The first is that of events without a key of their own.
#[derive(Debug)]
pub(crate) struct Shares<'a> {
    keyless: Share<'a>,
    named: Vec<Share<'a>>,
}

impl<'a> Shares<'a> {
    pub(crate) fn new() -> Self {
        Self {
            keyless: Share::default(),
            named: Vec::new(),
        }
    }

    /// The share of an event and its place; `None` when there are too many already.
    pub(crate) fn of(
        &mut self,
        write_key: Option<Cow<'a, str>>,
    ) -> Option<(usize, &mut Share<'a>)> {
        if write_key.is_none() {
            return Some((0, &mut self.keyless));
        }
        let known = self.named.iter().position(|it| it.write_key == write_key);
        if known.is_none() {
            if self.named.len() == MAX_WRITE_KEYS {
                return None;
            }
            self.named.push(Share {
                write_key,
                ..Share::default()
            });
        }
        let place = known.unwrap_or(self.named.len() - 1);
        Some((place + 1, self.named.get_mut(place)?))
    }

    /// The events of a request that came with its key.
    pub(crate) fn into_keyless(self) -> Share<'a> {
        self.keyless
    }

    /// The shares in the end: events without a key of their own have the request's. Places stay good.
    pub(crate) fn resolve(self, request: Option<Cow<'a, str>>) -> Vec<Share<'a>> {
        let Self {
            mut keyless,
            mut named,
        } = self;
        keyless.write_key = request;
        if keyless.is_empty() && keyless.write_key.is_none() {
            // Nobody is missing a key, as long as there is anything.
            keyless.write_key = named.first().and_then(|it| it.write_key.clone());
        }
        if let Some(same) = named
            .iter_mut()
            .find(|it| it.write_key == keyless.write_key)
        {
            keyless.identifies.append(&mut same.identifies);
            // All of them are parts of one body: by address is in the order of the batch.
            keyless.identifies.sort_by_key(|event| event.as_ptr());
            keyless.ignored.add_all(&std::mem::take(&mut same.ignored));
        }
        named.insert(0, keyless);
        named
    }
}

impl Share<'_> {
    fn is_empty(&self) -> bool {
        self.identifies.is_empty() && self.ignored.total() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::MAX_WRITE_KEYS;
    use crate::{Ignored, Rejection, Route, Share, parse_shares};

    fn users(share: &Share<'_>) -> Vec<String> {
        let user = |event: &&[u8]| {
            std::str::from_utf8(event)
                .unwrap()
                .split('"')
                .nth(3)
                .unwrap()
                .into()
        };
        share.identifies.iter().map(user).collect()
    }

    /// Key and users of each share.
    fn shares(route: Route, body: &str) -> Vec<(Option<String>, Vec<String>)> {
        let request = parse_shares(route, body.as_bytes(), |_, _, _| ());
        let shares = request.shares.iter();
        shares
            .map(|it| (it.write_key.clone().map(Cow::into_owned), users(it)))
            .collect()
    }

    fn sent(key: &str, users: &[&str]) -> (Option<String>, Vec<String>) {
        let key = Some(key.to_owned()).filter(|key| !key.is_empty());
        (key, users.iter().map(|&it| it.to_owned()).collect())
    }

    fn event(user: &str, more: &str) -> String {
        format!(r#"{{"userId":"{user}","type":"identify"{more}}}"#)
    }

    #[test]
    fn a_batch_is_its_keys_whether_that_comes_first_or_last() {
        let event = event("u", "");
        for body in [
            format!(r#"{{"batch":[{event}],"sentAt":"x","writeKey":"WK"}}"#),
            format!(r#"{{"writeKey":"WK","batch":[{event}]}}"#),
            format!(r#"{{"batch":[{event}],"write\u004bey":"W\u004b"}}"#),
            format!(r#"{{"writeKey":"old","batch":[{event}],"writeKey":"WK"}}"#),
        ] {
            assert_eq!(shares(Route::Batch, &body), [sent("WK", &["u"])], "{body}");
        }
    }

    #[test]
    fn a_single_event_is_its_keys() {
        let body = event("u", r#","writeKey":"WK""#);
        for route in [Route::Identify, Route::Other] {
            assert_eq!(shares(route, &body)[0].0.as_deref(), Some("WK"));
        }
    }

    #[test]
    fn what_names_nobody_has_no_key() {
        for key in [
            "",
            r#","writeKey":"""#,
            r#","writeKey":7"#,
            r#","writeKey":null"#,
        ] {
            let body = format!(r#"{{"batch":[{}]{key}}}"#, event("u", ""));
            assert_eq!(shares(Route::Batch, &body), [sent("", &["u"])], "{key}");
            assert_eq!(shares(Route::Import, "{}"), [sent("", &[])]);
        }
        // Not at the top: it is somebody's trait.
        let nested = event("u", r#","traits":{"writeKey":"WK"}"#);
        assert_eq!(shares(Route::Identify, &nested), [sent("", &["u"])]);
    }

    #[test]
    fn an_events_own_key_goes_before_the_batchs() {
        let own = |user: &str, key: &str| event(user, &format!(r#","writeKey":"{key}""#));
        let batch = [own("a", "A"), event("b", ""), own("c", "A"), own("d", "D")].join(",");
        assert_eq!(
            shares(
                Route::Batch,
                &format!(r#"{{"batch":[{batch}],"writeKey":"WK"}}"#)
            ),
            [
                sent("WK", &["b"]),
                sent("A", &["a", "c"]),
                sent("D", &["d"])
            ]
        );
        // The same key in both places is one share, in the order of the batch.
        let same = shares(
            Route::Batch,
            &format!(r#"{{"batch":[{batch}],"writeKey":"A"}}"#),
        );
        assert_eq!(same[0], sent("A", &["a", "b", "c"]));
        assert_eq!(same[1], sent("A", &[]));
        // Without one beside the batch, those who name none are nobody's.
        let none = shares(Route::Batch, &format!(r#"{{"batch":[{batch}]}}"#));
        assert_eq!(none[0], sent("", &["b"]));
        let all = format!(r#"{{"batch":[{}]}}"#, own("a", "A"));
        let all = shares(Route::Batch, &all);
        assert!(all.iter().all(|(key, _)| key.as_deref() == Some("A")));
    }

    #[test]
    fn a_refusal_says_whose_request_it_is() {
        let refused = |body: &str| {
            let shared = parse_shares(Route::Batch, body.as_bytes(), |_, _, _| ());
            (
                shared.shares[0].write_key.clone().map(Cow::into_owned),
                shared.refused,
            )
        };
        let wk = || Some("WK".to_owned());
        assert_eq!(
            refused(r#"{"batch":[],"writeKey":"WK"}"#),
            (wk(), Some(Rejection::EmptyBatch))
        );
        assert_eq!(
            refused(r#"{"batch":[{}],"writeKey":"WK"}"#),
            (wk(), Some(Rejection::NoIdentity))
        );
        assert_eq!(
            refused(r#"{"writeKey":"WK","batch":[{"#),
            (wk(), Some(Rejection::InvalidJson))
        );
        assert_eq!(
            refused(r#"{"batch":[{"#),
            (None, Some(Rejection::InvalidJson))
        );
    }

    #[test]
    fn there_are_so_many_keys_and_no_more() {
        let batch = |keys: usize| {
            let events = (0..keys).map(|key| event("u", &format!(r#","writeKey":"{key}""#)));
            let events: Vec<_> = events.collect();
            format!(r#"{{"batch":[{}],"writeKey":"WK"}}"#, events.join(","))
        };
        let many = batch(MAX_WRITE_KEYS);
        let shared = parse_shares(Route::Batch, many.as_bytes(), |_, _, _| ());
        assert_eq!(
            (shared.shares.len(), shared.refused),
            (MAX_WRITE_KEYS + 1, None)
        );
        let more = batch(MAX_WRITE_KEYS + 1);
        let shared = parse_shares(Route::Batch, more.as_bytes(), |_, _, _| ());
        assert_eq!(shared.refused, Some(Rejection::TooManyWriteKeys));
    }

    #[test]
    fn what_is_ignored_is_told_with_its_place() {
        let body = r#"{"batch":[{"type":"track","userId":"a","writeKey":"A"},7],"writeKey":"WK"}"#;
        let mut told = Vec::new();
        let shared = parse_shares(Route::Batch, body.as_bytes(), |place, _, reason| {
            told.push((place, reason));
        });
        let keys = told
            .iter()
            .map(|(place, _)| shared.shares[*place].write_key.as_deref());
        assert_eq!(keys.collect::<Vec<_>>(), [Some("A"), Some("WK")]);
        assert_eq!(told[1].1, Ignored::NotAnObject);
        assert_eq!(shared.shares[1].ignored.total(), 1);
    }
}
