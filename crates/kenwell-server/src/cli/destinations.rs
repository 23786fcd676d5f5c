//! `kenwell destinations list|forget`.

use std::io::{self, BufRead, IsTerminal};

use clap::{Args, Subcommand};
use serde_json::json;

use super::backlogs::{Backlogs, DestinationBacklog, ServerOptions};
use super::config_option::ConfigOption;
use super::exit::Failure;
use super::help;
use super::output;
use crate::config::is_id;
use crate::runtime::events_wait;

#[derive(Debug, Subcommand)]
pub(super) enum DestinationsCommand {
    /// Print each destination, and how many events wait for it since when
    #[command(after_help = help::DESTINATIONS_LIST)]
    List(DestinationsList),
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
}

/// Prints every destination and what waits for it.
pub(super) async fn list(arguments: &DestinationsList) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let backlogs = Backlogs::open(&config, &arguments.server)?;
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
            output::json(
                &json!({ "destination": id, "state": state, "waiting": events, "since": since }),
            )?;
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
    let config = arguments.config.load()?;
    if config.destination(id).is_some() {
        return Err(Failure::Usage(format!(
            "error: the destination \"{id}\" is configured\n  fix: take it out of the file first, or remove it in the console"
        )));
    }
    if !is_id(id) {
        return Err(Failure::Usage(format!(
            "error: \"{}\" is not a valid id",
            output::printable(id.as_bytes())
        )));
    }
    let backlogs = Backlogs::open(&config, &arguments.server)?;
    let forgotten = forget_in(&backlogs, arguments).await;
    backlogs.close().await?;
    forgotten
}

async fn forget_in(backlogs: &Backlogs<'_>, arguments: &DestinationsForget) -> Result<(), Failure> {
    let id = &arguments.id;
    let all = backlogs.list().await?;
    let Some(found) = all.iter().find(|it| it.id == *id) else {
        return Err(Failure::failed(format!(
            "nothing waits for a destination \"{id}\""
        )));
    };
    if !arguments.yes {
        confirm(id, found)?;
    }
    backlogs.forget(id, found.events).await?;
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
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "error: {waiting}\n  fix: say --yes to give them up"
        )));
    }
    output::line(format!(
        "{waiting}. Give them up? They are never delivered then. [y/N]"
    ))?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(anyhow::Error::from)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::failed("nothing was changed"))
}
