//! What runs now, and every change of it.
//!
//! `start` starts what the configuration says; `handle` is what others hold of it. A change comes from the network
//! (`change`: `edit` → `rewrite` → `document` to the new text of the file, unless it names what it may not (`named`) or
//! sends a secret elsewhere (`recipient`)) or by hand (`watch` notices it, `reload` judges it). Either way `apply`
//! prepares it and carries it out; `changed_tables` shows what an edit would write, and `config_file` is what reads and writes the file. `destination` is one
//! destination at run time, `removal` sees to what waits for those that go, and `retired` keeps it. `replay` goes back
//! in the journal, and so does `heal`, for a Redis that came back with less.

mod apply;
mod certificates;
mod change;
mod change_cause;
mod changed_tables;
mod config_file;
mod configuration_state;
mod dependencies;
mod destination;
mod document;
mod edit;
mod error;
mod expand;
mod generate;
mod handle;
mod heal;
mod key_changes;
mod list;
mod named;
mod oldest_waiting;
mod preview;
mod queue;
mod recipient;
mod reload;
mod removal;
mod replay;
mod restart;
mod retired;
mod rewrite;
mod start;
mod truncation;
mod watch;

pub use changed_tables::ChangedTables;
pub use config_file::ConfigFile;
pub use configuration_state::{ConfigurationState, Revision};
pub use destination::DestinationView;
pub(crate) use document::{Document, List};
pub use edit::{Applied, DestinationChange, Edit, NewDestination, NewSource, SourceChange};
pub(crate) use error::events_wait;
pub use error::{EditError, ReplayError};
pub(crate) use generate::id_from_name;
pub use generate::write_key;
pub use handle::Runtime;
pub use key_changes::{KeyChanges, WrongChange};
pub use replay::rewind;
pub use retired::{AcceptRetired, RetiredDestination};
