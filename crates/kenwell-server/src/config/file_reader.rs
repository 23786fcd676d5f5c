//! Reading one configuration file: its text, the environment, and the problems found so far.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::environment::Environment;
use super::input::ValueError;
use super::problem::{Place, Problem};

/// What the readers of all tables of one file share.
pub(super) struct FileReader<'a> {
    pub(super) document: Document<'a>,
    /// Directory that relative paths in the file start from.
    pub(super) base: &'a Path,
    pub(super) environment: &'a Environment,
    /// Every variable name that could have had a say.
    pub(super) consulted: RefCell<BTreeSet<String>>,
    pub(super) errors: RefCell<Vec<Problem>>,
    pub(super) warnings: RefCell<Vec<Problem>>,
    /// Whether the file itself holds a password.
    pub(super) holds_password: Cell<bool>,
}

impl<'a> FileReader<'a> {
    pub(super) fn new(
        document: Document<'a>,
        base: &'a Path,
        environment: &'a Environment,
    ) -> Self {
        Self {
            document,
            base,
            environment,
            consulted: RefCell::default(),
            errors: RefCell::default(),
            warnings: RefCell::default(),
            holds_password: Cell::new(false),
        }
    }

    pub(super) fn error(&self, place: Place, key: &str, error: ValueError) {
        self.errors.borrow_mut().push(problem(place, key, error));
    }

    pub(super) fn warning(&self, place: Place, key: &str, warning: ValueError) {
        self.warnings
            .borrow_mut()
            .push(problem(place, key, warning));
    }

    /// The place of the file as a whole.
    pub(super) fn place(&self) -> Place {
        Place::File(self.document.path.to_path_buf())
    }

    /// A path of the file, resolved against the file's directory.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        // Collected from its parts, so that no `.` stays in the middle.
        self.base.join(path).components().collect()
    }
}

fn problem(place: Place, key: &str, error: ValueError) -> Problem {
    Problem {
        place,
        key: key.to_owned(),
        what: error.what,
        fix: error.fix,
    }
}
