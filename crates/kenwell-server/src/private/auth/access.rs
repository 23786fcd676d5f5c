//! Who a request is from: a program with the key, a signed-in browser, or nobody.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use kenwell::connection::Secret;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::attempts::{AttemptLimiter, RetryAfter};
use super::digest::Digest;
use super::one_time_tokens::OneTimeTokens;
use super::{AdminKey, Session, Sessions};
use crate::{
    metrics::{Refused, RefusedRequests},
    ticks::ticks,
};

/// Name of the browser's cookie.
const COOKIE: &str = "kenwell_session";

/// How often the key's file is looked at while no request comes.
const KEY_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The key, and who is signed in with it.
pub(crate) struct Access {
    key: AdminKey,
    sessions: Sessions,
    one_time_tokens: OneTimeTokens,
    /// The sign-in's allowance: every try counts.
    sign_ins: AttemptLimiter,
    /// The allowance of keys that programs send: only wrong ones count.
    wrong_keys: AttemptLimiter,
    /// Whether browsers reach us by TLS only.
    secure: bool,
    refused: RefusedRequests,
}

/// Who sent a request that is allowed.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Sent the key itself.
    Program,
    /// Sent the metrics key, which opens nothing but the metrics.
    MetricsReader,
    /// Sent the cookie of a session.
    Browser(Session),
}

/// Why a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// It is not the key, or no token that can be used.
    WrongKey,
    /// Too many tries.
    TooManyTries(RetryAfter),
    /// The system has no source of randomness.
    NoRandomness,
}

/// A sign-in that worked.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    /// The `Set-Cookie` header.
    pub(crate) cookie: HeaderValue,
}

impl Access {
    /// No session is open. With `secure` the cookie is sent over TLS only.
    #[must_use]
    pub(crate) fn new(key: AdminKey, secure: bool, refused: RefusedRequests) -> Self {
        Self {
            key,
            sessions: Sessions::default(),
            one_time_tokens: OneTimeTokens::default(),
            sign_ins: AttemptLimiter::default(),
            wrong_keys: AttemptLimiter::default(),
            secure,
            refused,
        }
    }

    /// Takes up a key that was reset, until `stop` and also while no request comes: the reset waits for that, and
    /// what was opened with the old key ends.
    pub(crate) async fn watch_key(&self, stop: CancellationToken) {
        let mut ticks = ticks(KEY_CHECK_INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.key.current();
        }
    }

    /// Changes when another key comes into force.
    pub(crate) fn key_replaced(&self) -> watch::Receiver<()> {
        self.key.replaced()
    }

    /// Who at `peer` sent these headers. A key that is sent along decides alone, right or wrong. `metrics_key` is the
    /// key that opens the metrics only, if there is one.
    ///
    /// # Errors
    /// From there came too many wrong keys: even the right one has to wait, or it could be guessed.
    pub(crate) fn caller(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        metrics_key: Option<&Secret>,
    ) -> Result<Option<Caller>, RetryAfter> {
        let now = Instant::now();
        if let Some(presented) = bearer(headers) {
            if let Some(wait) = self.wrong_keys.wait(peer, now) {
                self.refused.count(Refused::TooManyTries);
                return Err(wait);
            }
            if self.key.is(presented) {
                return Ok(Some(Caller::Program));
            }
            // By their hashes, so that the time says nothing about the key.
            let is_for_metrics =
                |key: &Secret| Digest::of(key.expose()).matches(&Digest::of(presented));
            if metrics_key.is_some_and(is_for_metrics) {
                return Ok(Some(Caller::MetricsReader));
            }
            self.refused.count(Refused::WrongKeyInRequest);
            self.wrong_keys.take(peer, now)?;
            // Those that are refused unseen are not logged: anybody could fill the log with them.
            tracing::warn!(%peer, "a request with a wrong admin key");
            warn_of_last(&self.wrong_keys, peer, now);
            return Ok(None);
        }
        let session =
            session_id(headers).and_then(|id| self.sessions.find(id, self.key.current(), now));
        Ok(session.map(Caller::Browser))
    }

    /// Opens a session for whoever knows the key. Each try counts.
    ///
    /// # Errors
    /// [`SignInError`].
    pub(crate) fn sign_in(&self, presented: &str, peer: IpAddr) -> Result<SignedIn, SignInError> {
        let now = Instant::now();
        self.sign_ins.take(peer, now).map_err(|wait| {
            self.refused.count(Refused::TooManyTries);
            SignInError::TooManyTries(wait)
        })?;
        let Some(key) = self.key.check(presented.trim()) else {
            self.refused.count(Refused::WrongKeyAtSignIn);
            tracing::warn!(%peer, "a sign-in with a wrong admin key");
            warn_of_last(&self.sign_ins, peer, now);
            return Err(SignInError::WrongKey);
        };
        self.open_session(key, peer, now)
    }

    /// A token that signs in once, within [`super::ONE_TIME_TOKEN_LIFETIME`].
    ///
    /// # Errors
    /// The system has no source of randomness.
    pub(crate) fn new_one_time_token(&self) -> Result<Secret, getrandom::Error> {
        let key = self.key.current();
        self.one_time_tokens.make(key, Instant::now())
    }

    /// Opens a session for whoever has a token of [`Access::new_one_time_token`], which is used up by that. Each try
    /// counts.
    ///
    /// # Errors
    /// [`SignInError`].
    pub(crate) fn sign_in_once(&self, token: &str, peer: IpAddr) -> Result<SignedIn, SignInError> {
        let now = Instant::now();
        self.sign_ins
            .take(peer, now)
            .map_err(SignInError::TooManyTries)?;
        let key = self.key.current();
        if !self.one_time_tokens.use_up(token, key, now) {
            tracing::warn!(%peer, "a sign-in with a link that was used already, is too old or was never made");
            return Err(SignInError::WrongKey);
        }
        self.open_session(key, peer, now)
    }

    fn open_session(
        &self,
        key: Digest,
        peer: IpAddr,
        now: Instant,
    ) -> Result<SignedIn, SignInError> {
        let (id, session) = self.sessions.open(key, now).map_err(|error| {
            tracing::error!(%error, "no random numbers for a session");
            SignInError::NoRandomness
        })?;
        tracing::info!(%peer, "signed in to the console");
        let cookie = self.cookie(&id, "");
        Ok(SignedIn { session, cookie })
    }

    /// Ends the session of these headers, and gives the header that makes the browser forget it.
    pub(crate) fn sign_out(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(id) = session_id(headers) {
            self.sessions.close(id);
        }
        self.cookie("", "; Max-Age=0")
    }

    fn cookie(&self, value: &str, more: &str) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/{secure}{more}");
        // Base64 and constants only: it always is a header value.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Says that an address has taken its last try, once and not for each that is refused then.
fn warn_of_last(attempts: &AttemptLimiter, peer: IpAddr, now: Instant) {
    if let Some(RetryAfter(seconds)) = attempts.wait(peer, now) {
        tracing::warn!(%peer, "too many wrong admin keys; refused for {seconds} seconds");
    }
}

impl Session {
    /// When it ends unless it is used.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::try_from(SystemTime::now() + self.remaining).unwrap_or(Timestamp::MAX)
    }
}

/// The token behind `Authorization: Bearer`. Other schemes count as a wrong key.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    let text = value.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        token.trim()
    } else {
        ""
    };
    Some(token)
}

/// The value of our cookie.
fn session_id(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(secure: bool) -> Access {
        let secret = Secret::new("the key");
        let (key, _) = AdminKey::open("/".as_ref(), Some(&secret)).unwrap();
        let refused = crate::metrics::Metrics::new().refused().clone();
        Access::new(key, secure, refused)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn the_key_or_a_cookie_opens_and_nothing_else_does() {
        let access = access(false);
        let peer = IpAddr::from([192, 0, 2, 1]);
        let may =
            |pairs: &[(&'static str, &str)]| access.caller(&headers(pairs), peer, None).unwrap();
        assert!(matches!(
            may(&[("authorization", "bearer the key")]),
            Some(Caller::Program)
        ));
        let signed_in = access.sign_in(" the key\n", peer).unwrap();
        let cookie = signed_in.cookie.to_str().unwrap();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/");
        let browser = [("cookie", &*format!("a=b; {pair}; c=d"))];
        assert!(matches!(may(&browser), Some(Caller::Browser(_))));
        for wrong in [
            "Bearer the ke",
            "Bearer",
            "Basic dGhlIGtleTo=",
            "the key",
            "",
        ] {
            let pairs = [("authorization", wrong), browser[0]];
            assert!(may(&pairs).is_none(), "{wrong}");
        }
        assert!(may(&[("cookie", "kenwell_session=")]).is_none());
        let wrong = access.sign_in("another key", peer);
        assert!(matches!(wrong, Err(SignInError::WrongKey)));
        let gone = access.sign_out(&headers(&browser));
        assert!(gone.to_str().unwrap().contains("kenwell_session=; ") && may(&browser).is_none());
    }

    #[test]
    fn wrong_keys_of_programs_count_and_right_ones_do_not() {
        let access = access(false);
        let ask = |key: &str, last: u8| {
            let bearer = format!("Bearer {key}");
            let pairs = [("authorization", bearer.as_str())];
            access.caller(&headers(&pairs), IpAddr::from([192, 0, 2, last]), None)
        };
        let is_in = |answer| matches!(answer, Ok(Some(Caller::Program)));
        for _ in 0..100 {
            assert!(is_in(ask("the key", 1)));
        }
        let refused = (0..100).find(|_| ask("a guess", 1).is_err());
        assert_eq!(refused, Some(10));
        assert!(ask("the key", 1).is_err(), "no guess is told from another");
        assert!(is_in(ask("the key", 2)), "others come in");
        let session = access.sign_in("the key", IpAddr::from([192, 0, 2, 1]));
        assert!(session.is_ok(), "signing in has an allowance of its own");
    }

    #[test]
    fn with_tls_the_cookie_never_travels_without() {
        let signed_in = access(true)
            .sign_in("the key", IpAddr::from([192, 0, 2, 1]))
            .unwrap();
        assert!(signed_in.cookie.to_str().unwrap().contains("; Secure"));
    }
}
