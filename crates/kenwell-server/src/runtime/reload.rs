//! The file read again: taken over, or not, because it cannot be used, or looks like an accident.

use std::time::Duration;

use super::{
    Runtime,
    apply::{self, DestinationRuntimes, NotOpened, Prepared},
    change::NewVersion,
    config_file::{self, FileText},
    configuration_state::{Retry, Revision},
    removal::{self, GivenUp, Waiting, events_wait},
    truncation::{is_truncated, says_less},
};
use crate::config::{self, Config, Loaded, Place, Problem, Problems};

/// How long nobody must have written to a file that says less than before until it is taken over: whoever
/// empties a file to fill it again may take a moment between.
pub(super) const SETTLED: Duration = Duration::from_secs(5);

/// Why the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Somebody asks for it.
    Asked,
    /// It changed, and nobody has written to it for this long.
    Changed { unchanged: Duration },
    /// What was in the way of the version last read may be gone.
    Again,
}

/// What came of reading the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It runs, or somebody has to change it.
    Done,
    /// It is to be read once it has been as it is for [`SETTLED`].
    Unsettled,
    /// It is to be tried again.
    Again,
}

/// A version of the file that can be carried out: its new destinations are open.
pub(super) struct Checked {
    pub(super) text: String,
    pub(super) loaded: Loaded,
    pub(super) prepared: Prepared,
}

/// What stands in the way of a file.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// Something in the file.
    Problems(Problems),
    /// It says less than before, and somebody may be just writing it.
    Unsettled,
    /// Something that may pass by itself.
    Passing(Problems),
}

impl Runtime {
    /// Reads the file again, with the secrets and certificates that it names, and carries out what it
    /// says. What cannot be used is logged and shown in [`Runtime::state`]; what runs goes on.
    pub async fn reload(&self) {
        self.take_over(Occasion::Asked).await;
    }

    /// Takes the file over, if there is a reason to.
    pub(super) async fn take_over(&self, occasion: Occasion) -> Outcome {
        let inner = &self.inner;
        let mut lines = inner.lines.lock().await;
        let (text, revision) = match config_file::read(inner.file.path()) {
            Ok(FileText { text, revision }) => (Ok(text), revision),
            Err(error) => {
                let revision = Revision::of(error.to_string().as_bytes());
                (Err(config::unreadable(inner.file.path(), &error)), revision)
            }
        };
        let is_known = revision == self.state().revision;
        match occasion {
            Occasion::Changed { .. } if is_known => return self.again(),
            // It changed just now: that is noticed at the next look.
            Occasion::Again if !is_known => return Outcome::Done,
            _ => {}
        }
        let nothing = GivenUp::new();
        let checked = match text {
            Ok(text) => self.check(&mut lines, text, occasion, &nothing).await,
            Err(problems) => Err(Obstacle::Problems(problems)),
        };
        match checked {
            Ok(checked) => {
                self.note(|state| state.revision = revision);
                for warning in &checked.loaded.warnings {
                    tracing::warn!(place = %warning.place, key = warning.key, fix = warning.fix, "configuration: {}", warning.what);
                }
                let version = NewVersion::of(checked, nothing);
                // A failure is logged, and tried again.
                drop(self.carry_out(&mut lines, version).await);
            }
            Err(Obstacle::Unsettled) => return Outcome::Unsettled,
            Err(Obstacle::Passing(problems)) => self.refuse(problems, revision, Retry::ByItself),
            Err(Obstacle::Problems(problems)) => self.refuse(problems, revision, Retry::Never),
        }
        self.again()
    }

    fn again(&self) -> Outcome {
        match self.read(|running| running.retry) {
            Retry::ByItself => Outcome::Again,
            Retry::Never => Outcome::Done,
        }
    }

    /// Everything that can be in the way of a file.
    pub(super) async fn check(
        &self,
        lines: &mut DestinationRuntimes,
        text: String,
        occasion: Occasion,
        given_up: &GivenUp,
    ) -> Result<Checked, Obstacle> {
        let inner = &self.inner;
        let path = inner.file.path();
        let invalid = Obstacle::Problems;
        let loaded = Config::parse(path, &text, inner.file.environment()).map_err(invalid)?;
        self.check_missing(&loaded.config, &text, occasion)?;
        let config = self.runnable(loaded.config.clone());
        let mut prepared = apply::prepare(config, lines, path).map_err(invalid)?;
        let left = removal::left_behind(lines, &prepared.config, given_up, &inner.journal).await;
        if !left.is_empty() {
            let problems = left.iter().map(|waiting| self.left_behind(waiting));
            return Err(Obstacle::Passing(errors(problems.collect())));
        }
        apply::open_new(lines, &mut prepared, &inner.ground())
            .map_err(|error| Obstacle::Passing(errors(vec![self.not_opened(&error)])))?;
        Ok(Checked {
            text,
            loaded,
            prepared,
        })
    }

    /// Whether what is missing in the file is missing by accident.
    fn check_missing(&self, next: &Config, text: &str, occasion: Occasion) -> Result<(), Obstacle> {
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
        let Occasion::Changed { unchanged } = occasion else {
            return Ok(());
        };
        let before = self.read(|running| running.text.clone());
        if is_truncated(&before, text) {
            let what = "the file is the beginning of what it was, and ends in the middle of a block: it was cut off";
            let fix = "write it whole; if it is meant as it is, have it read with SIGHUP, or change anything else in it";
            return Err(self.accident("", what.to_owned(), fix));
        }
        if says_less(&before, text) && unchanged < SETTLED {
            return Err(Obstacle::Unsettled);
        }
        Ok(())
    }

    fn accident(&self, key: &str, what: String, fix: &str) -> Obstacle {
        let problem = self.problem(key.to_owned(), what, fix.to_owned());
        Obstacle::Problems(errors(vec![problem]))
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

    pub(super) fn problem(&self, key: String, what: String, fix: String) -> Problem {
        Problem {
            place: Place::File(self.inner.file.path().to_path_buf()),
            key,
            what,
            fix,
        }
    }

    /// What runs goes on; what is wrong is said once.
    fn refuse(&self, problems: Problems, revision: Revision, retry: Retry) {
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
        self.write(|running| {
            running.state.revision = revision;
            running.state.problems = errors;
            running.retry = retry;
        });
    }
}

impl Obstacle {
    pub(super) fn problems(self) -> Problems {
        match self {
            Self::Problems(problems) | Self::Passing(problems) => problems,
            Self::Unsettled => errors(Vec::new()),
        }
    }
}

pub(super) fn errors(errors: Vec<Problem>) -> Problems {
    Problems {
        errors,
        warnings: Vec::new(),
    }
}
