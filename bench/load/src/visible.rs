//! Waits until every event is visible in Redis, and compares some of the hashes with what was sent.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    event::{self, Event},
    options::Options,
    redis::Redis,
    scrape::Counts,
    users::Users,
};

/// Pause between two looks: short against any run, and without weight for the servers.
const LOOK: Duration = Duration::from_millis(5);
/// Users whose hashes are compared.
const SAMPLES: u64 = 100;

/// When events were visible, since the beginning.
#[derive(Debug)]
pub(crate) struct Applied {
    /// When the first look found anything.
    pub(crate) first: Duration,
    /// When all was there.
    pub(crate) last: Duration,
}

/// Waits until Redis holds all users of each destination, and every event is written and none waits.
pub(crate) async fn wait(
    options: &Options,
    users: &Users,
    redis: &mut Redis,
    before: u64,
    started: Instant,
) -> anyhow::Result<Applied> {
    let wanted = users.distinct() * options.destinations;
    let deadline = Instant::now() + Duration::from_secs(options.timeout);
    let mut first = None;
    loop {
        let keys = redis.keys().await?;
        if keys > 0 {
            first.get_or_insert_with(|| started.elapsed());
        }
        if keys >= wanted {
            let counts = Counts::read(&options.metrics, &options.admin_key).await?;
            let written = counts.written.saturating_sub(before);
            if written == options.events * options.destinations && counts.queued == 0 {
                let last = started.elapsed();
                let found = redis.keys().await? - redis.own_keys().await?;
                anyhow::ensure!(
                    found == wanted,
                    "Redis holds {found} keys and should hold {wanted}"
                );
                let first = first.unwrap_or(last);
                return Ok(Applied { first, last });
            }
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "after {} seconds Redis holds {keys} of {wanted} keys, and the metrics are {:?}",
            options.timeout,
            Counts::read(&options.metrics, &options.admin_key).await?
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Compares the hashes of some users, from the first event to the last, with what was sent. How many.
pub(crate) async fn compare(
    options: &Options,
    event: &Event,
    users: &Users,
    redis: &mut Redis,
) -> anyhow::Result<u64> {
    let last = options.events - 1;
    let samples = SAMPLES.min(last + 1);
    for sample in 0..samples {
        let number = last * sample / samples.saturating_sub(1).max(1);
        let user = event::digits(users.of(number));
        let fields = event.fields().into_iter();
        let wanted: BTreeMap<_, _> = fields
            .map(|(name, value)| (name, value.replace(event::USER, &user)))
            .collect();
        let found = redis.hash(&event::key(&user)).await?;
        anyhow::ensure!(
            found == wanted,
            "{} is {found:?} and should be {wanted:?}",
            event::key(&user)
        );
    }
    Ok(samples)
}
