//! The JSON API under `/api/v1`: one module for each noun.

mod audit;
mod configuration;
mod dead_letters;
mod destinations;
mod doctor;
mod edit;
mod events;
mod fields;
mod history;
mod letter_page;
mod listing;
mod nested;
mod openapi;
mod overview;
mod position;
mod preview;
mod profile_why;
mod profiles;
mod replay;
mod routes;
mod schema;
mod session;
mod sources;
mod state_entries;
mod stored_profile;
mod test_event;
mod text;
mod uninterrupted;
mod user_id;

pub(crate) use dead_letters::Letter;
pub(super) use routes::described;
