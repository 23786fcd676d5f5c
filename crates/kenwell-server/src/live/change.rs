//! Changing what runs: an edit, a replay, or the file read again; one at a time.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::{
    Live,
    apply::{self, Lines, Prepared},
    document::Document,
    door::views,
    edit::{Applied, Edit},
    error::{EditError, ReplayError},
    file::{self, Text},
    line::Line,
    replay, restart,
    rewrite::Rewrite,
    state::{ConfigurationState, Revision},
    write,
};
use crate::config::{self, Config, Problems};

impl Live {
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
        if let Some(reason) = write::read_only(path) {
            return Err(EditError::ReadOnly { reason });
        }
        let (text, applied) = self.rewrite(&before, edits)?;
        let loaded = Config::parse(path, &text, inner.file.environment())
            .map_err(|problems| EditError::Invalid(Box::new(problems)))?;
        let prepared = apply::prepare(self.runnable(loaded.config.clone()), &lines, path)
            .map_err(|problems| EditError::Invalid(Box::new(problems)))?;
        let revision = Revision::of(text.as_bytes());
        self.write(before, text).await?;
        self.note(|state| state.revision = revision);
        self.carry_out(&mut lines, &loaded.config, prepared)
            .await
            .map_err(EditError::NotApplied)?;
        Ok(applied)
    }

    async fn write(&self, before: Text, text: String) -> Result<(), EditError> {
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

    /// The file's new text, and what came of the edits.
    pub(super) fn rewrite(
        &self,
        before: &Text,
        edits: Vec<Edit>,
    ) -> Result<(String, Applied), EditError> {
        let file = &self.inner.file;
        // A file that cannot be used as it is has to be mended by who broke it.
        let invalid = |problems| EditError::Invalid(Box::new(problems));
        Config::parse(file.path(), &before.text, file.environment()).map_err(invalid)?;
        let document = Document::parse(&before.text).map_err(|error| EditError::Io {
            action: "edited",
            path: file.path().to_path_buf(),
            source: std::io::Error::other(error),
        })?;
        let mut rewrite = Rewrite::new(document);
        for edit in edits {
            rewrite.make(edit)?;
        }
        let text = rewrite.text();
        let shadowed = rewrite.touched.into_iter().filter_map(|(list, id, key)| {
            let variable = config::variable(list.name(), &id, key);
            file.environment().get(&variable)?;
            Some((format!("{}.{id}.{key}", list.name()), variable))
        });
        let shadowed = shadowed.collect();
        let ids = rewrite.ids;
        Ok((text, Applied { ids, shadowed }))
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

    /// Reads the file again, with the secrets and certificates that it names, and carries out what it
    /// says. What cannot be used is logged and shown in [`Live::state`]; what runs goes on.
    pub async fn reload(&self) {
        self.take_over(true).await;
    }

    /// Likewise, unless the file is the version last read.
    pub(super) async fn look_again(&self) {
        self.take_over(false).await;
    }

    async fn take_over(&self, in_any_case: bool) {
        let inner = &self.inner;
        let mut lines = inner.lines.lock().await;
        let path = inner.file.path();
        let (loaded, revision) = match file::read(path) {
            Ok(text) if !in_any_case && text.revision == self.state().revision => return,
            Ok(text) => {
                let loaded = Config::parse(path, &text.text, inner.file.environment());
                (loaded, text.revision)
            }
            Err(error) => (
                Err(config::unreadable(path, &error)),
                Revision::of(error.to_string().as_bytes()),
            ),
        };
        let prepared = loaded.and_then(|loaded| {
            let prepared = apply::prepare(self.runnable(loaded.config.clone()), &lines, path)?;
            Ok((loaded, prepared))
        });
        match prepared {
            Ok((loaded, prepared)) => {
                self.note(|state| state.revision = revision);
                for warning in &loaded.warnings {
                    tracing::warn!(place = %warning.place, key = warning.key, fix = warning.fix, "configuration: {}", warning.what);
                }
                if let Err(error) = self.carry_out(&mut lines, &loaded.config, prepared).await {
                    tracing::error!(%error, "the configuration was read again, but could not be carried out completely");
                }
            }
            Err(problems) => self.refuse(problems, revision),
        }
    }

    /// What runs goes on; what is wrong is said once.
    fn refuse(&self, problems: Problems, revision: Revision) {
        let Problems { errors, .. } = problems;
        if self.state().problems != errors {
            tracing::error!(
                problems = errors.len(),
                "the configuration file cannot be used; what it said before goes on"
            );
            for problem in &errors {
                tracing::error!(place = %problem.place, key = problem.key, fix = problem.fix, "configuration: {}", problem.what);
            }
        }
        self.note(|state| {
            state.revision = revision;
            state.problems = errors;
        });
    }

    async fn carry_out(
        &self,
        lines: &mut Lines,
        file: &Config,
        prepared: Prepared,
    ) -> Result<(), kenwell_journal::Error> {
        let inner = &self.inner;
        let config = prepared.config.clone();
        let ground = inner.ground();
        let outcome =
            apply::carry_out(lines, &self.config(), prepared, &inner.roster, &ground).await;
        let needs_restart = restart::needs_restart(file, &inner.file.loaded().config);
        if !needs_restart.is_empty() && needs_restart != self.state().needs_restart {
            let settings = needs_restart.join(", ");
            tracing::warn!(settings, "these settings take effect at the next start");
        }
        tracing::info!(
            sources = config.sources.len(),
            destinations = config.destinations.len(),
            "configuration taken over"
        );
        let mut running = inner
            .running
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        running.config = Arc::new(config);
        running.destinations = views(lines);
        running.state.problems = Vec::new();
        running.state.needs_restart = needs_restart;
        running.state.loaded_at = Timestamp::now();
        drop(running);
        outcome
    }

    /// What a file says, as far as it can be carried out without a restart.
    fn runnable(&self, file: Config) -> Config {
        restart::without_restart(file, &self.config())
    }

    fn note(&self, change: impl FnOnce(&mut ConfigurationState)) {
        let running = self.inner.running.write();
        change(&mut running.unwrap_or_else(PoisonError::into_inner).state);
    }
}

/// The destination of this id, if there can be a replay to it.
fn to_replay<'a>(lines: &'a mut Lines, id: &str) -> Result<&'a mut Line, ReplayError> {
    match lines.get_mut(id) {
        None => Err(ReplayError::NotFound(id.to_owned())),
        Some(line) if line.books.is_none() => Err(ReplayError::Disabled(id.to_owned())),
        Some(line) => Ok(line),
    }
}
