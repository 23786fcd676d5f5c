//! The table of paths: exact, without case folding or trailing slashes, as RudderStack routes.

use http::Method;
use kenwell_event::Route;

use super::refusal::Refusal;

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Events in the body, write key in the Authorization header.
    Events(Route),
    /// A batch by `sendBeacon`, write key in the query.
    Beacon,
    /// An event in the query of an image's address.
    Pixel,
    Health,
    Version,
    Robots,
    /// What browser and mobile SDKs load before they send anything.
    SourceConfig,
}

/// Names of the routes that take events, for metrics.
pub(super) const EVENTS: [&str; 11] = [
    "identify", "track", "page", "screen", "group", "alias", "merge", "batch", "import", "beacon",
    "pixel",
];
/// Names of the others.
pub(super) const OTHERS: [&str; 4] = ["health", "version", "robots", "sourceConfig"];

/// The name of requests that have no route.
pub(super) const NONE: &str = "none";

const GET: &str = "GET";
const POST: &str = "POST";
const GET_HEAD: &str = "GET, HEAD";

/// The target of a request, together with the route's name for metrics.
pub(super) fn find(method: &Method, path: &str) -> Result<(&'static str, Target), Refusal> {
    let (name, target, allow) = match path {
        "/v1/identify" => ("identify", Target::Events(Route::Identify), POST),
        "/v1/track" => ("track", Target::Events(Route::Other), POST),
        "/v1/page" => ("page", Target::Events(Route::Other), POST),
        "/v1/screen" => ("screen", Target::Events(Route::Other), POST),
        "/v1/group" => ("group", Target::Events(Route::Other), POST),
        "/v1/alias" => ("alias", Target::Events(Route::Other), POST),
        "/v1/merge" => ("merge", Target::Events(Route::Other), POST),
        "/v1/batch" => ("batch", Target::Events(Route::Batch), POST),
        "/v1/import" => ("import", Target::Events(Route::Import), POST),
        "/beacon/v1/batch" => ("beacon", Target::Beacon, POST),
        "/pixel/v1/track" | "/pixel/v1/page" => ("pixel", Target::Pixel, GET),
        "/health" | "/" => ("health", Target::Health, GET),
        "/version" => ("version", Target::Version, GET),
        "/robots.txt" => ("robots", Target::Robots, GET),
        "/sourceConfig" | "/sourceConfig/" => ("sourceConfig", Target::SourceConfig, GET_HEAD),
        _ => return Err(Refusal::NoSuchPath),
    };
    if allow.split(", ").any(|allowed| allowed == method.as_str()) {
        Ok((name, target))
    } else {
        Err(Refusal::WrongMethod(allow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact() {
        assert_eq!(
            find(&Method::POST, "/v1/batch"),
            Ok(("batch", Target::Events(Route::Batch)))
        );
        for path in [
            "/v1/batch/",
            "/V1/batch",
            "/v1",
            "/v1/webhook",
            "/health/",
            "",
        ] {
            assert_eq!(
                find(&Method::POST, path),
                Err(Refusal::NoSuchPath),
                "{path}"
            );
        }
    }

    #[test]
    fn methods_are_exact_too() {
        assert_eq!(
            find(&Method::GET, "/v1/identify"),
            Err(Refusal::WrongMethod("POST"))
        );
        assert_eq!(
            find(&Method::HEAD, "/health"),
            Err(Refusal::WrongMethod("GET"))
        );
        assert_eq!(
            find(&Method::POST, "/sourceConfig"),
            Err(Refusal::WrongMethod("GET, HEAD"))
        );
        assert!(find(&Method::HEAD, "/sourceConfig/").is_ok());
    }
}
