//! Tokens that sign in once, for links that whoever starts the server is shown. In memory only, and only as hashes.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use kenwell::connection::Secret;

use super::{digest::Digest, random};
use crate::mutex::lock;

/// Tokens that can be used at one time; the oldest one makes room for a new one.
const MAX_TOKENS: usize = 8;
/// How long a token can be used.
pub(crate) const LIFETIME: Duration = Duration::from_mins(10);

/// The tokens that were made and not used yet.
#[derive(Debug, Default)]
pub(super) struct OneTimeTokens {
    unused: Mutex<Vec<UnusedToken>>,
}

#[derive(Debug)]
struct UnusedToken {
    digest: Digest,
    /// Hash of the admin key that was in force; with another key the token is worth nothing.
    key: Digest,
    made: Instant,
}

impl UnusedToken {
    fn counts(&self, key: Digest, now: Instant) -> bool {
        self.key.matches(&key) && now.saturating_duration_since(self.made) < LIFETIME
    }
}

impl OneTimeTokens {
    /// Makes a token of 256 random bits; it is kept nowhere else.
    ///
    /// # Errors
    /// The system has no source of randomness.
    pub(super) fn make(&self, key: Digest, now: Instant) -> Result<Secret, getrandom::Error> {
        let token = random::text()?;
        let digest = Digest::of(&token);
        let mut unused = lock(&self.unused);
        unused.retain(|one| one.counts(key, now));
        if unused.len() >= MAX_TOKENS {
            unused.remove(0);
        }
        unused.push(UnusedToken {
            digest,
            key,
            made: now,
        });
        Ok(Secret::new(token))
    }

    /// Whether this is a token that can be used, which it cannot from now on. Hashes are compared, each in
    /// constant time.
    pub(super) fn use_up(&self, presented: &str, key: Digest, now: Instant) -> bool {
        let presented = Digest::of(presented);
        let mut unused = lock(&self.unused);
        unused.retain(|one| one.counts(key, now));
        let before = unused.len();
        unused.retain(|one| !one.digest.matches(&presented));
        unused.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Digest {
        Digest::of("key")
    }

    #[test]
    fn a_token_works_once_and_no_other_text_does() {
        let (tokens, now) = (OneTimeTokens::default(), Instant::now());
        let token = tokens.make(key(), now).unwrap();
        assert_eq!(token.expose().len(), 43);
        assert!(!tokens.use_up("", key(), now) && !tokens.use_up("guess", key(), now));
        assert!(tokens.use_up(token.expose(), key(), now));
        assert!(!tokens.use_up(token.expose(), key(), now));
    }

    #[test]
    fn it_ends_with_its_time_and_with_the_admin_key() {
        let (tokens, now) = (OneTimeTokens::default(), Instant::now());
        let late = tokens.make(key(), now).unwrap();
        assert!(!tokens.use_up(late.expose(), key(), now + LIFETIME));
        let other = tokens.make(key(), now).unwrap();
        assert!(!tokens.use_up(other.expose(), Digest::of("new"), now));
        let last = now + LIFETIME.checked_sub(Duration::from_secs(1)).unwrap();
        let in_time = tokens.make(key(), now).unwrap();
        assert!(tokens.use_up(in_time.expose(), key(), last));
    }

    #[test]
    fn their_number_is_bounded() {
        let (tokens, now) = (OneTimeTokens::default(), Instant::now());
        let made: Vec<_> = (0..=MAX_TOKENS)
            .map(|_| tokens.make(key(), now).unwrap())
            .collect();
        assert!(!tokens.use_up(made[0].expose(), key(), now), "the oldest");
        assert!(tokens.use_up(made[1].expose(), key(), now));
        assert!(tokens.use_up(made[MAX_TOKENS].expose(), key(), now));
    }
}
