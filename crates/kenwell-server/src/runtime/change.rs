//! Changing what runs, by an edit or a replay; one at a time.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::{
    Runtime,
    apply::{self, DestinationRuntimes, NotOpened, Prepared},
    destination::DestinationRuntime,
    document::{Document, List},
    edit::{Applied, Edit},
    error::{EditError, ReplayError},
    file::{self, Text},
    handle::views,
    preview::EditedFile,
    reload::{self, Checked},
    removal::{self, GivenUp, Waiting},
    replay, restart,
    state::{Retry, Revision},
    write,
};
use crate::config::{Config, Problem};

impl Runtime {
    /// Makes all of `edits` or none: in the file first, then in what runs. Only if the file still is the
    /// version last read, and with `expected` only if that is the one.
    ///
    /// # Errors
    /// [`EditError`]; nothing was changed then, except with [`EditError::NotApplied`].
    pub async fn edit(
        &self,
        expected: Option<&Revision>,
        edits: Vec<Edit>,
    ) -> Result<Applied, EditError> {
        let this = self.clone();
        let expected = expected.cloned();
        // On a task of its own: a caller that goes away must not leave a change half done.
        let edited = tokio::spawn(async move { this.edit_now(expected, edits).await });
        edited.await.unwrap_or_else(|error| {
            Err(EditError::Io {
                action: "edited",
                path: self.inner.file.path().to_path_buf(),
                source: std::io::Error::other(error),
            })
        })
    }

    async fn edit_now(
        &self,
        expected: Option<Revision>,
        edits: Vec<Edit>,
    ) -> Result<Applied, EditError> {
        let inner = &self.inner;
        let mut lines = inner.lines.lock().await;
        let path = inner.file.path();
        let before = file::read(path).map_err(|source| EditError::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        })?;
        // Only a version that was read is edited: a newer one may be half-written yet.
        let known = self.state().revision;
        if before.revision != known || expected.is_some_and(|expected| expected != known) {
            return Err(EditError::ChangedMeanwhile {
                path: path.to_path_buf(),
            });
        }
        if let [Edit::RemoveDestination { id, give_up }] = edits.as_slice()
            && !names(&before, id)
        {
            return self.remove_leftover(&mut lines, before, id, *give_up).await;
        }
        if let Some(reason) = write::read_only(path) {
            return Err(EditError::ReadOnly { reason });
        }
        let given_up = given_up(&edits);
        let EditedFile {
            text,
            loaded,
            applied,
        } = self.edited_file(&before, edits)?;
        let problems = self.state().problems;
        if !problems.is_empty() {
            return Err(EditError::NotInForce(Box::new(reload::errors(problems))));
        }
        let invalid = |problems| EditError::Invalid(Box::new(problems));
        let config = self.runnable(loaded.config.clone());
        let mut prepared = apply::prepare(config, &lines, path).map_err(invalid)?;
        let journal = &inner.journal;
        let left = removal::left_behind(&lines, &prepared.config, &given_up, journal).await;
        if let Some(Waiting { id, events }) = left.into_iter().next() {
            return Err(EditError::EventsWait { id, events });
        }
        apply::open_new(&mut lines, &mut prepared, &inner.ground()).map_err(not_opened)?;
        let revision = Revision::of(text.as_bytes());
        if let Err(error) = self.replace(before, text.clone()).await {
            apply::close_new(&mut lines, &mut prepared, &inner.ground());
            return Err(error);
        }
        self.note(|state| state.revision = revision);
        let version = NewVersion {
            file: loaded.config,
            text,
            prepared,
            given_up,
        };
        self.carry_out(&mut lines, version).await?;
        Ok(applied)
    }

    async fn replace(&self, before: Text, text: String) -> Result<(), EditError> {
        let path = self.inner.file.path().to_path_buf();
        let replacing = path.clone();
        let written = spawn_blocking(move || write::replace(&replacing, &before, &text)).await;
        written.unwrap_or_else(|error| {
            Err(EditError::Io {
                action: "written",
                path,
                source: std::io::Error::other(error),
            })
        })
    }

    /// Delivers to `destination` again what was received for it at or after `from` and is still in the
    /// journal. Tells how many events that is: each is counted as accepted and as replayed once more.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn replay(&self, destination: &str, from: Timestamp) -> Result<u64, ReplayError> {
        let (this, id) = (self.clone(), destination.to_owned());
        let replayed = tokio::spawn(async move { this.replay_now(id, from).await });
        replayed.await.unwrap_or(Err(ReplayError::Interrupted))
    }

    async fn replay_now(&self, id: String, from: Timestamp) -> Result<u64, ReplayError> {
        let journal = &self.inner.journal;
        // Searched while the delivery goes on, and without holding up anybody else's change.
        to_replay(&mut *self.inner.lines.lock().await, &id)?;
        let mut search = replay::Search::new(journal, &id, from);
        let cursors = journal.stats().cursors;
        if let Some(cursor) = cursors.iter().find(|cursor| cursor.name == id) {
            search
                .look(journal, &self.config(), cursor.position)
                .await?;
        }
        let mut lines = self.inner.lines.lock().await;
        let line = to_replay(&mut lines, &id)?;
        let config = self.config();
        line.stop().await;
        let replayed = replay::rewind_line(line, &config, search, journal).await;
        if replayed.is_ok() {
            line.decline_offer();
        }
        line.flow(&config, &self.inner.ground())?;
        let records = replayed?.events;
        tracing::info!(destination.id = id, %from, records, "replaying: these events are delivered again");
        Ok(records)
    }

    /// Carries a version out. What cannot be carried out is logged, shown, and tried again.
    pub(super) async fn carry_out(
        &self,
        lines: &mut DestinationRuntimes,
        version: NewVersion,
    ) -> Result<(), EditError> {
        let inner = &self.inner;
        let NewVersion {
            file,
            text,
            prepared,
            given_up,
        } = version;
        let config = prepared.config.clone();
        let ground = inner.ground();
        let before = self.config();
        let outcome = apply::carry_out(
            lines,
            &before,
            prepared,
            &given_up,
            &inner.source_table,
            &ground,
        )
        .await;
        let needs_restart = restart::needs_restart(&file, &inner.file.loaded().config);
        if !needs_restart.is_empty() && needs_restart != self.state().needs_restart {
            let settings = needs_restart.join(", ");
            tracing::warn!(settings, "these settings take effect at the next start");
        }
        tracing::info!(
            sources = config.sources.len(),
            destinations = config.destinations.len(),
            "configuration taken over"
        );
        let problem = outcome.as_ref().err().map(|error| self.incomplete(error));
        let removed = given_up.keys().find_map(|id| {
            let events = inner.retired.waiting(id).filter(|events| *events > 0)?;
            Some((id.clone(), events))
        });
        self.write(|running| {
            running.config = Arc::new(config);
            running.text = text.into();
            running.destinations = views(lines);
            running.retry = match problem {
                Some(_) => Retry::ByItself,
                None => Retry::Never,
            };
            running.state.problems = problem.into_iter().collect();
            running.state.needs_restart = needs_restart;
            running.state.loaded_at = Timestamp::now();
        });
        outcome.map_err(EditError::NotApplied)?;
        match removed {
            // More came while it was removed than somebody gives up: they are kept.
            Some((id, events)) => Err(EditError::EventsWait { id, events }),
            None => Ok(()),
        }
    }

    fn incomplete(&self, error: &kenwell_journal::Error) -> Problem {
        let problem = self.problem(
            String::new(),
            format!("it could not be carried out completely: {error}"),
            "mend the disk of the journal; it is tried again by itself".to_owned(),
        );
        if self.state().problems != [problem.clone()] {
            tracing::error!(%error, "the configuration could not be carried out completely; it is tried again");
        }
        problem
    }

    /// What a file says, as far as it can be carried out without a restart.
    pub(super) fn runnable(&self, file: Config) -> Config {
        restart::without_restart(file, &self.config())
    }
}

/// A version of the file that can be carried out: its new destinations are open.
pub(super) struct NewVersion {
    file: Config,
    text: String,
    prepared: Prepared,
    given_up: GivenUp,
}

impl NewVersion {
    pub(super) fn of(checked: Checked, given_up: GivenUp) -> Self {
        let Checked {
            text,
            loaded,
            prepared,
        } = checked;
        Self {
            file: loaded.config,
            text,
            prepared,
            given_up,
        }
    }
}

/// The destination of this id, if there can be a replay to it.
fn to_replay<'a>(
    lines: &'a mut DestinationRuntimes,
    id: &str,
) -> Result<&'a mut DestinationRuntime, ReplayError> {
    match lines.get_mut(id) {
        None => Err(ReplayError::NotFound(id.to_owned())),
        Some(line) if !line.settings.enabled => Err(ReplayError::Disabled(id.to_owned())),
        Some(line) => Ok(line),
    }
}

/// Whether the file has a destination with this id.
fn names(file: &Text, id: &str) -> bool {
    let document = Document::parse(&file.text);
    document.is_ok_and(|mut document| document.find(List::Destinations, id).is_some())
}

fn given_up(edits: &[Edit]) -> GivenUp {
    let removed = edits.iter().filter_map(|edit| match edit {
        Edit::RemoveDestination { id, give_up } => Some((id.clone(), *give_up)),
        _ => None,
    });
    removed.collect()
}

fn not_opened(NotOpened { id, error }: NotOpened) -> EditError {
    EditError::NotOpened { id, source: error }
}
