//! The API's routes, by how long they may take.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    configuration, dead_letters, destinations, doctor, events, fields, history, overview, profiles,
    replay, session, sources, test_event,
};
use crate::private::PrivatePlane;

/// What only looks, or changes a setting.
pub(in crate::private) fn quick() -> OpenApiRouter<Arc<PrivatePlane>> {
    OpenApiRouter::new()
        .routes(routes!(session::get, session::open, session::close))
        .routes(routes!(overview::get))
        .routes(routes!(history::get))
        .routes(routes!(configuration::get))
        .routes(routes!(sources::list, sources::add))
        .routes(routes!(sources::get, sources::change, sources::remove))
        .routes(routes!(sources::rotate))
        .routes(routes!(test_event::send))
        .routes(routes!(fields::list))
        .routes(routes!(destinations::list, destinations::add))
        .routes(routes!(
            destinations::get,
            destinations::change,
            destinations::remove
        ))
        .routes(routes!(destinations::pause))
        .routes(routes!(destinations::resume))
        .routes(routes!(replay::replay))
        .routes(routes!(profiles::get, profiles::delete))
}

/// What goes the whole way to a Redis, or through all dead letters.
pub(in crate::private) fn slow() -> OpenApiRouter<Arc<PrivatePlane>> {
    OpenApiRouter::new()
        .routes(routes!(doctor::test_settings))
        .routes(routes!(doctor::test))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::retry))
        .routes(routes!(dead_letters::discard))
}

/// What ends when the reader goes.
pub(in crate::private) fn streams() -> OpenApiRouter<Arc<PrivatePlane>> {
    OpenApiRouter::new().routes(routes!(events::watch))
}
