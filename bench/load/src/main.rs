//! Sends identify events to a running Kenwell as fast as it takes them, waits until all are visible in
//! Redis, and prints what it measured as one line of JSON.

mod connection; // one keep-alive connection to the gateway
mod drive; // all connections at work, until every event is acknowledged
mod event; // an identify as SDKs make it, with places for its user and its number
mod options; // the command line
mod redis; // the few Redis commands the proof needs
mod report; // measurements as JSON
mod request; // a whole HTTP request, written once and patched for every send
mod scrape; // Kenwell's /metrics
mod visible; // waits for the events in Redis, and looks at some of them

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use options::Options;

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
    let event = event::Event::new(options.fields);
    let line = if options.print_hset {
        serde_json::to_string(&event.hset())?
    } else {
        options.validate()?;
        // One thread: the generator must leave the machine to what is measured.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(measure(options, &event))?.to_string()
    };
    writeln!(std::io::stdout(), "{line}").context("cannot write the result")
}

async fn measure(options: &Options, event: &event::Event) -> anyhow::Result<serde_json::Value> {
    let mut redis = redis::Redis::connect(&options.redis).await?;
    let keys = redis.keys().await? - redis.markers().await?;
    anyhow::ensure!(
        keys == 0,
        "Redis at {} holds {keys} keys; run against an empty one",
        options.redis
    );
    let before = scrape::Counts::read(&options.metrics, &options.admin_key).await?;

    let acked = drive::run(options, event).await?;
    let applied = visible::wait(options, &mut redis, before, acked.started).await?;
    let checked = visible::compare(options, event, &mut redis).await?;
    Ok(report::report(options, event, acked, applied, checked))
}
