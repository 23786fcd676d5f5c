//! Sends identify events to a running Kenwell, as fast as it takes them or at a rate, waits until all are visible in
//! Redis, and prints what it measured as one line of JSON.

mod connection; // one keep-alive connection to the gateway
mod drive; // all connections at work, until every event is acknowledged
mod event; // an identify as SDKs make it, with places for its user and its number
mod freshness; // Redis tells when an event is visible
mod gateway; // where the gateway is, and TLS
mod options; // the command line
mod redis; // the few Redis commands the proof needs
mod report; // measurements as JSON
mod request; // a whole HTTP request, written once and patched for every send
mod schedule; // when requests are due
mod scrape; // Kenwell's /metrics
mod users; // whose events they are
mod visible; // waits for the events in Redis, and looks at some of them

use std::{io::Write, process::ExitCode, sync::Arc, time::Instant};

use anyhow::Context;
use clap::Parser;
use serde_json::{Map, Value};

use drive::Acked;
use event::Event;
use freshness::{VisibleTimes, Watch};
use options::{Options, Part};
use redis::Redis;
use scrape::Counts;
use users::Users;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace that returning the error would print: the chain says enough.
            let told = writeln!(std::io::stderr(), "kenwell-bench-load: {error:#}");
            ExitCode::from(1 + u8::from(told.is_err()))
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let event = Event::new(options.shape, options.fields);
    let line = if options.print_hset {
        serde_json::to_string(&event.hset())?
    } else {
        options.validate()?;
        // One thread: the generator must leave the machine to what is measured.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        serde_json::to_string(&runtime.block_on(measure(options, &event))?)?
    };
    writeln!(std::io::stdout(), "{line}").context("cannot write the result")
}

async fn measure(options: &Options, event: &Event) -> anyhow::Result<Map<String, Value>> {
    let users = Arc::new(Users::new(options)?);
    let mut all = report::sent(options, event, &users);
    match options.part {
        Part::Send => {
            let acked = drive::run(options, event, &users, None).await?;
            all.append(&mut report::acked(options, &acked));
        }
        Part::Wait => {
            let mut redis = Redis::connect(&options.redis).await?;
            let started = Instant::now();
            let applied = visible::wait(options, &users, &mut redis, 0, started).await?;
            let compared = visible::compare(options, event, &users, &mut redis).await?;
            all.append(&mut report::applied(options, &applied, compared));
        }
        Part::All => {
            let mut redis = empty_redis(options).await?;
            let before = Counts::read(&options.metrics, &options.admin_key).await?;
            let (acked, visible) = send(options, event, &users, &mut redis, before.written).await?;
            let compared = visible::compare(options, event, &users, &mut redis).await?;
            let (applied, times) = visible;
            all.append(&mut report::acked(options, &acked));
            all.append(&mut report::applied(options, &applied, compared));
            if let Some(times) = times {
                all.append(&mut report::freshness(&acked, &times)?);
            }
        }
    }
    Ok(all)
}

/// Sends everything and waits until it is visible; and when the watched events were.
async fn send(
    options: &Options,
    event: &Event,
    users: &Arc<Users>,
    redis: &mut Redis,
    before: u64,
) -> anyhow::Result<(Acked, (visible::Applied, Option<VisibleTimes>))> {
    let watch = (options.watch_every > 0)
        .then(|| Watch::begin(&options.redis).map(Arc::new))
        .transpose()?;
    let acked = drive::run(options, event, users, watch.clone()).await?;
    let applied = visible::wait(options, users, redis, before, acked.started).await?;
    // All connections have ended, so this one is the last that has it.
    let times = watch
        .and_then(Arc::into_inner)
        .map(Watch::end)
        .transpose()?;
    Ok((acked, (applied, times)))
}

async fn empty_redis(options: &Options) -> anyhow::Result<Redis> {
    let mut redis = Redis::connect(&options.redis).await?;
    let keys = redis.keys().await? - redis.own_keys().await?;
    anyhow::ensure!(
        keys == 0,
        "Redis at {} holds {keys} keys; run against an empty one",
        options.redis
    );
    Ok(redis)
}
