//! What is wrong with JSON, and how deep it may be.

use kenwell_json::SyntaxError;

/// How deep objects and arrays may be nested in stored JSON.
pub const MAX_JSON_DEPTH: usize = 2_048;

/// Text is not JSON, or JSON is not what was asked for. Tells places, never values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The bytes are not JSON.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// Nested deeper than [`MAX_JSON_DEPTH`].
    #[error("nested deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
    /// The value cannot be expressed as JSON, or has not the shape of the type that was asked for.
    #[error("at line {}, column {}: {}", .0.line(), .0.column(), kind(.0))]
    Shape(serde_json::Error),
}

/// What went wrong in general: the error's own text may repeat a value.
fn kind(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "another type was expected",
        serde_json::error::Category::Syntax => "this cannot be expressed as JSON",
        serde_json::error::Category::Eof => "the text ends too early",
        serde_json::error::Category::Io => "the value could not be written",
    }
}
