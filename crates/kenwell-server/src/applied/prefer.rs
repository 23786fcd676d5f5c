//! `Prefer: wait=SECONDS` (RFC 7240), the standard way to say how long one would wait.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::waits::MAX_WAIT;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The header of an answer that did as was preferred.
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How long the request would wait, but no longer than [`MAX_WAIT`]. A preference that cannot be understood is none,
/// as the standard wants it; nor is one of no time at all.
pub fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(','));
    // Of the same preference given twice, the first one counts.
    let seconds = preferences.find_map(|preference| {
        let (preference, _parameters) = preference.split_once(';').unwrap_or((preference, ""));
        let (name, value) = preference.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| value.trim().trim_matches('"'))
    })?;
    if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Only more than there is a number for cannot be read.
    let seconds: u64 = seconds.parse().unwrap_or(u64::MAX);
    (seconds > 0).then(|| Duration::from_secs(seconds).min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preference_is_found_among_others() {
        for (values, seconds) in [
            (&["wait=3"][..], Some(3)),
            (&["return=minimal, Wait = \"7\"; x=y"], Some(7)),
            (&["respond-async", "wait=10,wait=20"], Some(10)),
            (&["wait=600"], Some(60)),
            (&["wait=99999999999999999999999"], Some(60)),
            (&["wait=0"], None),
            (&["wait"], None),
            (&["wait="], None),
            (&["wait=soon"], None),
            (&["wait=-1"], None),
            (&["wait=+1"], None),
            (&["waiting=3"], None),
            (&[], None),
        ] {
            let values = values.iter().map(|value| (PREFER, value.parse().unwrap()));
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(name, value);
            }
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(preferred_wait(&headers), expected, "{headers:?}");
        }
    }
}
