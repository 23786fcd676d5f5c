//! A user's profile as Redis holds it, a hash or a document, as the API shows it.

use kenwell::connection::Connection;
use kenwell::profile::{self, DataType, Layout};
use serde_json::value::{RawValue, to_raw_value};

use super::text;

/// A profile: one of the two has something in it.
#[derive(Debug, Default)]
pub(super) struct StoredProfile {
    /// The hash's fields, sorted by name.
    pub(super) fields: Vec<(String, String)>,
    /// The document, with its numbers as they stand in Redis.
    pub(super) document: Option<Box<RawValue>>,
}

/// Reads a user's profile; `None` when there is none.
pub(super) async fn read(
    connection: &Connection,
    layout: &Layout,
    user_id: &str,
) -> Result<Option<StoredProfile>, kenwell::Error> {
    Ok(match layout.data_type {
        DataType::Hash => {
            let fields = profile::read(connection, layout, user_id).await?;
            fields.map(|fields| StoredProfile {
                fields: text::fields(&fields),
                document: None,
            })
        }
        DataType::Json => {
            let document = profile::read_document(connection, layout, user_id).await?;
            document.map(|json| StoredProfile {
                fields: Vec::new(),
                document: Some(raw(&json)),
            })
        }
    })
}

/// JSON as it stands; as a text what is none.
fn raw(json: &[u8]) -> Box<RawValue> {
    let text = text::of(json);
    RawValue::from_string(text.clone())
        .or_else(|_| to_raw_value(&text))
        .unwrap_or_default()
}
