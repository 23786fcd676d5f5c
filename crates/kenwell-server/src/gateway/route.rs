//! The table of paths: RudderStack's and Segment's, in exact letters. A slash at the end or a second one in a
//! row is ignored: SDKs put their path behind whatever data-plane URL they are given.

use std::borrow::Cow;

use http::Method;
use kenwell_event::Route;

use super::{
    query,
    refusal::{Refusal, STATUSES},
};

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

/// One row of the table.
pub(super) struct Row {
    /// In exact letters. `{writeKey}` stands for a part of the path.
    paths: &'static [&'static str],
    /// Its name in metrics.
    pub(super) name: &'static str,
    target: Target,
    methods: &'static str,
    /// The statuses that metrics show from the start on.
    pub(super) statuses: &'static [u16],
}

/// The name of requests that have no route.
pub(super) const NONE: &str = "none";

const GET: &str = "GET";
const POST: &str = "POST";
const GET_HEAD: &str = "GET, HEAD";
/// With or without `/v1`, see [`key_segment`].
const PROJECT_SETTINGS: &str = "/v1/projects/{writeKey}/settings";

/// All routes, the most frequent ones first. A body has at most [`super::MAX_BODY_BYTES`], whatever the route.
pub(super) static ROUTES: [Row; 17] = [
    events(&["/v1/batch", "/v1/b"], "batch", Route::Batch),
    events(&["/v1/identify", "/v1/i"], "identify", Route::Identify),
    events(&["/v1/track", "/v1/t"], "track", Route::Other),
    events(&["/v1/page", "/v1/p"], "page", Route::Other),
    events(&["/v1/screen", "/v1/s"], "screen", Route::Other),
    events(&["/v1/group", "/v1/g"], "group", Route::Other),
    events(&["/v1/alias", "/v1/a"], "alias", Route::Other),
    events(&["/v1/merge"], "merge", Route::Other),
    events(&["/v1/import"], "import", Route::Import),
    row(
        &["/beacon/v1/batch"],
        "beacon",
        Target::Beacon,
        POST,
        &STATUSES,
    ),
    row(
        &["/pixel/v1/track", "/pixel/v1/page"],
        "pixel",
        Target::Pixel,
        GET,
        &STATUSES,
    ),
    row(&["/health", "/"], "health", Target::Health, GET, &[200]),
    row(&["/version"], "version", Target::Version, GET, &[200]),
    row(&["/robots.txt"], "robots", Target::Robots, GET, &[200]),
    row(
        &["/sourceConfig"],
        "sourceConfig",
        Target::SourceConfig,
        GET_HEAD,
        &[200],
    ),
    row(
        &[PROJECT_SETTINGS],
        "settings",
        Target::ProjectSettings,
        GET_HEAD,
        &[200],
    ),
    row(&["/v1/m"], "reports", Target::Reports, POST, &[200]),
];

const fn row(
    paths: &'static [&'static str],
    name: &'static str,
    target: Target,
    methods: &'static str,
    statuses: &'static [u16],
) -> Row {
    Row {
        paths,
        name,
        target,
        methods,
        statuses,
    }
}

const fn events(paths: &'static [&'static str], name: &'static str, route: Route) -> Row {
    row(paths, name, Target::Events(route), POST, &STATUSES)
}

/// The target of a request, together with the route's name for metrics.
pub(super) fn find(method: &Method, path: &str) -> Result<(&'static str, Target), Refusal> {
    let path = tidy(path);
    let path = match key_segment(&path) {
        Some(_) => PROJECT_SETTINGS,
        None => path.as_ref(),
    };
    let mut rows = ROUTES.iter();
    let row = rows.find(|row| row.paths.contains(&path));
    let row = row.ok_or(Refusal::NoSuchPath)?;
    let mut methods = row.methods.split(", ");
    if methods.any(|allowed| allowed == method.as_str()) {
        Ok((row.name, row.target))
    } else {
        Err(Refusal::WrongMethod(row.methods))
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
