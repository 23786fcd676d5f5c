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

use crate::{
    connection::Connection,
    event::{self, Event},
    freshness::Watch,
    gateway::Gateway,
    options::Options,
    request::Request,
    schedule::Schedule,
    users::Users,
};

/// What was measured until the last acknowledgement.
#[derive(Debug)]
pub(crate) struct Acked {
    /// When the first request was sent.
    pub(crate) started: Instant,
    /// From then to the last answer.
    pub(crate) elapsed: Duration,
    /// Every request, in no order.
    pub(crate) times: Times,
}

/// When something happened.
#[derive(Debug, Default)]
pub(crate) struct Times {
    pub(crate) acks: Vec<Ack>,
    /// Events that are watched.
    pub(crate) watched: Vec<Watched>,
}

/// A request's answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ack {
    /// When the request was due or, without a rate, sent.
    pub(crate) due: Instant,
    /// From then to the last byte of the answer.
    pub(crate) took: Duration,
}

/// An event that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) number: u64,
    /// When its request was due or, without a rate, sent.
    pub(crate) due: Instant,
    /// When the answer to it was there.
    pub(crate) acked: Instant,
}

/// What all connections share.
#[derive(Debug)]
struct Work {
    next: AtomicU64,
    users: Arc<Users>,
    /// Number of all events, and of those of a request.
    events: u64,
    batch: u64,
    watch: Option<Arc<Watch>>,
    /// One event in so many is watched.
    watch_every: u64,
    schedule: Option<Schedule>,
}

/// One connection's share of the work.
struct Sender {
    connection: Connection,
    request: Request,
    work: Arc<Work>,
}

/// Sends all events.
pub(crate) async fn run(
    options: &Options,
    event: &Event,
    users: &Arc<Users>,
    watch: Option<Arc<Watch>>,
) -> anyhow::Result<Acked> {
    let gateway = Gateway::new(&options.url, options.ca.as_deref())?;
    let (requests, mut connections) = (requests(options, event, gateway.host()), Vec::new());
    for _ in 0..options.connections {
        connections.push(Connection::open(&gateway).await?);
    }
    let started = Instant::now();
    let batch = options.events_a_request();
    let schedule = (options.rate > 0)
        .then(|| Schedule::begin(started, options.rate, options.events, batch))
        .transpose()?;
    let work = Arc::new(Work {
        next: AtomicU64::new(0),
        users: Arc::clone(users),
        events: options.events,
        batch,
        watch,
        watch_every: options.watch_every.max(1),
        schedule,
    });
    let mut tasks: JoinSet<_> = connections
        .into_iter()
        .zip(requests.into_iter().cycle())
        .map(|(connection, request)| Sender {
            connection,
            request,
            work: Arc::clone(&work),
        })
        .map(Sender::send)
        .collect();
    let mut times = Times::default();
    while let Some(task) = tasks.join_next().await {
        let mut of_one = task??;
        times.acks.append(&mut of_one.acks);
        times.watched.append(&mut of_one.watched);
    }
    Ok(Acked {
        started,
        elapsed: started.elapsed(),
        times,
    })
}

/// A request of each source.
fn requests(options: &Options, event: &Event, host: &str) -> Vec<Request> {
    let request = |key: &String| Request::new(options, event, host, key);
    options.write_key.iter().map(request).collect()
}

impl Sender {
    /// Takes the next events and sends them, one request after the other, until none are left.
    async fn send(mut self) -> anyhow::Result<Times> {
        let mut times = Times::default();
        while self.work.is_left() {
            if let Some(schedule) = &self.work.schedule {
                schedule.wait().await?;
            }
            let first = self.work.next.fetch_add(self.work.batch, Ordering::Relaxed);
            if first >= self.work.events {
                break;
            }
            let watched = self.work.watch(first)?;
            let request = self.request.fill(first, &self.work.users)?;
            let schedule = self.work.schedule.as_ref();
            let due = schedule.map_or_else(Instant::now, |schedule| schedule.due(first));
            self.connection.exchange(request).await?;
            let acked = Instant::now();
            let took = acked.saturating_duration_since(due);
            times.acks.push(Ack { due, took });
            let watched = watched.map(|number| Watched { number, due, acked });
            times.watched.extend(watched);
        }
        Ok(times)
    }
}

impl Work {
    fn is_left(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.events
    }

    /// Begins to watch some events of the request that begins with `first`. Their numbers.
    fn watch(&self, first: u64) -> anyhow::Result<impl Iterator<Item = u64> + use<>> {
        let step = usize::try_from(self.watch_every)?;
        let end = self.watch.as_ref().map_or(first, |_| first + self.batch);
        let numbers = (first.next_multiple_of(self.watch_every)..end).step_by(step);
        if let Some(watch) = &self.watch {
            for number in numbers.clone() {
                let user = event::digits(self.users.of(number));
                watch
                    .event(number, event::key(&user))
                    .context("cannot watch an event in Redis")?;
            }
        }
        Ok(numbers)
    }
}
