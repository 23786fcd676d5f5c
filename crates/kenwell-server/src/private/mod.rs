//! The private plane: the JSON API, the console's files, metrics and readiness, behind the admin key.

mod api;
mod assets;
mod auth;
mod deeds;
mod destination_status;
mod error;
mod extract;
mod guard;
mod headers;
mod host;
mod metrics;
mod not_accepting;
mod plane;
mod ready;
mod routes;
mod server;
mod sign_in;
mod timeout;

pub(crate) use auth::new_key as new_admin_key;
pub(crate) use auth::{Access, AdminKey, ResetEffect, reset as reset_admin_key};
pub(crate) use plane::PrivatePlane;
pub(crate) use server::MAX_CONNECTIONS;
