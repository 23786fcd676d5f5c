//! `kenwell.toml`: the settings after validation, and how they are loaded.

mod address;
mod allowed;
mod amount;
mod certificate;
mod check;
mod destination;
mod difference;
mod document;
mod environment;
mod expiry;
mod file_reader;
mod input;
mod keys;
mod listener;
mod load;
mod parse;
mod prefix_overlap;
mod problem;
#[cfg(test)]
mod reference;
mod rules;
mod schema;
mod secret;
mod service_links;
mod settings;
mod source;
mod suggestion;
mod table_reader;
mod texts;
mod top;
mod url;
mod url_keys;
mod values;

pub use allowed::AllowedReferences;
pub(crate) use allowed::Reference;
pub(crate) use amount::{duration_of as duration, duration_text};
pub use environment::Environment;

pub(crate) use keys::without_links;
pub(crate) use keys::{DESTINATION, SOURCE, destination as destination_keys};
pub use keys::{Group, Key, Kind, Moves, Needs};
pub use load::{Loaded, MAX_FILE_BYTES};
pub(crate) use load::{read_file, unreadable};
pub(crate) use parse::{MAX_ID, is_id};
pub use problem::{Place, Problem, Problems};
pub(crate) use schema::schema;
pub use secret::Origin;
pub use settings::{Config, DeadLetters, Delivery, Destination, Gateway, Journal, Private, Source};
pub(crate) use suggestion::nearest;
pub(crate) use table_reader::variable;
pub(crate) use url_keys::url_parts;
