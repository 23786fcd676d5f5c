//! Every key that `kenwell.toml` may have, each described once. Whatever lists keys is made from these tables:
//! reading, environment variables, what needs a restart, redaction, the JSON Schema, the API, the console's
//! form, and the reference in docs/configuration.md.

mod destination;
mod key;
mod source;

pub use destination::DESTINATION;
pub use key::{Group, Key, Kind, Moves, Needs};
pub use source::SOURCE;
