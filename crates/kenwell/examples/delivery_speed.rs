//! Writes batches of events to a Redis as a delivery does, to count instructions:
//! flatten, fold, encode, send, read the replies.
//!
//! `valgrind --tool=callgrind target/release/examples/delivery_speed redis://127.0.0.1:6379 100`
#![allow(
    clippy::allow_attributes,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement that people run by hand"
)]

use kenwell::connection::{Connection, Settings};
use kenwell::profile::{Flattener, Fold, Layout, Writer};

/// Events in a batch, one user each.
const EVENTS: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let batches: usize = arguments[2].parse().unwrap();
    let settings = Settings::from_url(&arguments[1]).unwrap();
    let mut writer = Writer::new(Connection::new(settings).unwrap().named("delivery-speed"));
    let layout = Layout::default();
    let mut flattener = Flattener::default();
    let mut event = br#"{"type":"identify","userId":"user-00000000","anonymousId":"0190a5d0-6b1f-7aaa-8000-1234567890ab","messageId":"0190a5d0-6b1f-7bbb-8000-1234567890ab","originalTimestamp":"2026-01-02T03:04:05.678Z","sentAt":"2026-01-02T03:04:06.000Z","context":{"library":{"name":"some-sdk","version":"1.2.3"}},"traits":{"name":"Ann Example","email":"ann@example.com","plan":"pro","age":42,"score":0.75,"active":true,"address":{"city":"Graz","zip":"8010"}}}"#.to_vec();
    let digits = 34..42;
    assert_eq!(&event[digits.clone()], b"00000000");
    for batch in 0..batches {
        let mut fold = Fold::default();
        for index in 0..EVENTS {
            let mut user = batch * EVENTS + index;
            for digit in event[digits.clone()].iter_mut().rev() {
                *digit = b'0' + u8::try_from(user % 10).unwrap();
                user /= 10;
            }
            fold.push(index, flattener.update(&event, &layout).unwrap());
        }
        let results = writer.attempt(&fold.finish()).await;
        assert!(results.iter().all(Result::is_ok));
    }
    println!("{} events", batches * EVENTS);
}
