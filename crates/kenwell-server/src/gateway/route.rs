//! The table of paths: RudderStack's and Segment's, in exact letters. A slash at the end or a second one in a
//! row says nothing: SDKs put their path behind whatever data-plane URL they are given.

use std::borrow::Cow;

use http::Method;
use kenwell_event::Route;

use super::{query, refusal::Refusal};

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Events in the body, write key in the Authorization header or in the body.
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
    /// What Segment's SDKs load instead; [`project`] has the write key.
    ProjectSettings,
    /// What Segment's SDKs report about themselves.
    Reports,
}

/// Names of the routes that take events, for metrics.
pub(super) const EVENTS: [&str; 11] = [
    "identify", "track", "page", "screen", "group", "alias", "merge", "batch", "import", "beacon",
    "pixel",
];
/// Names of the others.
pub(super) const OTHERS: [&str; 6] = [
    "health",
    "version",
    "robots",
    "sourceConfig",
    "settings",
    "reports",
];

/// The name of requests that have no route.
pub(super) const NONE: &str = "none";

const GET: &str = "GET";
const POST: &str = "POST";
const GET_HEAD: &str = "GET, HEAD";

/// The target of a request, together with the route's name for metrics.
pub(super) fn find(method: &Method, path: &str) -> Result<(&'static str, Target), Refusal> {
    let path = tidy(path);
    let (name, target, allow) = match path.as_ref() {
        "/v1/identify" | "/v1/i" => ("identify", Target::Events(Route::Identify), POST),
        "/v1/track" | "/v1/t" => ("track", Target::Events(Route::Other), POST),
        "/v1/page" | "/v1/p" => ("page", Target::Events(Route::Other), POST),
        "/v1/screen" | "/v1/s" => ("screen", Target::Events(Route::Other), POST),
        "/v1/group" | "/v1/g" => ("group", Target::Events(Route::Other), POST),
        "/v1/alias" | "/v1/a" => ("alias", Target::Events(Route::Other), POST),
        "/v1/merge" => ("merge", Target::Events(Route::Other), POST),
        "/v1/batch" | "/v1/b" => ("batch", Target::Events(Route::Batch), POST),
        "/v1/import" => ("import", Target::Events(Route::Import), POST),
        "/v1/m" => ("reports", Target::Reports, POST),
        "/beacon/v1/batch" => ("beacon", Target::Beacon, POST),
        "/pixel/v1/track" | "/pixel/v1/page" => ("pixel", Target::Pixel, GET),
        "/health" | "/" => ("health", Target::Health, GET),
        "/version" => ("version", Target::Version, GET),
        "/robots.txt" => ("robots", Target::Robots, GET),
        "/sourceConfig" => ("sourceConfig", Target::SourceConfig, GET_HEAD),
        other if key_segment(other).is_some() => ("settings", Target::ProjectSettings, GET_HEAD),
        _ => return Err(Refusal::NoSuchPath),
    };
    if allow.split(", ").any(|allowed| allowed == method.as_str()) {
        Ok((name, target))
    } else {
        Err(Refusal::WrongMethod(allow))
    }
}

/// The write key in the path of [`Target::ProjectSettings`].
pub(super) fn project(path: &str) -> Option<String> {
    let path = tidy(path);
    key_segment(&path).map(query::decoded)
}

/// `/v1` may be missing: that is how the SDK's option reads to people.
fn key_segment(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let key = path.strip_prefix("/projects/")?.strip_suffix("/settings")?;
    (!key.contains('/')).then_some(key)
}

/// The path with one slash where there are more, and none at its end.
fn tidy(path: &str) -> Cow<'_, str> {
    let ends = path.len() > 1 && path.ends_with('/');
    if !ends && !path.as_bytes().windows(2).any(|pair| pair == b"//") {
        return Cow::Borrowed(path);
    }
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    Cow::Owned(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact_but_for_slashes() {
        let batch = Ok(("batch", Target::Events(Route::Batch)));
        for path in [
            "/v1/batch",
            "/v1/batch/",
            "//v1/batch",
            "/v1//batch//",
            "/v1/b",
        ] {
            assert_eq!(find(&Method::POST, path), batch, "{path}");
        }
        for path in ["/health/", "//", "//health"] {
            assert!(find(&Method::GET, path).is_ok(), "{path}");
        }
        for path in [
            "/V1/batch",
            "/v1",
            "/v1/",
            "/v1/webhook",
            "/v1batch",
            "v1/batch",
            "",
        ] {
            let found = find(&Method::POST, path);
            assert_eq!(found, Err(Refusal::NoSuchPath), "{path}");
        }
    }

    #[test]
    fn projects_are_named_in_the_path() {
        for path in [
            "/v1/projects/WK/settings",
            "//v1/projects/WK/settings/",
            "/projects/WK/settings",
        ] {
            let settings = Ok(("settings", Target::ProjectSettings));
            assert_eq!(find(&Method::GET, path), settings, "{path}");
            assert_eq!(project(path).as_deref(), Some("WK"));
        }
        assert_eq!(
            project("/v1/projects/a%2Fb+c/settings").as_deref(),
            Some("a/b+c")
        );
        for path in [
            "/v1/projects/settings",
            "/v1/projects//settings",
            "/v1/projects/a/b/settings",
        ] {
            assert!(find(&Method::GET, path).is_err(), "{path}");
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
