//! The rules by which a destination's profiles are written: `order`, `clock_tolerance`, `null_traits`, `nested`.

use kenwell::profile::{Nested, NullTraits, Order, Rules};

use super::keys::{Key, Kind, destination as key};
use super::table_reader::TableReader;
use super::values::Values;

/// What only has an effect together with something else.
pub(super) fn check(table: &TableReader<'_>) {
    if table.is_given(key::CLOCK_TOLERANCE) && !is_by_time(&table.values) {
        table.warning(
            key::CLOCK_TOLERANCE,
            "it has no effect in the order of arrival: the senders' clocks are not looked at",
            "set order = \"event_time\", or remove this line",
        );
    }
    if table.values.flag(key::JSON) {
        for key in [key::ORDER, key::NULL_TRAITS, key::NESTED] {
            if table.is_given(key) && others_of(key).contains(&&*table.values.text(key)) {
                table.error(
                    key,
                    "it is for profiles that are hashes: a JSON document is merged as a whole, and keeps its nulls",
                    "remove this line, or json",
                );
            }
        }
    }
    if is_by_time(&table.values) && !table.values.map(key::FIELD_TTL).is_empty() {
        table.error(
            key::FIELD_TTL,
            "with order = \"event_time\" a late event that changes nothing would renew the time of a field",
            "remove field_ttl, or order; ttl works with both",
        );
    }
}

/// The choices of a key but for the first one, which is its default.
fn others_of(key: &Key) -> &'static [&'static str] {
    match key.kind {
        Kind::Choice([_, others @ ..]) => others,
        _ => &[],
    }
}

/// The rules that a destination's values name.
pub(super) fn of(values: &Values) -> Rules {
    let order = if is_by_time(values) {
        Order::ByEventTime {
            clock_tolerance: values.duration(key::CLOCK_TOLERANCE),
        }
    } else {
        Order::ByArrival
    };
    let null_traits = match values.text(key::NULL_TRAITS).as_str() {
        "delete" => NullTraits::Delete,
        _ => NullTraits::Ignore,
    };
    let nested = match values.text(key::NESTED).as_str() {
        "replace" => Nested::Replace,
        _ => Nested::Merge,
    };
    Rules {
        order,
        null_traits,
        nested,
    }
}

fn is_by_time(values: &Values) -> bool {
    values.text(key::ORDER) == "event_time"
}
