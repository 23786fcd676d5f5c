//! Who a request is from: a program with the key, a signed-in browser, or nobody.

use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{AdminKey, Attempts, Session, Sessions};

/// Name of the browser's cookie.
const COOKIE: &str = "kenwell_session";

/// How often the key's file is looked at when nobody sends a request.
const LOOK: Duration = Duration::from_millis(500);

/// The key, and who is signed in with it.
pub struct Access {
    key: AdminKey,
    sessions: Sessions,
    /// The sign-in's allowance.
    pub(in crate::private) attempts: Attempts,
    /// Whether browsers reach us by TLS only.
    secure: bool,
}

/// Who may do what the admin key allows.
#[derive(Debug, Clone)]
pub(crate) enum Visitor {
    /// Sent the key itself.
    Program,
    /// Sent the cookie of a session.
    Browser(Session),
}

/// A sign-in that worked.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    /// The `Set-Cookie` header.
    pub(crate) cookie: HeaderValue,
}

impl Access {
    /// Nobody is signed in. With `secure` the cookie is sent over TLS only.
    #[must_use]
    pub fn new(key: AdminKey, secure: bool) -> Self {
        Self {
            key,
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            secure,
        }
    }

    /// Who sent these headers. A key that is sent along decides alone, right or wrong.
    pub(crate) fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        if let Some(presented) = bearer(headers) {
            return self.key.is(presented).then_some(Visitor::Program);
        }
        let id = session_id(headers)?;
        let session = self.sessions.find(id, self.key.current(), Instant::now())?;
        Some(Visitor::Browser(session))
    }

    /// Looks after the key until `stop`, though nobody sends a request: whoever resets it is told when it counts, and
    /// what was opened with the old one ends.
    pub(crate) async fn watch_key(&self, stop: CancellationToken) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.key.current();
        }
    }

    /// Changes when another key counts from then on.
    pub(crate) fn key_replaced(&self) -> watch::Receiver<()> {
        self.key.replaced()
    }

    /// Opens a session for whoever knows the key; `None` when this is not the key.
    ///
    /// # Errors
    /// The system has no source of randomness.
    pub(crate) fn sign_in(&self, presented: &str) -> Result<Option<SignedIn>, getrandom::Error> {
        let Some(key) = self.key.check(presented.trim()) else {
            return Ok(None);
        };
        let (id, session) = self.sessions.open(key, Instant::now())?;
        let cookie = self.cookie(&id, "");
        Ok(Some(SignedIn { session, cookie }))
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

impl Session {
    /// When it ends unless it is used.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::try_from(SystemTime::now() + self.remaining).unwrap_or(Timestamp::MAX)
    }
}

/// The token behind `Authorization: Bearer`. Other schemes are no key, but somebody's attempt.
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
    use kenwell::connection::Secret;

    use super::*;

    fn access(secure: bool) -> Access {
        let secret = Secret::new("the key");
        let (key, _) = AdminKey::open("/".as_ref(), Some(&secret)).unwrap();
        Access::new(key, secure)
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
        let may = |pairs: &[(&'static str, &str)]| access.visitor(&headers(pairs));
        assert!(matches!(
            may(&[("authorization", "bearer the key")]),
            Some(Visitor::Program)
        ));
        let signed_in = access.sign_in(" the key\n").unwrap().unwrap();
        let cookie = signed_in.cookie.to_str().unwrap();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/");
        let browser = [("cookie", &*format!("a=b; {pair}; c=d"))];
        assert!(matches!(may(&browser), Some(Visitor::Browser(_))));
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
        assert!(access.sign_in("another key").unwrap().is_none());
        let gone = access.sign_out(&headers(&browser));
        assert!(gone.to_str().unwrap().contains("kenwell_session=; ") && may(&browser).is_none());
    }

    #[test]
    fn with_tls_the_cookie_never_travels_without() {
        let signed_in = access(true).sign_in("the key").unwrap().unwrap();
        assert!(signed_in.cookie.to_str().unwrap().contains("; Secure"));
    }
}
