//! Whether a request with events wants its answer when they are applied, and how long it would wait for that.

use std::time::Duration;

use http::{HeaderMap, header};

use super::refusal::Refusal;
use crate::{
    applied::{DEFAULT_WAIT, MAX_WAIT, preferred_wait},
    config,
};

/// A request to be answered when its events are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WaitRequest {
    /// How long it would wait.
    pub(super) limit: Duration,
    /// It was asked for with `Prefer`, and that is to be confirmed.
    pub(super) is_preference: bool,
    /// A page of another origin asks, and may read only what it is shown.
    pub(super) is_cross_origin: bool,
}

impl WaitRequest {
    /// What the query (`wait=applied`, `timeout=2s`) or else the header `Prefer` asks for; `None` when neither does.
    pub(super) fn of(headers: &HeaderMap, query: Option<&str>) -> Result<Option<Self>, Refusal> {
        let preferred = preferred_wait(headers);
        let otherwise = preferred.unwrap_or(DEFAULT_WAIT);
        let asked = query.map_or(Ok(None), |query| limit_in_query(query, otherwise))?;
        let Some(limit) = asked.or(preferred) else {
            return Ok(None);
        };
        Ok(Some(Self {
            limit,
            is_preference: preferred == Some(limit),
            is_cross_origin: headers.contains_key(header::ORIGIN),
        }))
    }
}

/// The limit of a query that asks for a wait, and `otherwise` when it says none.
fn limit_in_query(query: &str, otherwise: Duration) -> Result<Option<Duration>, Refusal> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let value = |wanted: &str| {
        let mut found = pairs.filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| value.into_owned())
    };
    match value("wait").as_deref() {
        None => return Ok(None),
        Some("applied") => {}
        Some(_) => {
            return Err(Refusal::BadWait(
                "wait must be \"applied\", as in ?wait=applied",
            ));
        }
    }
    let Some(timeout) = value("timeout") else {
        return Ok(Some(otherwise));
    };
    let limit = config::duration(&timeout);
    let limit = limit.filter(|limit| !limit.is_zero() && *limit <= MAX_WAIT);
    limit.map(Some).ok_or(Refusal::BadWait(
        "timeout must be between 1ms and 60s, as in ?wait=applied&timeout=2s",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(query: &str, prefer: &'static str) -> Result<Option<Duration>, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert("prefer", prefer.parse().unwrap());
        let query = Some(query).filter(|query| !query.is_empty());
        WaitRequest::of(&headers, query).map(|wait| wait.map(|wait| wait.limit))
    }

    #[test]
    fn the_query_goes_before_the_preference() {
        let seconds = |seconds| Ok(Some(Duration::from_secs(seconds)));
        for (query, prefer, expected) in [
            ("", "", Ok(None)),
            ("writeKey=x&waiting=applied", "return=minimal", Ok(None)),
            ("timeout=soon", "", Ok(None)),
            ("wait=applied", "", Ok(Some(DEFAULT_WAIT))),
            ("wait=applied&timeout=2s", "wait=9", seconds(2)),
            ("wait=applied&timeout=1m", "", seconds(60)),
            (
                "timeout=500ms&wait=applied",
                "",
                Ok(Some(Duration::from_millis(500))),
            ),
            ("wait=applied", "wait=9", seconds(9)),
            ("", "wait=9", seconds(9)),
            ("", "wait=600", seconds(60)),
        ] {
            assert_eq!(limit(query, prefer), expected, "{query} {prefer}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (query, name) in [
            ("wait=", "wait"),
            ("wait=true", "wait"),
            ("wait=Applied", "wait"),
            ("wait=applied&timeout=", "timeout"),
            ("wait=applied&timeout=0s", "timeout"),
            ("wait=applied&timeout=61s", "timeout"),
            ("wait=applied&timeout=5", "timeout"),
            ("wait=applied&timeout=-1s", "timeout"),
        ] {
            let Err(Refusal::BadWait(why)) = limit(query, "wait=3") else {
                panic!("{query} is taken");
            };
            assert!(
                why.starts_with(&format!("{name} must be")),
                "{query}: {why}"
            );
        }
    }
}
