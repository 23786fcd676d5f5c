//! Any bytes as the body of any request: never a panic, and what is kept is what was sent.
#![no_main]

use kenwell_event::{Route, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for route in [Route::Identify, Route::Other, Route::Batch, Route::Import] {
        let Ok(parsed) = parse(route, body) else {
            continue;
        };
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
