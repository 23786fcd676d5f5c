//! An axum handler that keeps a session: how often somebody came, forgotten after 15 idle minutes.
//!
//! `cargo run -p kenwell --example session_axum -- redis://127.0.0.1:6379` asks three times and prints
//! the answers; with `--serve` it listens on 127.0.0.1:3000 instead.
#![expect(clippy::print_stdout, reason = "an example that people run by hand")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kenwell::connection::{Connection, Settings};
use kenwell::state::{Entry, Session, SessionElement, StateStore, StoredElements};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;

#[derive(Default, Serialize, Deserialize)]
struct Visits {
    count: u32,
}

/// Any error of the store: the visitor learns that it failed, the log why.
struct Failure(Box<dyn std::error::Error>);

impl<E: Into<Box<dyn std::error::Error>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        println!("session: {}", self.0);
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

/// The session's id from the cookie, or a new one. Ids must not be guessable.
fn session_id(headers: &HeaderMap) -> Result<String, getrandom::Error> {
    let cookies = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok());
    let given =
        cookies.and_then(|cookies| cookies.split("; ").find_map(|it| it.strip_prefix("id=")));
    match given.filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(id) => Ok(id.to_owned()),
        None => Ok(format!(
            "{:016x}{:016x}",
            getrandom::u64()?,
            getrandom::u64()?
        )),
    }
}

async fn visit(State(store): State<StateStore>, headers: HeaderMap) -> Result<Response, Failure> {
    let id = session_id(&headers)?;
    let mut record = store.load_or_new(&id).await?;
    let mut session = record
        .session()
        .cloned()
        .unwrap_or_else(|| Session::new(&id));
    let mut visits: Visits = session.data()?.unwrap_or_default();
    visits.count += 1;
    session.set_data(&visits)?;
    record.set_session(Some(session));
    store.save(&id, &mut record).await?;
    let cookie = format!("id={id}; HttpOnly; SameSite=Lax; Path=/; Max-Age=900");
    let text = format!("visit {}", visits.count);
    Ok(([(header::SET_COOKIE, cookie)], text).into_response())
}

fn app(store: StateStore) -> Router {
    Router::new().route("/", get(visit)).with_state(store)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let serve = arguments.iter().any(|argument| argument == "--serve");
    arguments.retain(|argument| argument != "--serve");
    let given = arguments.pop().or_else(|| std::env::var("REDIS_URL").ok());
    let url = given.unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let store = StateStore::builder(Connection::new(Settings::from_url(&url)?)?)
        .key_prefix("web")
        .entries([Entry::new("session").session().ttl_seconds(900)])
        .elements(StoredElements {
            session: Some(SessionElement::default()),
            ..StoredElements::default()
        })
        .build()?;
    if serve {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
        println!("http://127.0.0.1:3000");
        return Ok(axum::serve(listener, app(store)).await?);
    }
    let mut cookie = String::new();
    for _visit in 0..3 {
        let request = Request::get("/")
            .header(header::COOKIE, &cookie)
            .body(Body::empty())?;
        let response = app(store.clone()).oneshot(request).await?;
        let given = response
            .headers()
            .get(header::SET_COOKIE)
            .ok_or("no cookie")?
            .to_str()?;
        given
            .split(';')
            .next()
            .unwrap_or_default()
            .clone_into(&mut cookie);
        let body = to_bytes(response.into_body(), 1024).await?;
        println!("{}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
