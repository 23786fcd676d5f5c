//! A user's state entries, as they lie in Redis and decoded as far as anybody can.

use kenwell::state::{KeyNaming, StoredEntry, stored_entries};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::text;
use crate::private::error::ApiError;
use crate::runtime::DestinationView;

/// The most bytes of a value that are shown.
const MAX_VALUE_BYTES: usize = 256 * 1024;
/// The most entries that are asked for.
const MAX_ENTRIES: usize = 32;

/// Where the user's state entries are: what the application's state store was built with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StateQuery {
    /// The store's key prefix.
    state_prefix: Option<String>,
    /// The store's key separator.
    #[param(default = ":")]
    state_separator: Option<String>,
    /// Ids of entries, separated by commas, at most 32.
    #[param(default = "data")]
    state_entries: Option<String>,
    /// The user's id in place of the path's, which is `-` then, as for ids that a path cannot have: `.` and `..`.
    pub(super) user_id: Option<String>,
}

/// One entry of a user's state.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StateEntry {
    /// Its key.
    key: String,
    /// Its id.
    entry: String,
    /// How long Redis will keep it; null for ever.
    ttl_seconds: Option<u64>,
    /// The value, when it is text of at most 256 KiB.
    text: Option<String>,
    /// The same as JSON, when it is JSON. A sealed value is neither.
    #[schema(value_type = Option<serde_json::Value>)]
    json: Option<Box<RawValue>>,
    /// Bytes of the value; 0 when what lies there is no string.
    bytes: usize,
}

impl StateQuery {
    /// Whether the request says where to look.
    fn is_given(&self) -> bool {
        self.state_prefix.is_some()
            || self.state_separator.is_some()
            || self.state_entries.is_some()
    }
}

impl From<StoredEntry> for StateEntry {
    fn from(stored: StoredEntry) -> Self {
        let value = stored.value.unwrap_or_default();
        let bytes = value.len();
        let value = String::from_utf8(value).ok();
        let value = value.filter(|text| (1..=MAX_VALUE_BYTES).contains(&text.len()));
        Self {
            key: text::of(&stored.key),
            entry: stored.entry,
            ttl_seconds: stored.expires_in.map(|time| time.as_secs()),
            json: value
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok()),
            text: value,
            bytes,
        }
    }
}

/// The user's entries that exist.
pub(super) async fn find(
    running: &DestinationView,
    query: &StateQuery,
    user_id: &str,
) -> Result<Vec<StateEntry>, ApiError> {
    let given = query.state_entries.as_deref().unwrap_or("data");
    let entries: Vec<&str> = given
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .collect();
    if entries.len() > MAX_ENTRIES {
        let message = format!("at most {MAX_ENTRIES} entries at once");
        return Err(ApiError::bad_request(message).about("state_entries"));
    }
    let naming = KeyNaming {
        prefix: query.state_prefix.as_deref().unwrap_or_default(),
        separator: query.state_separator.as_deref().unwrap_or(":"),
        entries: &entries,
    };
    match stored_entries(&running.connection, &naming, user_id).await {
        Ok(found) => Ok(found.into_iter().map(StateEntry::from).collect()),
        Err(error) if query.is_given() => Err(ApiError::redis(&error)),
        Err(error) => {
            // The request did not ask for it, and the user whom Kenwell logs in as may have no right to look.
            tracing::debug!(%error, "state entries could not be looked up");
            Ok(Vec::new())
        }
    }
}
