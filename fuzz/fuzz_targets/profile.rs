//! Any bytes as an event, any text as a prefix: the same update twice, and every field has a name.
#![no_main]

use kenwell::profile::{Flattener, Layout, Prefix, update};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (prefix, event) = input;
    let layout = Layout {
        prefix: Prefix::parse(prefix),
        workspace_id: "w".to_owned(),
        destination_id: "d".to_owned(),
        ..Layout::default()
    };
    let mut flattener = Flattener::default();
    let first = flattener.update(event, &layout);
    let reused = flattener.update(event, &layout);
    let fresh = update(event, &layout);
    match (&first, &reused, &fresh) {
        (Ok(first), Ok(reused), Ok(fresh)) => {
            assert!(!first.key().is_empty());
            for other in [reused, fresh] {
                assert_eq!(first.key(), other.key());
                assert!(first.fields().eq(other.fields()));
            }
        }
        (Err(first), Err(reused), Err(fresh)) => {
            assert_eq!([first, first], [reused, fresh]);
        }
        _ => panic!("the same event gave an update and none"),
    }
});
