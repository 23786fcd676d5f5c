//! The private plane: who gets in, what the API answers, what it never says.

mod access;
mod audit;
mod dead_letters;
mod json_objects;
mod lists_and_previews;
mod live_tail;
mod local_references;
mod openapi;
mod secrets;
mod settings;
mod sign_in;
mod stored_secrets;
mod support;
mod user_ids;
