//! How long flattening one event takes, next to building a JSON tree of it.
//!
//! `cargo run --release -p kenwell --example flatten_speed`
#![allow(
    clippy::allow_attributes,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement that people run by hand"
)]

use std::hint::black_box;
use std::time::Instant;

use kenwell::profile::{Flattener, Layout, Prefix};

/// Many short rounds, and the best one counts: that one was not interrupted.
const ROUNDS: usize = 500;
const EVENTS: usize = 500;

/// The time of one call in the best round, in nanoseconds.
fn measure(name: &str, mut once: impl FnMut()) {
    let best = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            (0..EVENTS).for_each(|_| once());
            started.elapsed().as_nanos() as f64 / EVENTS as f64
        })
        .fold(f64::INFINITY, f64::min);
    println!("  {name:<44} {best:>7.0} ns");
}

fn main() {
    let eight = r#""name":"Ann Example","email":"ann@example.com","plan":"pro","age":42,"score":0.75,"active":true,"address":{"city":"Graz","zip":"8010"}"#;
    let flat = format!(
        r#"{{"type":"identify","userId":"user-123456","anonymousId":"0190a5d0-6b1f-7aaa-8000-1234567890ab","messageId":"0190a5d0-6b1f-7bbb-8000-1234567890ab","originalTimestamp":"2026-01-02T03:04:05.678Z","sentAt":"2026-01-02T03:04:06.000Z","context":{{"library":{{"name":"some-sdk","version":"1.2.3"}}}},"traits":{{{eight}}}}}"#
    );
    let both = format!(
        r#"{{"type":"identify","userId":"user-123456","messageId":"0190a5d0-6b1f-7bbb-8000-1234567890ab","context":{{"traits":{{{eight}}}}},"traits":{{{eight}}}}}"#
    );
    let arrays = format!(
        r#"{{"type":"identify","userId":"user-123456","messageId":"0190a5d0-6b1f-7bbb-8000-1234567890ab","traits":{{{eight},"tags":["a","b"],"cart":[{{"sku":"x","qty":2}},{{"sku":"y","qty":1}}]}}}}"#
    );
    let layout = Layout {
        prefix: Prefix::parse("shop"),
        workspace_id: "default".to_owned(),
        destination_id: "profiles".to_owned(),
        ..Layout::default()
    };
    let mut flattener = Flattener::default();
    for (name, event) in [
        ("eight traits", &flat),
        ("eight traits twice", &both),
        ("eight traits and two arrays", &arrays),
    ] {
        println!("{name}, {} bytes", event.len());
        let event = event.as_bytes();
        measure("kenwell: update, buffers reused", || {
            drop(black_box(
                flattener.update(black_box(event), &layout).unwrap(),
            ));
        });
        measure("kenwell: update, new buffers", || {
            drop(black_box(
                kenwell::profile::update(black_box(event), &layout).unwrap(),
            ));
        });
        measure("kenwell-json: skip only", || {
            black_box(kenwell_json::Reader::new(black_box(event)).skip().unwrap());
        });
        measure("serde_json: Value only", || {
            drop(black_box(
                serde_json::from_slice::<serde_json::Value>(black_box(event)).unwrap(),
            ));
        });
        measure("sonic-rs: Value only", || {
            drop(black_box(
                sonic_rs::from_slice::<sonic_rs::Value>(black_box(event)).unwrap(),
            ));
        });
    }
}
