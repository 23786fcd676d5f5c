//! All connections at work, until every event is acknowledged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::task::JoinSet;

use crate::{connection::Connection, event::Event, options::Options, request::Request};

/// What was measured until the last acknowledgement.
#[derive(Debug)]
pub(crate) struct Acked {
    /// When the first request was sent.
    pub(crate) started: Instant,
    /// From then to the last answer.
    pub(crate) elapsed: Duration,
    /// Every request's time from its first byte out to its last byte in, in no order.
    pub(crate) latencies: Vec<Duration>,
}

/// One connection's share of the work.
struct Sender {
    connection: Connection,
    request: Request,
    next: Arc<AtomicU64>,
    /// Number of all events, events of a request, distinct users.
    events: u64,
    batch: u64,
    users: u64,
    /// Events a second of all connections together; 0 is no limit.
    rate: u64,
}

/// Sends all events.
pub(crate) async fn run(options: &Options, event: &Event) -> anyhow::Result<Acked> {
    let host = options
        .url
        .strip_prefix("http://")
        .context("--url must begin with http://")?
        .trim_end_matches('/');
    let next = Arc::new(AtomicU64::new(0));
    let request = Request::new(options, event, host);
    let mut senders = Vec::new();
    for _ in 0..options.connections {
        senders.push(Sender {
            connection: Connection::open(host).await?,
            request: request.clone(),
            next: Arc::clone(&next),
            events: options.events,
            batch: options.events_a_request(),
            users: options.users,
            rate: options.rate,
        });
    }
    let started = Instant::now();
    let mut tasks: JoinSet<_> = senders
        .into_iter()
        .map(|sender| sender.send(started))
        .collect();
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.append(&mut task??);
    }
    Ok(Acked {
        started,
        elapsed: started.elapsed(),
        latencies,
    })
}

impl Sender {
    /// Takes the next events and sends them, one request after the other, until none are left.
    async fn send(mut self, started: Instant) -> anyhow::Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        loop {
            let first = self.next.fetch_add(self.batch, Ordering::Relaxed);
            if first >= self.events {
                return Ok(latencies);
            }
            if let Some(nanoseconds) = first.saturating_mul(1_000_000_000).checked_div(self.rate) {
                let due = started + Duration::from_nanos(nanoseconds);
                tokio::time::sleep_until(due.into()).await;
            }
            let request = self.request.fill(first, self.users)?;
            let sent = Instant::now();
            self.connection.exchange(request).await?;
            latencies.push(sent.elapsed());
        }
    }
}
