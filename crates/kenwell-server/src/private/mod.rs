//! The private plane: the JSON API, the console's files, metrics and readiness, behind the admin key.

mod api;
mod assets;
mod auth;
mod extract;
mod guard;
mod headers;
mod held;
mod host;
mod plane;
mod ready;
mod refusal;
mod routes;
mod scrape;
mod server;
mod sign_in;
mod timeout;

pub(crate) use auth::new_key as new_admin_key;
pub(crate) use auth::{
    Access, AdminKey, Effect as KeyEffect, MIN_KEY_CHARS, reset as reset_admin_key,
};
pub(crate) use plane::PrivatePlane;
pub(crate) use server::MAX_CONNECTIONS;
