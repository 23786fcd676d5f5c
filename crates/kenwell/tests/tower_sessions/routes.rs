//! What a browser sees of sessions behind an axum router: when it gets a cookie, which, and what is kept.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::routing::get;
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use super::store;
use crate::support::server::Server;

const HOUR: Duration = Duration::hours(1);
const MONTH: Expiry = Expiry::OnInactivity(Duration::days(30));

/// What came back: the status, the cookie with its attributes in lower case, and the text.
struct Page {
    status: StatusCode,
    cookie: Option<BTreeMap<String, String>>,
    text: String,
}

impl Page {
    fn id(&self) -> &str {
        &self.cookie.as_ref().unwrap()["id"]
    }
}

struct Browser {
    server: Server,
    app: Router,
}

impl Browser {
    fn open(expiry: Expiry) -> Self {
        let server = Server::start(&[]);
        let app = Router::new()
            .route("/", get(async |_: Session| "hello"))
            .route(
                "/insert",
                get(async |it: Session| it.insert("foo", 42).await.unwrap()),
            )
            .route(
                "/get",
                get(async |it: Session| format!("{:?}", it.get::<u32>("foo").await.unwrap())),
            )
            .route(
                "/remove",
                get(async |it: Session| drop(it.remove_value("foo").await.unwrap())),
            )
            .route(
                "/cycle",
                get(async |it: Session| it.cycle_id().await.unwrap()),
            )
            .route("/flush", get(async |it: Session| it.flush().await.unwrap()))
            .route(
                "/remember",
                get(async |it: Session| it.set_expiry(Some(MONTH))),
            )
            .route(
                "/forget",
                get(async |it: Session| it.set_expiry(Some(Expiry::OnSessionEnd))),
            )
            .layer(SessionManagerLayer::new(store(&server)).with_expiry(expiry));
        Self { server, app }
    }

    async fn visit(&self, path: &str, id: Option<&str>) -> Page {
        let mut request = Request::get(path);
        if let Some(id) = id {
            request = request.header(header::COOKIE, format!("id={id}"));
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let cookie = response.headers().get(header::SET_COOKIE).map(|value| {
            let parts = value.to_str().unwrap().split("; ").map(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                (name.to_lowercase(), value.to_owned())
            });
            parts.collect()
        });
        let status = response.status();
        let text = to_bytes(response.into_body(), 1_024).await.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        Page {
            status,
            cookie,
            text,
        }
    }

    fn sessions(&self) -> String {
        self.server.cli(&["DBSIZE"])
    }
}

#[tokio::test]
async fn a_session_that_nobody_uses_is_not_stored() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    let page = browser.visit("/", None).await;
    assert!(page.cookie.is_none());
    assert_eq!(browser.visit("/get", None).await.text, "None");
    assert_eq!(browser.sessions(), "0");
}

#[tokio::test]
async fn a_made_up_id_is_not_taken() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    for made_up in ["AAAAAAAAAAAAAAAAAAAAAA", "malformed"] {
        let page = browser.visit("/insert", Some(made_up)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_ne!(page.id(), made_up);
        let key = format!("session:{made_up}");
        assert_eq!(browser.server.cli(&["EXISTS", &key]), "0");
    }
}

#[tokio::test]
async fn the_cookie_says_how_long_it_lives() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    let page = browser.visit("/insert", None).await;
    let cookie = page.cookie.unwrap();
    assert_eq!(cookie["max-age"], "3600");
    assert!(cookie.contains_key("httponly") && cookie.contains_key("secure"));
    let browser = Browser::open(Expiry::OnSessionEnd);
    let page = browser.visit("/insert", None).await;
    assert!(!page.cookie.as_ref().unwrap().contains_key("max-age"));
    // Redis keeps it two weeks, as the framework wants it.
    let key = format!("session:{}", page.id());
    let left: u64 = browser.server.cli(&["TTL", &key]).parse().unwrap();
    assert!((1_200_000..=1_209_600).contains(&left), "{left}");
}

#[tokio::test]
async fn what_was_inserted_comes_back_until_it_is_removed() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    let page = browser.visit("/insert", None).await;
    let id = Some(page.id());
    assert_eq!(browser.visit("/get", id).await.text, "Some(42)");
    browser.visit("/remove", id).await;
    assert_eq!(browser.visit("/get", id).await.text, "None");
    // The session itself is still there.
    assert_eq!(browser.sessions(), "1");
}

#[tokio::test]
async fn a_session_that_is_over_is_a_new_one() {
    let over = OffsetDateTime::now_utc() - HOUR;
    let browser = Browser::open(Expiry::AtDateTime(over));
    let page = browser.visit("/insert", None).await;
    assert_eq!(browser.visit("/get", Some(page.id())).await.text, "None");
    assert_eq!(browser.sessions(), "0");
}

#[tokio::test]
async fn a_new_id_keeps_the_data_and_ends_the_old_one() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    let first = browser.visit("/insert", None).await;
    let second = browser.visit("/cycle", Some(first.id())).await;
    assert_ne!(first.id(), second.id());
    assert_eq!(
        browser.visit("/get", Some(second.id())).await.text,
        "Some(42)"
    );
    assert_eq!(browser.visit("/get", Some(first.id())).await.text, "None");
    assert_eq!(browser.sessions(), "1");
}

#[tokio::test]
async fn a_session_whose_end_alone_is_changed_is_kept_for_as_long_as_its_cookie() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    let page = browser.visit("/insert", None).await;
    let id = page.id().to_owned();
    let seconds_left = || -> i64 {
        let left = browser.server.cli(&["TTL", &format!("session:{id}")]);
        left.parse().unwrap()
    };
    let page = browser.visit("/remember", Some(&id)).await;
    assert_eq!(page.cookie.unwrap()["max-age"], "2592000");
    assert!((2_591_900..=2_592_000).contains(&seconds_left()));
    let page = browser.visit("/forget", Some(&id)).await;
    assert!(!page.cookie.unwrap().contains_key("max-age"));
    assert!(
        seconds_left() <= 1_209_600,
        "two weeks, as the framework wants it"
    );
    assert_eq!(browser.visit("/get", Some(&id)).await.text, "Some(42)");
}

#[tokio::test]
async fn a_flush_takes_the_cookie_back() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    let page = browser.visit("/insert", None).await;
    let page = browser.visit("/flush", Some(page.id())).await;
    assert_eq!(
        (page.id(), &page.cookie.as_ref().unwrap()["max-age"][..]),
        ("", "0")
    );
    assert_eq!(browser.sessions(), "0");
}

#[tokio::test]
async fn a_save_that_fails_is_no_success() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    browser.server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let page = browser.visit("/insert", None).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.cookie.is_none());
}

#[tokio::test]
async fn a_cookie_that_is_no_id_is_no_session() {
    let browser = Browser::open(Expiry::OnInactivity(HOUR));
    for id in ["AAAA", "not base64!", ""] {
        let page = browser.visit("/", Some(id)).await;
        assert_eq!(
            (page.status, &*page.text),
            (StatusCode::OK, "hello"),
            "{id}"
        );
        let page = browser.visit("/get", Some(id)).await;
        assert_eq!((page.status, &*page.text), (StatusCode::OK, "None"), "{id}");
    }
    assert_eq!(browser.sessions(), "0");
}
