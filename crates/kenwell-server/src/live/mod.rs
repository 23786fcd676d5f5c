//! What runs now, and the one door for changes.
//!
//! `door` holds it together; `file` is `kenwell.toml` on disk; `apply` carries a configuration out;
//! `line` is one destination at run time; `edit` says what may be changed.

mod apply;
mod door;
mod edit;
mod error;
mod file;
mod line;
mod restart;
mod state;

pub use door::{Live, Parts};
pub use edit::{Applied, Change, DestinationChange, Edit, NewDestination, NewSource, SourceChange};
pub use error::{EditError, ReplayError};
pub use file::{ConfigFile, MAX_FILE_BYTES};
pub use line::RunningDestination;
pub use state::{ConfigurationState, Revision};
