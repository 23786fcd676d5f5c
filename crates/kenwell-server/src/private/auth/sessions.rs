//! Browsers that are signed in. In memory only: a restart signs everybody out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use super::{digest::Digest, random};

/// Sessions at once; the one that was idle longest makes room for a new one.
const MAX_SESSIONS: usize = 64;
/// A session that is not used ends after this.
const IDLE: Duration = Duration::from_hours(2);
/// Every session ends after this.
const MAX_AGE: Duration = Duration::from_hours(24);

/// The sessions, known by the hash of their id: a dump of the memory is no way in.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<Digest, OpenSession>>,
}

#[derive(Debug)]
struct OpenSession {
    /// Hash of the admin key that opened it; when the key changes, it ends.
    key: Digest,
    csrf: String,
    opened: Instant,
    used: Instant,
}

/// One session, as its owner sees it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// What requests that change something must repeat in a header.
    pub(crate) csrf: String,
    /// Time until it ends unless it is used.
    pub(crate) remaining: Duration,
}

impl Session {
    /// Whether this is the session's token, which a request has to carry.
    pub(crate) fn has_csrf_token(&self, token: &str) -> bool {
        self.csrf.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

impl Sessions {
    /// Opens a session; its id is for the browser's cookie and kept nowhere else.
    ///
    /// # Errors
    /// The system has no source of randomness.
    pub(super) fn open(
        &self,
        key: Digest,
        now: Instant,
    ) -> Result<(String, Session), getrandom::Error> {
        let (id, csrf) = (random::text()?, random::text()?);
        let record = OpenSession {
            key,
            csrf,
            opened: now,
            used: now,
        };
        let session = record.session(now);
        let mut open = self.lock();
        open.retain(|_, record| !record.is_over(now));
        if open.len() >= MAX_SESSIONS {
            let oldest = open.iter().min_by_key(|(_, record)| record.used);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                open.remove(&oldest);
            }
        }
        open.insert(Digest::of(&id), record);
        Ok((id, session))
    }

    /// The session with this id, used now; `None` when it is unknown, over, or of another key.
    pub(super) fn find(&self, id: &str, key: Digest, now: Instant) -> Option<Session> {
        let digest = Digest::of(id);
        let mut open = self.lock();
        let record = open.get_mut(&digest)?;
        if record.is_over(now) || !record.key.matches(&key) {
            open.remove(&digest);
            return None;
        }
        record.used = now;
        Some(record.session(now))
    }

    /// Ends a session.
    pub(crate) fn close(&self, id: &str) {
        self.lock().remove(&Digest::of(id));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, OpenSession>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenSession {
    fn is_over(&self, now: Instant) -> bool {
        self.remaining(now).is_zero()
    }

    fn remaining(&self, now: Instant) -> Duration {
        let end = (self.opened + MAX_AGE).min(self.used + IDLE);
        end.saturating_duration_since(now)
    }

    fn session(&self, now: Instant) -> Session {
        Session {
            csrf: self.csrf.clone(),
            remaining: self.remaining(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Digest {
        Digest::of("key")
    }

    #[test]
    fn a_session_lives_while_it_is_used_but_not_for_ever() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let (id, session) = sessions.open(key(), start).unwrap();
        assert_eq!(session.remaining, IDLE);
        let mut now = start;
        while now + IDLE / 2 < start + MAX_AGE {
            now += IDLE / 2;
            assert!(sessions.find(&id, key(), now).is_some());
        }
        assert!(sessions.find(&id, key(), start + MAX_AGE).is_none());
        let (id, _) = sessions.open(key(), start).unwrap();
        assert!(sessions.find(&id, key(), start + IDLE).is_none());
        assert!(sessions.find(&id, key(), start).is_none(), "over is over");
    }

    #[test]
    fn another_key_ends_it_and_so_does_its_owner() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (id, _) = sessions.open(key(), now).unwrap();
        assert!(sessions.find(&id, Digest::of("other"), now).is_none());
        let (id, session) = sessions.open(key(), now).unwrap();
        assert!(session.has_csrf_token(&session.csrf) && !session.has_csrf_token(""));
        sessions.close(&id);
        assert!(sessions.find(&id, key(), now).is_none());
        assert!(sessions.find("", key(), now).is_none());
    }

    #[test]
    fn their_number_is_bounded() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let later = |index: usize| start + Duration::from_secs(u64::try_from(index).unwrap());
        let ids: Vec<_> = (0..=MAX_SESSIONS)
            .map(|index| sessions.open(key(), later(index)).unwrap().0)
            .collect();
        let now = later(MAX_SESSIONS);
        assert!(sessions.find(&ids[0], key(), now).is_none(), "the oldest");
        assert!(sessions.find(&ids[1], key(), now).is_some());
        assert!(sessions.find(&ids[MAX_SESSIONS], key(), now).is_some());
    }
}
