//! Bytes from Redis as the API shows them: text, with U+FFFD for what is none.

use kenwell::profile::StoredFields;

/// Bytes as text.
pub(super) fn of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fields as text, sorted by name.
pub(super) fn fields(fields: &StoredFields) -> Vec<(String, String)> {
    let mut fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (of(name), of(value)))
        .collect();
    fields.sort();
    fields
}
