//! `kenwell top`: what the running server does, on one screen that is drawn anew.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use super::config_option::ConfigOption;
use super::exit::Failure;
use super::output;
use super::screen::Screen;
use super::server::{Server, ServerOptions};
use super::{signals, top_text};
use crate::config;

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest one.
const LONGEST: Duration = Duration::from_hours(1);

#[derive(Debug, Args)]
pub(super) struct TopOptions {
    #[command(flatten)]
    config: ConfigOption,
    #[command(flatten)]
    server: ServerOptions,
    /// Time between two looks, which rates are measured over, 200ms to 1h
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = interval)]
    interval: Duration,
    /// Print it once and end
    #[arg(long)]
    once: bool,
    /// Print JSON, a line for each look
    #[arg(long)]
    json: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = config::duration(text).filter(|it| (SHORTEST..=LONGEST).contains(it));
    interval.ok_or_else(|| "write a time from 200ms to 1h, such as 2s".to_owned())
}

/// Shows the server until a signal, or once.
pub(super) async fn top(arguments: &TopOptions) -> Result<(), Failure> {
    let stop = signals::interrupted()?;
    let server = arguments.server.find(&arguments.config)?;
    let showing = Box::pin(show(arguments, &server));
    match stop.run_until_cancelled(showing).await {
        Some(ended) => ended,
        None => Ok(()),
    }
}

async fn show(arguments: &TopOptions, server: &Server) -> Result<(), Failure> {
    let mut before = look(server).await?;
    let is_redrawn = !arguments.once && !arguments.json && std::io::stdout().is_terminal();
    let screen = is_redrawn.then(Screen::open).transpose()?;
    loop {
        tokio::time::sleep(arguments.interval).await;
        let now = match look(server).await {
            Ok(now) => now,
            // A server that is started again comes back on the same screen.
            Err(failure) => match (&screen, failure.message()) {
                (Some(screen), Some(message)) => {
                    screen.draw(&message)?;
                    continue;
                }
                _ => return Err(failure),
            },
        };
        let shown = with_rates(&before, &now);
        match &screen {
            _ if arguments.json => output::json(&shown)?,
            Some(screen) => screen.draw(&top_text::text(&shown, server.url()))?,
            None => output::line(top_text::text(&shown, server.url()))?,
        }
        if arguments.once {
            return Ok(());
        }
        before = now;
    }
}

/// The overview and the sources of one moment.
struct Look {
    at: Instant,
    overview: Value,
    sources: Value,
}

async fn look(server: &Server) -> Result<Look, Failure> {
    let (overview, sources) = tokio::try_join!(server.get("/overview"), server.get("/sources"))?;
    Ok(Look {
        at: Instant::now(),
        overview,
        sources,
    })
}

/// The overview of the API with `sources`, and with how much came and was written in a second. `null` stands for a rate
/// that is not known: of what is new, and after a restart.
fn with_rates(before: &Look, now: &Look) -> Value {
    let seconds = now.at.duration_since(before.at).as_secs_f64();
    let sources = list(&now.sources, "sources").map(|source| {
        let earlier = find(&before.sources, "sources", source);
        json!({
            "id": source.get("id"),
            "enabled": source.get("enabled"),
            "accepted": source.get("accepted"),
            "accepted_per_second": rate(earlier, source, "accepted", seconds),
            "last_seen_at": source.get("last_seen_at"),
        })
    });
    let sources: Vec<Value> = sources.collect();
    let destinations = list(&now.overview, "destinations").map(|destination| {
        let earlier = find(&before.overview, "destinations", destination);
        let written = rate(earlier, destination, "written", seconds);
        let mut shown = destination.as_object().cloned().unwrap_or_default();
        shown.insert("written_per_second".to_owned(), written);
        Value::Object(shown)
    });
    let destinations: Vec<Value> = destinations.collect();
    let mut shown: Map<String, Value> = now.overview.as_object().cloned().unwrap_or_default();
    shown.remove("configuration");
    shown.insert("seconds".to_owned(), json!(thousandths(seconds)));
    shown.insert("sources".to_owned(), Value::Array(sources));
    shown.insert("destinations".to_owned(), Value::Array(destinations));
    Value::Object(shown)
}

fn list<'a>(page: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    page.get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn find<'a>(page: &'a Value, name: &str, same: &Value) -> Option<&'a Value> {
    list(page, name).find(|one| one.get("id") == same.get("id"))
}

fn rate(before: Option<&Value>, now: &Value, name: &str, seconds: f64) -> Value {
    let count = |one: &Value| one.get(name).and_then(Value::as_u64);
    let more = before
        .and_then(count)
        .zip(count(now))
        .and_then(|(before, now)| now.checked_sub(before));
    // Exact up to 4 billion in one look, which nobody reaches.
    let more = more
        .and_then(|more| u32::try_from(more).ok())
        .map(f64::from);
    json!(more.map(|more| thousandths(more / seconds)))
}

fn thousandths(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(after: u64, accepted: u64, written: u64) -> Look {
        Look {
            at: Instant::now() + Duration::from_secs(after),
            overview: json!({
                "now": "t", "configuration": {},
                "destinations": [{ "id": "profiles", "state": "up", "written": written }],
            }),
            sources: json!({ "sources": [
                { "id": "web", "enabled": true, "accepted": accepted, "write_key": "WK", "last_seen_at": null },
            ] }),
        }
    }

    #[test]
    fn rates_are_of_the_time_between_two_looks() {
        let start = look(0, 10, 5);
        let later = Look {
            at: start.at + Duration::from_secs(2),
            ..look(0, 13, 25)
        };
        let shown = with_rates(&start, &later);
        assert_eq!(shown["seconds"], 2.0);
        assert_eq!(shown["sources"][0]["accepted_per_second"], 1.5);
        assert_eq!(shown["destinations"][0]["written_per_second"], 10.0);
        assert_eq!(shown["destinations"][0]["state"], "up");
        assert!(!shown.to_string().contains("WK"), "{shown}");
        // It was started again.
        let restarted = with_rates(&later, &look(9, 1, 1));
        assert!(restarted["sources"][0]["accepted_per_second"].is_null());
    }
}
