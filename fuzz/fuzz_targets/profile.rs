//! Any bytes as an event, any text as a prefix, under each kind of rules: the same update twice, and every update has a key.
#![no_main]

use std::time::Duration;

use kenwell::profile::{
    DataType, Flattener, Layout, Nested, NullTraits, Order, Prefix, Rules, update,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (prefix, event) = input;
    let all = Rules {
        order: Order::ByEventTime {
            clock_tolerance: Duration::from_secs(300),
        },
        null_traits: NullTraits::Delete,
        nested: Nested::Replace,
    };
    for (data_type, rules) in [
        (DataType::Hash, Rules::default()),
        (DataType::Hash, all),
        (DataType::Json, Rules::default()),
    ] {
        let layout = Layout {
            prefix: Prefix::parse(prefix),
            workspace_id: "w".to_owned(),
            destination_id: "d".to_owned(),
            data_type,
            rules,
        };
        check(event, &layout);
    }
});

fn check(event: &[u8], layout: &Layout) {
    let mut flattener = Flattener::default();
    let first = flattener.update(event, layout);
    let reused = flattener.update(event, layout);
    let fresh = update(event, layout);
    match (&first, &reused, &fresh) {
        (Ok(first), Ok(reused), Ok(fresh)) => {
            assert!(!first.key().is_empty());
            // Whatever is wanted of a patch can be read again.
            assert_eq!(first.retain(|_| true).as_ref(), Some(first));
            assert_eq!([first, first], [reused, fresh]);
        }
        (Err(first), Err(reused), Err(fresh)) => {
            assert_eq!([first, first], [reused, fresh]);
        }
        _ => panic!("the same event gave an update and none"),
    }
}
