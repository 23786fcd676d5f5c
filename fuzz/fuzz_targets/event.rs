//! Any bytes as the body of any request: never a panic, and what is kept is what was sent.
#![no_main]

use kenwell_event::{Route, parse, parse_shares};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for route in [Route::Identify, Route::Other, Route::Batch, Route::Import] {
        let parsed = parse(route, body);
        let shared = parse_shares(route, body, |_, _, _| ());
        assert!(!shared.shares.is_empty());
        let Ok(parsed) = parsed else {
            continue;
        };
        // Whoever is named, what they sent is the same. Only too many of them are refused.
        if shared.refused.is_none() {
            let mut shares: Vec<_> = shared.shares.iter().flat_map(|it| &it.identifies).collect();
            shares.sort_by_key(|event| event.as_ptr());
            assert!(shares.into_iter().eq(&parsed.identifies));
        }
        let range = body.as_ptr_range();
        for event in &parsed.identifies {
            let place = event.as_ptr_range();
            assert!(range.start <= place.start && place.end <= range.end);
            // Kept events are read again on the other side of the journal: they must read as one.
            let again = parse(Route::Identify, event).map(|parsed| parsed.identifies);
            assert_eq!(again.as_deref(), Ok(&[*event][..]));
        }
    }
});
