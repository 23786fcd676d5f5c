//! `kenwell.toml`: the settings after validation, and how they are loaded.

mod allowed;
mod certificate;
mod check;
mod destination;
mod document;
mod environment;
mod identity;
mod keys;
mod load;
mod problem;
mod secret;
mod section;
mod service_links;
mod settings;
mod shown;
mod source;
mod suggestion;
mod tls;
mod top;
mod topology;
mod url;
mod value;
mod walls;

pub use allowed::AllowedReferences;
pub(crate) use allowed::Reference;
pub use environment::Environment;
pub(crate) use keys::{DESTINATION, LISTS, SECTIONS, SOURCE, TOP};
pub use keys::{Group, Key, Kind, Moves, Needs};
pub use load::{Loaded, MAX_FILE_BYTES};
pub(crate) use load::{read_file, unreadable};
pub use problem::{Place, Problem, Problems};
pub use secret::Origin;
pub(crate) use section::variable;
pub use settings::{
    Config, DeadLetters, Delivery, Destination, Durability, Gateway, Journal, MAX_BODY_BYTES,
    Private, Source,
};
pub(crate) use source::{MAX_ID, is_id};
pub(crate) use suggestion::nearest;
pub(crate) use value::duration_of as duration;
