//! `kenwell replay`: by the running server, or in the journal's files while none runs.

use std::time::Duration;

use clap::Args;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::config_option::ConfigOption;
use super::destination::choose;
use super::exit::Failure;
use super::output;
use super::progress::Progress;
use super::server::{Server, ServerOptions};
use crate::config::{self, Config, is_id};
use crate::repetition;
use crate::runtime::rewind;
use crate::serve::open_journal;

/// How often a server is asked how far a replay has come.
const POLL: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct Replay {
    #[command(flatten)]
    config: ConfigOption,
    #[command(flatten)]
    server: ServerOptions,
    /// Which destination; can be left out when there is only one
    #[arg(long, value_name = "ID")]
    destination: Option<String>,
    /// From when on: a time (2026-11-22T14:00:00Z), or how long ago (2h, 90m, 1d)
    #[arg(long, value_name = "TIME", value_parser = super::replay::from)]
    from: jiff::Timestamp,
    /// Wait until the running server has delivered them all again
    #[arg(long)]
    wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Moves a destination's cursor back.
pub(super) async fn replay(arguments: &Replay) -> Result<(), Failure> {
    if arguments.server.names_one() {
        let server = arguments.server.find(&arguments.config)?;
        return by_server(arguments, &server).await;
    }
    let config = arguments.config.load()?;
    let journal = config.data_dir.join("journal");
    if kenwell_journal::is_in_use(&journal).map_err(anyhow::Error::from)? {
        choose(&config, arguments.destination.as_deref())?;
        let server = arguments.server.of(&config)?;
        return by_server(arguments, &server).await;
    }
    in_files(arguments, &config).await
}

async fn in_files(arguments: &Replay, config: &Config) -> Result<(), Failure> {
    let destination = choose(config, arguments.destination.as_deref())?;
    let id = &destination.id;
    if !config.data_dir.join("journal").is_dir() {
        return Err(Failure::failed(
            "there is no journal yet: no server has run here",
        ));
    }
    if arguments.wait {
        return Err(Failure::Usage(
            "error: --wait: no server runs that could deliver\n  fix: start it first (kenwell serve), or leave --wait out"
                .into(),
        ));
    }
    let journal = open_journal(config)?;
    let known = journal
        .stats()
        .cursors
        .iter()
        .any(|cursor| cursor.name == *id);
    if !known {
        let reason = format!("no server has run with the destination \"{id}\" yet");
        return Err(Failure::failed(reason));
    }
    let records = rewind(&journal, config, id, arguments.from).await;
    let closed = journal.close().await;
    let records = records.map_err(anyhow::Error::from)?;
    closed.map_err(anyhow::Error::from)?;
    told(
        arguments,
        id,
        records,
        "will be delivered to",
        "again when the server starts",
    )?;
    note(
        arguments,
        repetition::of_replay(&config.layout(destination)),
    )
}

/// What delivering again does to newer values.
fn note(arguments: &Replay, note: &str) -> Result<(), Failure> {
    if arguments.json {
        return Ok(());
    }
    output::line(note)
}

async fn by_server(arguments: &Replay, server: &Server) -> Result<(), Failure> {
    let all = server.get("/destinations").await?;
    let id = chosen(&all, arguments.destination.as_deref())?;
    let path = format!("/destinations/{id}/replay");
    let body = json!({ "from": arguments.from.to_string() });
    let replayed = server.call_slowly(Method::POST, &path, Some(&body)).await?;
    let records = replayed.get("records").and_then(Value::as_u64);
    let records = records.unwrap_or_default();
    let effect = replayed.get("note").and_then(Value::as_str);
    let effect = || effect.map_or(Ok(()), |effect| note(arguments, effect));
    if !arguments.wait {
        let what = "to deliver to";
        told(arguments, &id, records, what, "again")?;
        return effect();
    }
    wait(server, &id).await?;
    told(arguments, &id, records, "delivered to", "again")?;
    effect()
}

/// Waits until all has an outcome that was accepted for the destination by now: what is delivered again comes first.
async fn wait(server: &Server, id: &str) -> Result<(), Failure> {
    let first = Counts::of(server, id).await?;
    let waiting = first.accepted.saturating_sub(first.outcomes);
    let progress = Progress::new("delivering again", waiting);
    let mut now = first.clone();
    while now.outcomes < first.accepted {
        progress.show(now.outcomes - first.outcomes);
        match &*now.state {
            "paused" => {
                return Err(Failure::failed(format!(
                    "\"{id}\" is paused, so it is delivered later\n  fix: kenwell destinations resume {id}"
                )));
            }
            "disabled" => {
                return Err(Failure::failed(format!(
                    "\"{id}\" was disabled meanwhile; what waits for it is kept, and delivered when it is enabled again"
                )));
            }
            _ => {}
        }
        tokio::time::sleep(POLL).await;
        now = Counts::of(server, id).await?;
        if now.is_of_another_start(&first) {
            return Err(Failure::failed(
                "the server was started again meanwhile: the replay goes on, and is not counted any more",
            ));
        }
    }
    Ok(())
}

fn told(arguments: &Replay, id: &str, records: u64, what: &str, when: &str) -> Result<(), Failure> {
    if arguments.json {
        return output::json(&json!({ "destination": id, "records": records }));
    }
    output::line(format!("{} {what} \"{id}\" {when}", events(records)))
}

fn events(count: u64) -> String {
    let events = if count == 1 { "event" } else { "events" };
    format!("{count} {events}")
}

/// The destination of the server with this id, or its only one.
fn chosen(all: &Value, id: Option<&str>) -> Result<String, Failure> {
    let all = all.get("destinations").and_then(Value::as_array);
    let ids: Vec<&str> = all
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("id")?.as_str())
        .filter(|id| is_id(id))
        .collect();
    let usage = |what: String| {
        let ids = ids.join(", ");
        Failure::Usage(format!(
            "error: {what}\n  fix: choose one with --destination: {ids}"
        ))
    };
    match (id, ids.as_slice()) {
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(usage(format!("the server has {} destinations", ids.len()))),
        (Some(id), ids) if ids.contains(&id) => Ok(id.to_owned()),
        (Some(id), _) => Err(usage(format!(
            "the server has no destination \"{}\"",
            output::printable(id.as_bytes())
        ))),
    }
}

/// What a destination's counters say, repeated events counted again.
#[derive(Clone)]
struct Counts {
    accepted: u64,
    outcomes: u64,
    state: String,
}

impl Counts {
    async fn of(server: &Server, id: &str) -> Result<Self, Failure> {
        let destination = server.get(&format!("/destinations/{id}")).await?;
        let status = |name: &str| destination.pointer(&format!("/status/{name}"));
        let count = |name: &str| status(name).and_then(Value::as_u64).unwrap_or_default();
        let state = status("state").and_then(Value::as_str);
        Ok(Self {
            accepted: count("accepted"),
            outcomes: count("written") + count("ignored") + count("dead_lettered") + count("lost"),
            state: state.unwrap_or_default().to_owned(),
        })
    }

    /// Counters only grow, and begin anew with the server: with what waits in the journal then.
    fn is_of_another_start(&self, first: &Self) -> bool {
        self.outcomes < first.outcomes || self.accepted < first.accepted
    }
}

/// A time, or how long ago.
pub(super) fn from(text: &str) -> Result<Timestamp, String> {
    if let Some(ago) = config::duration(text) {
        let ago = jiff::SignedDuration::try_from(ago).map_err(|_| "too long ago".to_owned())?;
        return Timestamp::now()
            .checked_sub(ago)
            .map_err(|_| "too long ago".to_owned());
    }
    let wrong = |_| {
        "give a time such as 2026-11-22T14:00:00Z, or how long ago, such as 2h or 1d".to_owned()
    };
    text.parse().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::{Counts, from};

    #[test]
    fn counters_that_are_smaller_are_those_of_another_start() {
        let counts = |accepted, outcomes| Counts {
            accepted,
            outcomes,
            state: "up".to_owned(),
        };
        let first = counts(10, 0);
        assert!(!counts(12, 0).is_of_another_start(&first));
        assert!(!counts(10, 10).is_of_another_start(&first));
        // Half of it was delivered again before.
        assert!(counts(5, 0).is_of_another_start(&first));
        assert!(counts(10, 1).is_of_another_start(&counts(10, 2)));
    }

    #[test]
    fn a_time_or_how_long_ago() {
        let given = from("2026-11-22T14:00:00Z").unwrap();
        assert_eq!(given.as_second(), 1_795_356_000);
        let ago = jiff::Timestamp::now().duration_since(from("1h 30m").unwrap());
        assert!((5_390..5_500).contains(&ago.as_secs()), "{ago}");
        assert!(from("yesterday").unwrap_err().contains("such as 2h"));
        assert!(from("999999999d").is_err());
    }
}
