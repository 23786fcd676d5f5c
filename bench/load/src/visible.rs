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
};

/// Pause between two looks: short against any run, and without weight for the servers.
const LOOK: Duration = Duration::from_millis(5);
/// Users whose hashes are compared.
const SAMPLES: u64 = 100;

/// Waits until Redis holds all users, and every event is written and none waits. Time since `started`.
pub(crate) async fn wait(
    options: &Options,
    redis: &mut Redis,
    before: Counts,
    started: Instant,
) -> anyhow::Result<Duration> {
    let users = options.users.min(options.events);
    let deadline = Instant::now() + Duration::from_secs(options.timeout);
    loop {
        let keys = redis.keys().await?;
        if keys >= users {
            let counts = Counts::read(&options.metrics, &options.admin_key).await?;
            if counts.written.saturating_sub(before.written) == options.events && counts.queued == 0
            {
                let elapsed = started.elapsed();
                let found = redis.keys().await? - redis.markers().await?;
                anyhow::ensure!(found == users, "Redis holds {found} keys for {users} users");
                return Ok(elapsed);
            }
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "after {} seconds Redis holds {keys} of {users} users, and the metrics are {:?}",
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
    redis: &mut Redis,
) -> anyhow::Result<u64> {
    let last = options.users.min(options.events) - 1;
    let samples = SAMPLES.min(last + 1);
    for sample in 0..samples {
        let number = last * sample / samples.saturating_sub(1).max(1);
        let user = event::digits(event::user_of(number, options.users));
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
