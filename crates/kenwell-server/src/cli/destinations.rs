//! `kenwell destinations list|pause|resume|forget`.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::json;

use super::backlogs::{Backlogs, DestinationBacklog};
use super::config_option::ConfigOption;
use super::confirm;
use super::exit::Failure;
use super::help;
use super::output;
use super::server::ServerOptions;
use crate::config::is_id;
use crate::runtime::events_wait;

#[derive(Debug, Subcommand)]
pub(super) enum DestinationsCommand {
    /// Print each destination, and how many events wait for it since when
    #[command(after_help = help::DESTINATIONS_LIST)]
    List(DestinationsList),
    /// Let a destination's events wait in the journal, while the server runs
    #[command(after_help = help::DESTINATIONS_PAUSE)]
    Pause(DestinationsChange),
    /// Deliver again to one that is paused
    #[command(after_help = help::DESTINATIONS_RESUME)]
    Resume(DestinationsChange),
    /// Give up the events that wait for a destination that is not configured
    #[command(after_help = help::DESTINATIONS_FORGET)]
    Forget(DestinationsForget),
}

#[derive(Debug, Args)]
pub(super) struct DestinationsList {
    #[command(flatten)]
    config: ConfigOption,
    #[command(flatten)]
    server: ServerOptions,
    /// Print JSON, a line for each destination
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DestinationsForget {
    /// Which destination
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    config: ConfigOption,
    #[command(flatten)]
    server: ServerOptions,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DestinationsChange {
    /// Which destination
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    config: ConfigOption,
    #[command(flatten)]
    server: ServerOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Pauses a destination of the running server, in its configuration file.
pub(super) async fn pause(arguments: &DestinationsChange) -> Result<(), Failure> {
    change(arguments, "pause").await
}

/// Lets a destination of the running server go on.
pub(super) async fn resume(arguments: &DestinationsChange) -> Result<(), Failure> {
    change(arguments, "resume").await
}

async fn change(arguments: &DestinationsChange, verb: &str) -> Result<(), Failure> {
    let id = valid(&arguments.id)?;
    let server = arguments.server.find(&arguments.config)?;
    let path = format!("/destinations/{id}/{verb}");
    let changed = server.call(Method::POST, &path, None).await?;
    let status = changed.get("status");
    let word = |name: &str| status.and_then(|it| it.get(name)?.as_str());
    let (state, queued) = (
        word("state"),
        status.and_then(|it| it.get("queued")?.as_u64()),
    );
    let (state, queued) = (state.unwrap_or_default(), queued.unwrap_or_default());
    if arguments.json {
        return output::json(
            &json!({ "id": id, "state": state, "queued": queued, "since": word("since") }),
        );
    }
    output::line(format!("{id}: {state}, {}", events_wait(queued)))
}

fn valid(id: &str) -> Result<&str, Failure> {
    if is_id(id) {
        return Ok(id);
    }
    let id = output::printable(id.as_bytes());
    Err(Failure::Usage(format!("error: \"{id}\" is not a valid id")))
}

/// Prints every destination and what waits for it.
pub(super) async fn list(arguments: &DestinationsList) -> Result<(), Failure> {
    let config;
    let backlogs = if arguments.server.names_one() {
        Backlogs::Server(arguments.server.find(&arguments.config)?)
    } else {
        config = arguments.config.load()?;
        Backlogs::open(&config, &arguments.server)?
    };
    let all = backlogs.list().await?;
    backlogs.close().await?;
    for DestinationBacklog {
        id,
        state,
        events,
        since,
    } in &all
    {
        if arguments.json {
            output::json(&json!({ "id": id, "state": state, "queued": events, "since": since }))?;
            continue;
        }
        let state = if state == "retired" {
            "not configured"
        } else {
            state
        };
        let since = since
            .as_ref()
            .map_or_else(String::new, |since| format!(" since {since}"));
        output::line(format!("{id}: {state}, {}{since}", events_wait(*events)))?;
    }
    Ok(())
}

/// Gives up what waits for a destination that is not configured.
pub(super) async fn forget(arguments: &DestinationsForget) -> Result<(), Failure> {
    let id = &arguments.id;
    valid(id)?;
    let config;
    let backlogs = if arguments.server.names_one() {
        Backlogs::Server(arguments.server.find(&arguments.config)?)
    } else {
        config = arguments.config.load()?;
        if config.destination(id).is_some() {
            return Err(is_configured(id));
        }
        Backlogs::open(&config, &arguments.server)?
    };
    let forgotten = forget_in(&backlogs, arguments).await;
    backlogs.close().await?;
    forgotten
}

fn is_configured(id: &str) -> Failure {
    Failure::Usage(format!(
        "error: the destination \"{id}\" is configured\n  fix: take it out of the file first, or remove it in the console"
    ))
}

async fn forget_in(backlogs: &Backlogs<'_>, arguments: &DestinationsForget) -> Result<(), Failure> {
    let id = &arguments.id;
    let all = backlogs.list().await?;
    let Some(found) = all.iter().find(|it| it.id == *id) else {
        return Err(Failure::failed(format!(
            "nothing waits for a destination \"{id}\""
        )));
    };
    // The server may have another file than this command.
    if found.state != "retired" {
        return Err(is_configured(id));
    }
    if !arguments.yes {
        confirm(id, found)?;
    }
    backlogs.forget(id, found.events).await?;
    if arguments.json {
        return output::json(&json!({ "id": id, "given_up": found.events }));
    }
    let events = if found.events == 1 {
        "1 event was"
    } else {
        &format!("{} events were", found.events)
    };
    output::line(format!("\"{id}\" is forgotten; {events} given up"))
}

/// Asks, on a terminal.
fn confirm(id: &str, found: &DestinationBacklog) -> Result<(), Failure> {
    let since = found
        .since
        .as_ref()
        .map_or_else(String::new, |since| format!(", since {since}"));
    let waiting = format!("{} for \"{id}\"{since}", events_wait(found.events));
    confirm::confirm(
        &format!("{waiting}. Give them up? They are never delivered then."),
        format!("error: {waiting}\n  fix: say --yes to give them up"),
    )
}
