//! Any bytes as an event, any text as a prefix: the same update twice, of a hash or a document, and every update has a key.
#![no_main]

use kenwell::profile::{DataType, Flattener, Layout, Prefix, update};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (prefix, event) = input;
    for data_type in [DataType::Hash, DataType::Json] {
        let layout = Layout {
            prefix: Prefix::parse(prefix),
            workspace_id: "w".to_owned(),
            destination_id: "d".to_owned(),
            data_type,
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
}
