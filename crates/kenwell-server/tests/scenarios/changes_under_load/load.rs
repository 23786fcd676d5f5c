//! One source's events: batches on one connection, at a steady rate, each remembered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::History;
use crate::support::Client;

/// Events in a request.
const BATCH: usize = 25;
/// Time between two requests of a source: with four sources 5,000 events a second.
const PACE: Duration = Duration::from_millis(20);
/// Events of a source at that rate. After those it sends a tenth, so that a slow machine gets done with
/// the edits.
const FAST: usize = 25_000;

/// An event that was answered with 200.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) source: usize,
    /// The phase before it was sent, and after it was answered.
    pub(super) before: u64,
    pub(super) after: u64,
}

pub(super) struct Load {
    thread: JoinHandle<Vec<(String, Sent)>>,
}

impl Load {
    pub(super) fn start(
        gateway: &str,
        source: usize,
        history: &Arc<History>,
        stop: &Arc<AtomicBool>,
    ) -> Self {
        let (gateway, history, stop) = (gateway.to_owned(), Arc::clone(history), Arc::clone(stop));
        let thread = std::thread::spawn(move || {
            let mut client = Client::connect(&gateway);
            let mut sent = Vec::new();
            let begun = Instant::now();
            let mut due = Duration::ZERO;
            while !stop.load(Ordering::SeqCst) {
                let users: Vec<_> = (0..BATCH)
                    .map(|number| format!("s{source}-{}", sent.len() + number))
                    .collect();
                let before = history.phase();
                let reply = client.post_as(&key(source), "/v1/batch", "", body(&users).as_bytes());
                let after = history.phase();
                assert_eq!(reply.expect("an answer").status, 200);
                sent.extend(users.into_iter().map(|user| {
                    let sent = Sent {
                        source,
                        before,
                        after,
                    };
                    (user, sent)
                }));
                due += if sent.len() < FAST { PACE } else { PACE * 10 };
                std::thread::sleep(due.saturating_sub(begun.elapsed()));
            }
            sent
        });
        Self { thread }
    }

    pub(super) fn finish(self) -> Vec<(String, Sent)> {
        self.thread
            .join()
            .expect("every request was answered with 200")
    }
}

/// A source's write key.
pub(super) fn key(source: usize) -> String {
    format!("KEY{source}")
}

fn body(users: &[String]) -> String {
    let event = |user: &String| {
        format!("{{\"type\":\"identify\",\"userId\":\"{user}\",\"traits\":{{\"n\":\"{user}\"}}}}")
    };
    let events: Vec<_> = users.iter().map(event).collect();
    format!("{{\"batch\":[{}]}}", events.join(","))
}
