//! The file read again: taken over, or not, because it cannot be used, or looks like an accident.

use std::time::{Duration, Instant};

use super::{
    Runtime,
    apply::{PrepareError, PreparedChange, RETRY},
    change_cause::{ChangeCause, ReloadReason},
    config_file::{self, FileText, log_warnings},
    configuration_state::Revision,
    destination::DestinationRuntimes,
    error::events_wait,
    queue::NotOpened,
    removal::{GivenUp, Waiting},
    truncation::{is_truncated, says_less},
};
use crate::config::{self, Config, Problem, Problems};

/// How long a file that says less than before must not have been written to until it is taken over: an editor that
/// empties a file to fill it again may take a moment between.
pub(super) const SETTLED: Duration = Duration::from_secs(5);

/// The file is to be read again once it has been as it is for [`SETTLED`].
pub(super) struct Unsettled;

/// Why a file is not taken over.
#[derive(Debug)]
pub(super) enum ReloadError {
    /// Something in the file.
    Invalid(Problems),
    /// It says less than before, and somebody may be just writing it.
    Unsettled,
    /// Something that may pass by itself.
    Temporary(Problems),
}

impl Runtime {
    /// Reads the file again, with the secrets and certificates that it names, and carries out what it
    /// says. What cannot be used is logged and shown in [`Runtime::state`]; what runs goes on.
    pub async fn reload(&self) {
        // It does not have to settle.
        drop(self.take_over(ReloadReason::Asked).await);
    }

    /// Takes the file over, if there is a reason to.
    pub(super) async fn take_over(&self, reason: ReloadReason) -> Result<(), Unsettled> {
        let mut destinations = self.inner.destinations.lock().await;
        let path = self.inner.file.path();
        let (text, revision) = match config_file::read(path) {
            Ok(FileText { text, revision }) => (Ok(text), revision),
            Err(error) => {
                let revision = Revision::of(error.to_string().as_bytes());
                (Err(config::unreadable(path, &error)), revision)
            }
        };
        let is_known = revision == self.state().revision;
        match reason {
            ReloadReason::Changed { .. } if is_known => return Ok(()),
            // It changed just now, which is noticed the next time it is looked at.
            ReloadReason::Retry if !is_known => return Ok(()),
            _ => {}
        }
        let checked = match text {
            Ok(text) => {
                let nothing = GivenUp::new();
                self.check(&destinations, text, reason, nothing).await
            }
            Err(problems) => Err(ReloadError::Invalid(problems)),
        };
        match checked {
            Ok(change) => {
                log_warnings(&change.loaded);
                // A failure is logged, and tried again.
                drop(self.apply(&mut destinations, change).await);
            }
            Err(ReloadError::Unsettled) => return Err(Unsettled),
            Err(ReloadError::Temporary(problems)) => {
                self.refuse(problems, revision, Some(Instant::now() + RETRY));
            }
            Err(ReloadError::Invalid(problems)) => self.refuse(problems, revision, None),
        }
        Ok(())
    }

    /// Checks everything that can be in the way of a file, and prepares the change to it.
    pub(super) async fn check(
        &self,
        destinations: &DestinationRuntimes,
        text: String,
        reason: ReloadReason,
        given_up: GivenUp,
    ) -> Result<PreparedChange, ReloadError> {
        let file = &self.inner.file;
        let loaded = Config::parse(file.path(), &text, file.environment());
        let loaded = loaded.map_err(ReloadError::Invalid)?;
        self.check_missing(&loaded.config, &text, reason)?;
        let cause = ChangeCause::File(reason);
        let prepared = self
            .prepare(destinations, text, loaded, given_up, cause)
            .await;
        prepared.map_err(|error| match error {
            PrepareError::Invalid(problems) => ReloadError::Invalid(problems),
            PrepareError::EventsWait(waiting) => {
                let problems = waiting.iter().map(|waiting| self.left_behind(waiting));
                ReloadError::Temporary(problems.collect::<Vec<_>>().into())
            }
            PrepareError::NotOpened(error) => {
                ReloadError::Temporary(vec![self.not_opened(&error)].into())
            }
        })
    }

    /// Whether what is missing in the file is missing by accident.
    fn check_missing(
        &self,
        next: &Config,
        text: &str,
        reason: ReloadReason,
    ) -> Result<(), ReloadError> {
        let running = self.config();
        let lists = [
            ("sources", running.sources.len(), next.sources.len()),
            (
                "destinations",
                running.destinations.len(),
                next.destinations.len(),
            ),
        ];
        for (list, before, now) in lists {
            if before > 0 && now == 0 {
                let what = format!("the file has no {list} any more, and there were {before}");
                let fix = "write them back; if you really want none, remove the last one in the console, or stop kenwell first";
                return Err(self.accident(list, what, fix));
            }
        }
        let ReloadReason::Changed { unchanged } = reason else {
            return Ok(());
        };
        let before = self.read(|snapshot| snapshot.text.clone());
        if is_truncated(&before, text) {
            let what = "the file is the beginning of what it was, and ends in the middle of a block: it was cut off";
            let fix = "write it whole; if it is meant as it is, have it read with SIGHUP, or change anything else in it";
            return Err(self.accident("", what, fix));
        }
        if says_less(&before, text) && unchanged < SETTLED {
            return Err(ReloadError::Unsettled);
        }
        Ok(())
    }

    fn accident(&self, key: &str, what: impl Into<String>, fix: &str) -> ReloadError {
        ReloadError::Invalid(vec![self.problem(key, what, fix)].into())
    }

    fn left_behind(&self, Waiting { id, events }: &Waiting) -> Problem {
        self.problem(
            format!("destinations.{id}"),
            format!(
                "{} for \"{id}\", which the file does not have any more",
                events_wait(*events)
            ),
            format!(
                "write it back; or let it drain, and the file is taken over by itself; or give the events up: \
                 remove it in the console, or with `kenwell destinations forget {id}`"
            ),
        )
    }

    fn not_opened(&self, NotOpened { id, error }: &NotOpened) -> Problem {
        let journal = self.config().data_dir.join("journal");
        self.problem(
            format!("destinations.{id}"),
            format!("its place in the journal cannot be made, so nothing is routed to it: {error}"),
            format!(
                "let kenwell's user write in {}; it is tried again by itself",
                journal.display()
            ),
        )
    }

    /// A problem of the file.
    pub(super) fn problem(
        &self,
        key: impl Into<String>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Problem {
        Problem::of_file(self.inner.file.path(), key, what, fix)
    }

    /// What runs goes on; what is wrong is said once.
    fn refuse(&self, problems: Problems, revision: Revision, retry_at: Option<Instant>) {
        let Problems { errors, .. } = problems;
        let state = self.state();
        let keys = |problems: &[Problem]| -> Vec<String> {
            problems.iter().map(|problem| problem.key.clone()).collect()
        };
        // The number of events that wait changes all the time, which is no news.
        let is_known = state.revision == revision && keys(&state.problems) == keys(&errors);
        if !is_known && state.problems != errors {
            tracing::error!(
                problems = errors.len(),
                "the configuration file cannot be used; what it said before goes on"
            );
            for problem in &errors {
                tracing::error!(place = %problem.place, key = problem.key, fix = problem.fix, "configuration: {}", problem.what);
            }
        }
        self.write(|snapshot| {
            snapshot.state.revision = revision;
            snapshot.state.problems = errors;
            snapshot.retry_at = retry_at;
        });
    }
}

impl ReloadError {
    pub(super) fn problems(self) -> Problems {
        match self {
            Self::Invalid(problems) | Self::Temporary(problems) => problems,
            Self::Unsettled => Vec::new().into(),
        }
    }
}
