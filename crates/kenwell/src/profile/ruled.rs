//! From an event's fields to an update by the rules of a destination: what it removes, and its stamp.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::event_time::NamedTimes;
use super::field::Field;
use super::fields::Fields;
use super::merge::{MergeGroup, at_and_above};
use super::merge_fold;
use super::rules::{Nested, NullTraits, Order};
use super::stamp::{Receipt, Stamp};
use super::{ProfileUpdate, Rules};

/// The place of an event in the order of events; `None` where that is the order of arrival.
pub(super) fn stamp(rules: &Rules, times: NamedTimes, receipt: &Receipt<'_>) -> Option<Stamp> {
    let Order::ByEventTime { clock_tolerance } = rules.order else {
        return None;
    };
    let event_ms = times.event_time(receipt, clock_tolerance);
    Some(Stamp::new(event_ms, receipt.received_at_ms, receipt.offset))
}

/// What an event does by these rules to the profile `key`. The first `of_context` of its fields are from
/// `context.traits`, the others from `traits`.
pub(super) fn update(
    key: &[u8],
    fields: &Fields,
    (list, of_context): (&[Field], usize),
    (rules, times): (&Rules, NamedTimes),
    receipt: &Receipt<'_>,
) -> ProfileUpdate {
    let text = &fields.text;
    let deletes = rules.null_traits == NullTraits::Delete;
    let nulls = |list: &[Field]| -> Vec<Box<[u8]>> {
        let nulls = list.iter().filter_map(|field| field.null(text));
        nulls.filter(|_| deletes).map(Box::from).collect()
    };
    let (context, top) = list.split_at_checked(of_context).unwrap_or((&[], list));
    let mut removals = nulls(top);
    // A null in `traits` also hides what `context.traits` has below its name.
    let hiding: HashSet<&[u8], RandomState> = removals.iter().map(|null| &**null).collect();
    let is_hidden = |name: &[u8]| at_and_above(name).any(|above| hiding.contains(above));
    let shown = context.iter().filter_map(|field| field.written(text));
    let shown = shown.filter(|(name, _)| hiding.is_empty() || !is_hidden(name));
    let mut written: Vec<_> = shown.collect();
    written.extend(top.iter().filter_map(|field| field.written(text)));
    removals.append(&mut nulls(context));
    if rules.nested == Nested::Replace {
        removals.extend(fields.roots().map(Box::from));
    }
    let stamp = stamp(rules, times, receipt);
    if stamp.is_none() && removals.is_empty() {
        return ProfileUpdate::new(key, || written.iter().copied());
    }
    let group = MergeGroup {
        stamp,
        source: receipt.source.into(),
        fields: 0,
        removals,
    };
    merge_fold::of_event(key, written, group)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::profile::{Flattener, Ignored, Layout};

    const BY_TIME: Order = Order::ByEventTime {
        clock_tolerance: Duration::from_mins(5),
    };

    fn layout(order: Order, null_traits: NullTraits, nested: Nested) -> Layout {
        let rules = Rules {
            order,
            null_traits,
            nested,
        };
        Layout {
            rules,
            ..Layout::default()
        }
    }

    fn read(event: &str, layout: &Layout) -> Result<ProfileUpdate, Ignored> {
        let receipt = Receipt {
            source: "web",
            offset: 7,
            received_at_ms: 1_700_000_000_500,
            sent_at_ms: None,
        };
        Flattener::default().received(event.as_bytes(), layout, &receipt)
    }

    /// What it removes and what it sets.
    fn shown(traits: &str, layout: &Layout) -> (Vec<String>, Vec<String>) {
        let update = read(&format!(r#"{{"userId":"u",{traits}}}"#), layout).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let fields = update.fields();
        (
            update.removals().map(text).collect(),
            fields
                .map(|(name, value)| format!("{}={}", text(name), text(value)))
                .collect(),
        )
    }

    fn expect(traits: &str, layout: &Layout, removals: &[&str], fields: &[&str]) {
        let (removed, set) = shown(traits, layout);
        assert_eq!(
            (&removed[..], &set[..]),
            (&to_owned(removals)[..], &to_owned(fields)[..]),
            "{traits}"
        );
    }

    fn to_owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nulls_remove_by_the_rule_and_otherwise_write_nothing() {
        let delete = layout(Order::ByArrival, NullTraits::Delete, Nested::Merge);
        let ignore = Layout::default();
        for (traits, removals, fields) in [
            (r#""traits":{"a":null,"b":1}"#, &["a"][..], &["b=1"][..]),
            (
                r#""traits":{"a":{"b":null,"c":{}},"d":[null]}"#,
                &["a.b"],
                &["d=[null]"],
            ),
            (r#""traits":{"a":null,"a":2}"#, &[], &["a=2"]),
            (r#""traits":{"a":2,"a":null}"#, &["a"], &[]),
            (
                r#""context":{"traits":{"a":null}},"traits":{"a":2}"#,
                &[],
                &["a=2"],
            ),
            (
                r#""context":{"traits":{"a":2,"b":1}},"traits":{"a":null}"#,
                &["a"],
                &["b=1"],
            ),
            (
                r#""context":{"traits":{"a":{"x":1}}},"traits":{"a":null}"#,
                &["a"],
                &[],
            ),
            (
                r#""context":{"traits":{"a":null}},"traits":{"a":{"x":1}}"#,
                &["a"],
                &["a.x=1"],
            ),
        ] {
            expect(traits, &delete, removals, fields);
            let plain = read(&format!(r#"{{"userId":"u",{traits}}}"#), &ignore);
            assert!(
                plain.is_err() || plain.unwrap().merge().is_none(),
                "{traits}"
            );
        }
        let nothing = read(r#"{"userId":"u","traits":{"a":null}}"#, &ignore);
        assert_eq!(nothing, Err(Ignored::NoTraits));
    }

    #[test]
    fn a_trait_takes_the_place_of_what_stood_under_its_name() {
        let replace = layout(Order::ByArrival, NullTraits::Ignore, Nested::Replace);
        for (traits, removals, fields) in [
            (
                r#""traits":{"a":{"b":{"c":1}},"d":2}"#,
                &["a", "d"][..],
                &["a.b.c=1", "d=2"][..],
            ),
            (
                r#""traits":{"a":{},"b.c":1,"n":null}"#,
                &["a", "b.c"],
                &["b.c=1"],
            ),
            (
                r#""context":{"traits":{"a":{"x":1}}},"traits":{"a":{"y":2}}"#,
                &["a"],
                &["a.x=1", "a.y=2"],
            ),
        ] {
            expect(traits, &replace, removals, fields);
        }
    }

    #[test]
    fn without_anything_to_remove_an_update_in_the_order_of_arrival_is_plain() {
        let delete = layout(Order::ByArrival, NullTraits::Delete, Nested::Merge);
        let event = r#"{"userId":"u","traits":{"b":1,"a":2}}"#;
        assert_eq!(read(event, &delete), read(event, &Layout::default()));
    }

    #[test]
    fn the_stamp_is_of_the_event_and_its_receipt() {
        let layout = layout(BY_TIME, NullTraits::Ignore, Nested::Merge);
        let stamp = |event: &str| {
            let update = read(event, &layout).unwrap();
            let group = &update.merge().unwrap().groups[0];
            assert_eq!(&*group.source, "web");
            group.stamp.unwrap()
        };
        let named = r#"{"originalTimestamp":"2023-11-14T22:13:20Z","userId":"u","traits":{"a":1}}"#;
        let expected = Stamp::new(1_700_000_000_000, 1_700_000_000_500, 7);
        assert_eq!(stamp(named), expected);
        let nested = r#"{"context":{"traits":{"a":1},"timestamp":1},"userId":"u","sentAt":"x"}"#;
        assert_eq!(stamp(nested).event_ms, 1_700_000_000_500);
        let model = r#"{"userId":"u","traits":{"a":1},"timestamp":1700000000000,"context":{"sources":
            {"profiles_entity":"e","profiles_id_type":"i","profiles_model":"m"}}}"#;
        assert_eq!(stamp(model), expected);
    }
}
