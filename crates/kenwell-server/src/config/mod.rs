//! `kenwell.toml`: the settings after validation, and how they are loaded.

mod certificate;
mod check;
mod destination;
mod document;
mod environment;
mod identity;
mod load;
mod problem;
mod secret;
mod section;
mod service_links;
mod settings;
mod source;
mod suggestion;
mod tls;
mod top;
mod topology;
mod url;
mod value;

pub use environment::Environment;
pub use load::Loaded;
pub(crate) use load::unreadable;
pub use problem::{Place, Problem, Problems};
pub use secret::Origin;
pub(crate) use section::variable;
pub use settings::{
    Config, DeadLetters, Delivery, Destination, Durability, Gateway, Journal, MAX_BODY_BYTES,
    Private, Source,
};
pub(crate) use source::{MAX_ID, is_id};
pub(crate) use value::duration_of as duration;
