//! A JSON value kept as text, exactly as JavaScript's `JSON.stringify` would write it.

mod canonical;
mod error;
mod text;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::{JsonError, MAX_JSON_DEPTH};

/// A JSON value of an application: parsed into the program's own types when it is asked for, and
/// otherwise handed on as it was.
///
/// Its text is canonical: what `JSON.stringify(JSON.parse(text))` gives, so that programs in
/// JavaScript and in Rust can share a database and neither sees what the other one touched. Keys keep
/// their order (numbers first, as in JavaScript), numbers have their shortest text. One thing is kept
/// that JavaScript would lose: the digits of integers beyond 2^53.
///
/// ```
/// use kenwell::state::Json;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let json = Json::parse(br#" {"name": "Ada", "score": 1.50, "7": true} "#)?;
/// assert_eq!(json.as_str(), r#"{"7":true,"name":"Ada","score":1.5}"#);
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct User { name: String }
/// assert_eq!(json.to::<User>()?.name, "Ada");
/// assert_eq!(Json::of(&User { name: "Bob".into() })?.as_str(), r#"{"name":"Bob"}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Reads JSON. As in JavaScript invalid UTF-8 counts as U+FFFD, of repeated keys the last value
    /// wins at the first one's place, and numbers beyond a double become `null`.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        canonical::write(text).map(Self)
    }

    /// The JSON of a value of the program. A map's keys must be strings or numbers; floats that are
    /// not finite become `null`.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        let text = serde_json::to_vec(value).map_err(JsonError::Shape)?;
        Self::parse(&text)
    }

    /// The value as a type of the program.
    ///
    /// Lone surrogates, which JavaScript's strings may hold and Rust's may not, are read as U+FFFD.
    /// Fails beyond 128 levels of nesting, which is where `serde_json` stops.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_str(&text::without_lone_surrogates(&self.0)).map_err(JsonError::Shape)
    }

    /// A value cut from canonical text, which makes it canonical itself.
    pub(super) fn cut(text: &[u8]) -> Self {
        // Checks many bytes at once, which looking for what is to be replaced does not.
        Self(match str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(text).into_owned(),
        })
    }

    /// The canonical text, by itself.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows the length only: what applications keep is nobody else's business.
impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Json({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_json_and_back() {
        let json = Json::of(&(1.0, u64::MAX, f64::NAN, "\u{1f600}", 1e21)).unwrap();
        assert_eq!(
            json.as_str(),
            "[1,18446744073709551615,null,\"\u{1f600}\",1e+21]"
        );
        let back: (f64, u64, Option<f64>, String, f64) = json.to().unwrap();
        assert_eq!((back.1, back.2), (u64::MAX, None));
        let lone = Json::parse(br#""a\ud83d\\ud83d""#).unwrap();
        assert_eq!(lone.to::<String>().unwrap(), "a\u{fffd}\\ud83d");
    }

    #[test]
    fn errors_and_debug_tell_no_value() {
        let json = Json::parse(br#"{"pin":"secret"}"#).unwrap();
        assert_eq!(format!("{json:?}"), "Json(16 bytes)");
        let error = json
            .to::<std::collections::BTreeMap<String, u32>>()
            .unwrap_err()
            .to_string();
        assert_eq!(error, "at line 1, column 15: another type was expected");
        let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert!(Json::of(&keys).is_err());
    }
}
