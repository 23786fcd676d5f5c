//! The events of a request by the write key that sent them, when write keys stand in the body.

use std::borrow::Cow;

use crate::{IgnoredCounts, Rejection};

/// Write keys that the events of one batch may name. Segment's own SDKs name one.
pub const MAX_WRITE_KEYS: usize = 16;

/// What one write key sent with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteKeyGroup<'a> {
    /// The key: the events' own `writeKey`, otherwise that of the body. `None` when there is neither.
    pub write_key: Option<Cow<'a, str>>,
    /// The events to keep, each in its own bytes as sent, in order.
    pub identifies: Vec<&'a [u8]>,
    /// The others, counted.
    pub ignored: IgnoredCounts,
}

/// A request that says in its body who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedByWriteKey<'a> {
    /// What each write key sent: at least one group, at most [`MAX_WRITE_KEYS`] and one for the key of the body.
    /// When the body is no JSON, they hold what was read before that was found.
    pub groups: Vec<WriteKeyGroup<'a>>,
    /// The `sentAt` beside the events of a batch, as sent: one JSON value.
    pub sent_at: Option<&'a [u8]>,
    /// Why the request is refused. It counts once all keys are known to be good.
    pub rejection: Option<Rejection>,
}

/// Groups the events while a body is parsed.
#[derive(Debug, Default)]
pub(crate) struct GroupBuilder<'a> {
    /// The events without a key of their own. This is the first group.
    keyless: WriteKeyGroup<'a>,
    /// The groups of events with a key of their own, in the order of their first event.
    keyed: Vec<WriteKeyGroup<'a>>,
}

impl<'a> GroupBuilder<'a> {
    /// The group for an event with this key of its own, and its index; `None` when there are too many keys.
    pub(crate) fn group_of(
        &mut self,
        write_key: Option<Cow<'a, str>>,
    ) -> Option<(usize, &mut WriteKeyGroup<'a>)> {
        if write_key.is_none() {
            return Some((0, &mut self.keyless));
        }
        let known = self
            .keyed
            .iter()
            .position(|group| group.write_key == write_key);
        if known.is_none() {
            if self.keyed.len() == MAX_WRITE_KEYS {
                return None;
            }
            self.keyed.push(WriteKeyGroup {
                write_key,
                ..WriteKeyGroup::default()
            });
        }
        let index = known.unwrap_or(self.keyed.len() - 1);
        Some((index + 1, self.keyed.get_mut(index)?))
    }

    /// The events without a key of their own.
    pub(crate) fn into_keyless(self) -> WriteKeyGroup<'a> {
        self.keyless
    }

    /// All groups. Events without a key of their own get that of the body. Indexes stay as they were.
    pub(crate) fn build(self, of_body: Option<Cow<'a, str>>) -> Vec<WriteKeyGroup<'a>> {
        let Self {
            mut keyless,
            keyed: mut groups,
        } = self;
        keyless.write_key = of_body;
        let is_empty = keyless.identifies.is_empty() && keyless.ignored.total() == 0;
        if is_empty && keyless.write_key.is_none() {
            // No event lacks a key: the empty group takes another one's, so that none is missing.
            keyless.write_key = groups.first().and_then(|group| group.write_key.clone());
        }
        if let Some(same) = groups
            .iter_mut()
            .find(|group| group.write_key == keyless.write_key)
        {
            keyless.identifies.append(&mut same.identifies);
            // All of them are parts of one body, so the order of their addresses is that of the batch.
            keyless.identifies.sort_by_key(|event| event.as_ptr());
            keyless.ignored.add_all(&std::mem::take(&mut same.ignored));
        }
        groups.insert(0, keyless);
        groups
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::MAX_WRITE_KEYS;
    use crate::{Ignored, Rejection, Route, WriteKeyGroup, parse_by_write_key};

    fn users(group: &WriteKeyGroup<'_>) -> Vec<String> {
        let user = |event: &&[u8]| {
            std::str::from_utf8(event)
                .unwrap()
                .split('"')
                .nth(3)
                .unwrap()
                .into()
        };
        group.identifies.iter().map(user).collect()
    }

    /// Key and users of each group.
    fn groups(route: Route, body: &str) -> Vec<(Option<String>, Vec<String>)> {
        let parsed = parse_by_write_key(route, body.as_bytes(), |_, _, _| ());
        let groups = parsed.groups.iter();
        groups
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
            assert_eq!(groups(Route::Batch, &body), [sent("WK", &["u"])], "{body}");
        }
    }

    #[test]
    fn a_single_event_is_its_keys() {
        let body = event("u", r#","writeKey":"WK""#);
        for route in [Route::Identify, Route::Other] {
            assert_eq!(groups(route, &body)[0].0.as_deref(), Some("WK"));
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
            assert_eq!(groups(Route::Batch, &body), [sent("", &["u"])], "{key}");
            assert_eq!(groups(Route::Import, "{}"), [sent("", &[])]);
        }
        // Not at the top: it is somebody's trait.
        let nested = event("u", r#","traits":{"writeKey":"WK"}"#);
        assert_eq!(groups(Route::Identify, &nested), [sent("", &["u"])]);
    }

    #[test]
    fn an_events_own_key_goes_before_the_batchs() {
        let own = |user: &str, key: &str| event(user, &format!(r#","writeKey":"{key}""#));
        let batch = [own("a", "A"), event("b", ""), own("c", "A"), own("d", "D")].join(",");
        assert_eq!(
            groups(
                Route::Batch,
                &format!(r#"{{"batch":[{batch}],"writeKey":"WK"}}"#)
            ),
            [
                sent("WK", &["b"]),
                sent("A", &["a", "c"]),
                sent("D", &["d"])
            ]
        );
        // The same key in both places is one group, in the order of the batch.
        let same = groups(
            Route::Batch,
            &format!(r#"{{"batch":[{batch}],"writeKey":"A"}}"#),
        );
        assert_eq!(same[0], sent("A", &["a", "b", "c"]));
        assert_eq!(same[1], sent("A", &[]));
        // Without one beside the batch, those who name none are nobody's.
        let none = groups(Route::Batch, &format!(r#"{{"batch":[{batch}]}}"#));
        assert_eq!(none[0], sent("", &["b"]));
        let all = format!(r#"{{"batch":[{}]}}"#, own("a", "A"));
        let all = groups(Route::Batch, &all);
        assert!(all.iter().all(|(key, _)| key.as_deref() == Some("A")));
    }

    #[test]
    fn a_refusal_says_whose_request_it_is() {
        let refused = |body: &str| {
            let parsed = parse_by_write_key(Route::Batch, body.as_bytes(), |_, _, _| ());
            (
                parsed.groups[0].write_key.clone().map(Cow::into_owned),
                parsed.rejection,
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
        let parsed = parse_by_write_key(Route::Batch, many.as_bytes(), |_, _, _| ());
        assert_eq!(
            (parsed.groups.len(), parsed.rejection),
            (MAX_WRITE_KEYS + 1, None)
        );
        let more = batch(MAX_WRITE_KEYS + 1);
        let parsed = parse_by_write_key(Route::Batch, more.as_bytes(), |_, _, _| ());
        assert_eq!(parsed.rejection, Some(Rejection::TooManyWriteKeys));
    }

    #[test]
    fn what_is_ignored_is_told_with_its_place() {
        let body = r#"{"batch":[{"type":"track","userId":"a","writeKey":"A"},7],"writeKey":"WK"}"#;
        let mut told = Vec::new();
        let parsed = parse_by_write_key(Route::Batch, body.as_bytes(), |place, _, reason| {
            told.push((place, reason));
        });
        let keys = told
            .iter()
            .map(|(place, _)| parsed.groups[*place].write_key.as_deref());
        assert_eq!(keys.collect::<Vec<_>>(), [Some("A"), Some("WK")]);
        assert_eq!(told[1].1, Ignored::NotAnObject);
        assert_eq!(parsed.groups[1].ignored.total(), 1);
    }
}
