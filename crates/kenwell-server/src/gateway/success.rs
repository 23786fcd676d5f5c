//! The answer to events that were stored: RudderStack's words, or JSON for those of Segment's SDKs that parse the answer.
//!
//! Segment's Java SDK sends a batch again for ever, and its Ruby SDK ten times, when the answer is no JSON.
//! RudderStack's own SDKs get its words, byte for byte, although some name themselves as Segment's do:
//! `analytics-java/…` is RudderStack's Java SDK, too.

use std::{ops::Range, sync::Arc};

use http::{HeaderMap, header};
use kenwell_event::Route;
use kenwell_journal::Offset;
use serde_json::json;

use super::{
    answer::{Answer, JSON, TEXT},
    sources::Source,
};

/// What is known of a request whose events were stored.
pub(super) struct StoredRequest {
    pub(super) route: Route,
    /// Whether its body names a write key, which RudderStack's SDKs never do.
    pub(super) names_write_key: bool,
    /// The identifies of its first source that sent any, and of the others.
    pub(super) append: Option<StoredAppend>,
    pub(super) further_appends: Vec<StoredAppend>,
}

/// Identifies that are durable.
pub(super) struct StoredAppend {
    /// Who sent them, and with that where they go.
    pub(super) source: Arc<Source>,
    /// Where they are in the journal.
    pub(super) events: Range<Offset>,
}

/// How a sender wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Words,
    Json,
}

impl Form {
    /// How it understands that its events are stored. Segment's Java SDK is known by two of three signs: its name, which
    /// programs may change, the route that it uses unless told otherwise, and the write key in the body.
    pub(super) fn of_success(user_agent: &str, route: Route, names_write_key: bool) -> Self {
        let signs = [
            user_agent.starts_with("analytics-java/"),
            route == Route::Import,
            names_write_key,
        ];
        if signs.into_iter().filter(|sign| *sign).count() >= 2 {
            return Self::Json;
        }
        Self::of_refusal(user_agent)
    }

    /// How it understands a refusal. Segment's Ruby SDK names itself, RudderStack's does not.
    pub(super) fn of_refusal(user_agent: &str) -> Self {
        if user_agent.starts_with("analytics-ruby/") {
            Self::Json
        } else {
            Self::Words
        }
    }

    /// That events are stored.
    pub(super) fn success(self) -> Answer {
        match self {
            Self::Words => Answer::ok(TEXT, "ok"),
            Self::Json => Answer::ok(JSON, r#"{"success":true}"#),
        }
    }

    /// A refusal.
    pub(super) fn refusal(self, refusal: Answer) -> Answer {
        match self {
            Self::Words => refusal,
            Self::Json => {
                let page = json!({ "success": false, "error": refusal.words() });
                refusal.body(JSON, page.to_string())
            }
        }
    }
}

/// The answer to events that were stored.
pub(super) fn answer(stored: &StoredRequest, headers: &HeaderMap) -> Answer {
    Form::of_success(user_agent(headers), stored.route, stored.names_write_key).success()
}

/// The same refusal, in a form that its sender understands.
pub(super) fn refused(refusal: Answer, headers: &HeaderMap) -> Answer {
    Form::of_refusal(user_agent(headers)).refusal(refusal)
}

fn user_agent(headers: &HeaderMap) -> &str {
    let agent = headers.get(header::USER_AGENT);
    agent
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_those_who_parse_it() {
        for (agent, route, names_write_key, expected) in [
            ("analytics-java/3.5.4", Route::Import, true, true),
            // An older one, with the key in the header alone.
            ("analytics-java/2.1.1", Route::Import, false, true),
            // With a name or a path of the program's own.
            ("shop/1.0", Route::Import, true, true),
            ("analytics-java/3.5.4", Route::Batch, true, true),
            ("analytics-ruby/2.5.0", Route::Batch, false, true),
            ("analytics-ruby/2.5.0", Route::Import, false, true),
            // RudderStack's Java SDK.
            ("analytics-java/3.1.3", Route::Batch, false, false),
            ("analytics-python/2.3.5", Route::Batch, true, false),
            ("analytics-kotlin/1.27.0", Route::Batch, true, false),
            ("curl/8", Route::Import, false, false),
            ("", Route::Batch, false, false),
        ] {
            let form = Form::of_success(agent, route, names_write_key);
            assert_eq!(
                form == Form::Json,
                expected,
                "{agent} {route:?} {names_write_key}"
            );
        }
    }
}
