//! Random text that cannot be guessed.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use kenwell::connection::Secret;

/// What every admin key that Kenwell makes begins with, so that people and scanners know it.
const PREFIX: &str = "kwa_";

/// 256 random bits as 43 characters that need no quoting in a shell, a header or a URL.
///
/// # Errors
/// The system has no source of randomness.
pub(super) fn text() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// A new admin key.
///
/// # Errors
/// The system has no source of randomness.
pub(crate) fn new_key() -> Result<Secret, getrandom::Error> {
    Ok(Secret::new(format!("{PREFIX}{}", text()?)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_are_long_and_differ() {
        let (one, two) = (super::new_key().unwrap(), super::new_key().unwrap());
        assert_ne!(one.expose(), two.expose());
        assert_eq!(one.expose().len(), 4 + 43);
    }
}
