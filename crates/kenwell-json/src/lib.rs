//! A lenient, bounded JSON reader: the same bytes read the same way on both sides of the journal.
//!
//! The gateway must accept what real SDKs send. Hours later the delivery reads the same bytes out of the
//! journal, and must see the same values. Both use this reader.
//!
//! # What it is
//!
//! A pull reader over a byte slice: the caller walks objects and arrays with
//! [`enter_object`](Reader::enter_object) / [`next_key`](Reader::next_key) and
//! [`enter_array`](Reader::enter_array) / [`next_element`](Reader::next_element), reads scalars, and
//! skips what it does not need with [`skip`](Reader::skip). Nothing recurses, nothing is copied
//! before [`Text::decode`], and the only allocation is one bit per nesting level beyond 64 in `skip`.
//!
//! # Where it is lenient
//!
//! | input | read as | who sends it |
//! |---|---|---|
//! | a lone surrogate escape (`"\ud83c"`) | one U+FFFD | browsers that cut a string in the middle of an emoji |
//! | invalid UTF-8 inside a string | U+FFFD | programs that concatenate bytes |
//! | the tokens `NaN`, `Infinity`, `-Infinity` | `null` | Python's `json.dumps` |
//! | numbers beyond the range of a double | flagged, see [`Number::overflows`] | anybody |
//! | any nesting depth | measured, see [`Skipped::depth`] | anybody; the caller decides what is too deep |
//!
//! Everything else is RFC 8259: no trailing commas, no comments, no byte order mark, no raw control
//! characters in strings, nothing after the value.
//!
//! # What it is not
//!
//! Not a data model, not a serialiser, and not a validator of the whole document by itself: an error
//! is reported when the reader reaches it.
//!
//! ```
//! use kenwell_json::Reader;
//!
//! let mut reader = Reader::new(br#"{"type":"identify","traits":{"plan":"pro"}}"#);
//! reader.enter_object()?;
//! while let Some(key) = reader.next_key()? {
//!     if key.eq_str("type") {
//!         assert_eq!(reader.string()?.decode(), "identify");
//!     } else {
//!         assert_eq!(reader.skip()?.depth, 1);
//!     }
//! }
//! reader.end()?;
//! # Ok::<(), kenwell_json::SyntaxError>(())
//! ```
#![forbid(unsafe_code)]

mod number;
mod reader;
mod skip;
mod string_end;
mod syntax_error;
mod text;

pub use number::Number;
pub use reader::{Kind, Reader};
pub use skip::Skipped;
pub use syntax_error::SyntaxError;
pub use text::Text;
