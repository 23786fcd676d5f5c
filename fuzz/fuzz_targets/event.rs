//! Any bytes as the body of any request: never a panic, and what is kept is what was sent.
#![no_main]

use kenwell_event::{Route, parse, parse_by_write_key};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for route in [Route::Identify, Route::Other, Route::Batch, Route::Import] {
        let parsed = parse(route, body, |_, _| ());
        let by_key = parse_by_write_key(route, body, |_, _, _| ());
        assert!(!by_key.groups.is_empty());
        let Ok(parsed) = parsed else {
            continue;
        };
        // The groups hold the same events together. Only too many keys are refused.
        if by_key.rejection.is_none() {
            let groups = by_key.groups.iter();
            let mut events: Vec<_> = groups.flat_map(|group| &group.identifies).collect();
            events.sort_by_key(|event| event.as_ptr());
            assert!(events.into_iter().eq(&parsed.identifies));
        }
        let range = body.as_ptr_range();
        for event in &parsed.identifies {
            let place = event.as_ptr_range();
            assert!(range.start <= place.start && place.end <= range.end);
            // Kept events are read again on the other side of the journal: they must read as one.
            let again = parse(Route::Identify, event, |_, _| ()).map(|parsed| parsed.identifies);
            assert_eq!(again.as_deref(), Ok(&[*event][..]));
        }
    }
});
