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
mod sign_in_link;
mod timeout;

pub(crate) use api::Letter;
pub(crate) use auth::new_key as new_admin_key;
pub(crate) use auth::{
    Access, AdminKey, ONE_TIME_TOKEN_LIFETIME, ResetEffect, reset as reset_admin_key,
};
pub(crate) use plane::PrivatePlane;
pub(crate) use server::MAX_CONNECTIONS;
pub(crate) use sign_in_link::PATH as SIGN_IN_LINK_PATH;
