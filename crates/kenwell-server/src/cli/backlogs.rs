//! What waits for which destination: from the journal's files, or from the server that has them open.

use http::Method;
use kenwell_journal::Journal;
use serde_json::Value;

use super::exit::Failure;
use super::output;
use super::server::{Server, ServerOptions};
use crate::config::Config;
use crate::delivery;
use crate::serve::open_journal;

/// A destination, and what waits for it.
pub(super) struct DestinationBacklog {
    pub(super) id: String,
    /// As the API says it: `up`, `retired`, …; without a server what the configuration says.
    pub(super) state: String,
    pub(super) events: u64,
    /// When the oldest of them was received, where that is known.
    pub(super) since: Option<String>,
}

/// Where it is known what waits, and where it can be given up.
pub(super) enum Backlogs<'a> {
    /// The journal's files: no server runs.
    Files(Journal, &'a Config),
    /// The server that runs, and has the files open.
    Server(Server),
}

impl<'a> Backlogs<'a> {
    /// The files, or the server that has them open.
    pub(super) fn open(config: &'a Config, server: &ServerOptions) -> Result<Self, Failure> {
        if !config.data_dir.join("journal").is_dir() {
            return Err(Failure::failed(
                "there is no journal yet: no server has run here",
            ));
        }
        match open_journal(config) {
            Ok(journal) => Ok(Self::Files(journal, config)),
            Err(error) if is_locked(&error) => Ok(Self::Server(server.of(config)?)),
            Err(error) => Err(error.into()),
        }
    }

    /// Every destination that is configured or has a place in the journal.
    pub(super) async fn list(&self) -> Result<Vec<DestinationBacklog>, Failure> {
        match self {
            Self::Files(journal, config) => read(journal, config).await,
            Self::Server(server) => listed(server).await,
        }
    }

    /// Ends a destination that is not configured, and gives up so many events at most.
    pub(super) async fn forget(&self, id: &str, events: u64) -> Result<(), Failure> {
        match self {
            Self::Files(journal, _) => {
                journal.forget(id).map_err(anyhow::Error::from)?;
                tracing::error!(
                    destination.id = id,
                    events,
                    "a destination was forgotten, and the events that waited for it were given up, as somebody asked for"
                );
                Ok(())
            }
            Self::Server(server) => {
                let path = format!("/destinations/{id}?forget={events}");
                server.call(Method::DELETE, &path, None).await.map(drop)
            }
        }
    }

    pub(super) async fn close(self) -> Result<(), Failure> {
        if let Self::Files(journal, _) = self {
            journal.close().await.map_err(anyhow::Error::from)?;
        }
        Ok(())
    }
}

fn is_locked(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<kenwell_journal::Error>();
    matches!(cause, Some(kenwell_journal::Error::Locked { .. }))
}

async fn read(journal: &Journal, config: &Config) -> Result<Vec<DestinationBacklog>, Failure> {
    let stats = journal.stats();
    let mut all: Vec<DestinationBacklog> = config
        .destinations
        .iter()
        .map(|it| (&it.id, if it.enabled { "configured" } else { "disabled" }))
        .map(|(id, state)| nothing_waits(id, state))
        .collect();
    for cursor in &stats.cursors {
        if config.destination(&cursor.name).is_none() {
            all.push(nothing_waits(&cursor.name, "retired"));
        }
    }
    let positions = stats
        .cursors
        .iter()
        .map(|it| (it.name.clone(), it.position));
    let feeds = |source: &str, id: &str| config.feeds(source, id);
    let counted = delivery::count_backlogs(
        journal,
        positions,
        stats.next_offset,
        feeds,
        |id, backlog| {
            if let Some(found) = all.iter_mut().find(|it| it.id == id) {
                found.events = backlog.events;
                found.since = backlog.oldest_ms.map(output::time);
            }
        },
    );
    counted.await.map_err(anyhow::Error::from)?;
    all.retain(|it| it.events > 0 || it.state != "retired");
    Ok(all)
}

fn nothing_waits(id: &str, state: &str) -> DestinationBacklog {
    DestinationBacklog {
        id: id.to_owned(),
        state: state.to_owned(),
        events: 0,
        since: None,
    }
}

async fn listed(server: &Server) -> Result<Vec<DestinationBacklog>, Failure> {
    let overview = server.get("/overview").await?;
    let all = overview.get("destinations").and_then(Value::as_array);
    let destinations = all.into_iter().flatten().filter_map(|it| {
        Some(DestinationBacklog {
            id: it.get("id")?.as_str()?.to_owned(),
            state: it.get("state")?.as_str()?.to_owned(),
            events: it.get("queued")?.as_u64()?,
            since: it.get("since").and_then(Value::as_str).map(str::to_owned),
        })
    });
    Ok(destinations.collect())
}
