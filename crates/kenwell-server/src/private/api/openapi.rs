//! `/api/v1/openapi.json`: the API's own description, made from the very routes that serve it.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, InfoBuilder, License, OpenApi, OpenApiBuilder, SecurityRequirement,
};

/// What the routes do not say themselves: title, words for newcomers, and who may come in.
pub(super) fn frame() -> OpenApi {
    let about = "Everything that the console shows and does. Programs send the admin key as `Authorization: \
                 Bearer <key>`; the console signs in and sends its cookie, together with the session's token in \
                 `X-Kenwell-CSRF` where a request changes something. Errors are JSON with a stable code and a \
                 sentence with the cure. Times are RFC 3339 in UTC. A change of the configuration may carry \
                 `If-Match: \"<revision>\"`, so that it does not overwrite another one.";
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    let info = InfoBuilder::new()
        .title("Kenwell")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about))
        .license(Some(license));
    let key = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("the admin key"))
            .build(),
    );
    let cookie = ApiKeyValue::with_description(
        "kenwell_session",
        "a session, opened by POST /api/v1/session or the sign-in page",
    );
    let mut components = Components::new();
    components.add_security_scheme("key", key);
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let none: [&str; 0] = [];
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components))
        .security(Some([
            SecurityRequirement::new("key", none),
            SecurityRequirement::new("session", none),
        ]))
        .build()
}
