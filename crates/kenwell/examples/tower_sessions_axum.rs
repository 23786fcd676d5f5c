//! Sessions of tower-sessions behind axum: two names in one session, and how often each page was seen.
//!
//! `cargo run -p kenwell --example tower_sessions_axum -- redis://127.0.0.1:6379` asks four times, the last two times at
//! once, and prints the answers; with `--serve` it listens on 127.0.0.1:3000 instead.
#![expect(clippy::print_stdout, reason = "an example that people run by hand")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::{Request, header};
use axum::routing::get;
use kenwell::connection::{Connection, Settings};
use kenwell::tower_sessions::RedisStore;
use time::Duration;
use tower::ServiceExt;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

type Failure = Box<dyn std::error::Error>;

async fn visit(session: Session, Path(page): Path<String>) -> Result<String, String> {
    let seen = session.get::<u32>(&page).await;
    let seen = seen.map_err(|error| error.to_string())?.unwrap_or(0) + 1;
    let inserted = session.insert(&page, seen).await;
    inserted.map_err(|error| error.to_string())?;
    Ok(format!("{page}: visit {seen}"))
}

fn app(connection: Connection) -> Router {
    let store = RedisStore::new(connection).key_prefix("web");
    let layer = SessionManagerLayer::new(store)
        .with_secure(false) // since this speaks plain HTTP
        .with_expiry(Expiry::OnInactivity(Duration::minutes(15)));
    Router::new().route("/{page}", get(visit)).layer(layer)
}

/// Visits a page with a cookie, and gives the text and the cookie that came back.
async fn ask(app: &Router, page: &str, cookie: &str) -> Result<(String, String), Failure> {
    let request = Request::get(format!("/{page}")).header(header::COOKIE, cookie);
    let response = app.clone().oneshot(request.body(Body::empty())?).await?;
    let cookie = response.headers().get(header::SET_COOKIE);
    let cookie = cookie.ok_or("no cookie")?.to_str()?.split(';').next();
    let cookie = cookie.unwrap_or_default().to_owned();
    let body = to_bytes(response.into_body(), 1024).await?;
    Ok((String::from_utf8_lossy(&body).into_owned(), cookie))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let serve = arguments.iter().any(|argument| argument == "--serve");
    arguments.retain(|argument| argument != "--serve");
    let given = arguments.pop().or_else(|| std::env::var("REDIS_URL").ok());
    let url = given.unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let app = app(Connection::new(Settings::from_url(&url)?)?);
    if serve {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
        println!("http://127.0.0.1:3000/home");
        return Ok(axum::serve(listener, app).await?);
    }
    let (text, cookie) = ask(&app, "home", "").await?;
    println!("{text}");
    println!("{}", ask(&app, "home", &cookie).await?.0);
    let (home, cart) = tokio::join!(ask(&app, "home", &cookie), ask(&app, "cart", &cookie));
    println!("{}\n{}", home?.0, cart?.0);
    Ok(())
}
