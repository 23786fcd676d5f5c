//! Requests of one session that overlap.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, StatusCode, header};
use axum::routing::get;
use tokio::sync::Barrier;
use tower::ServiceExt;
use tower_sessions::session::Id;
use tower_sessions::{Session, SessionManagerLayer};

use super::{session, store, stored};
use crate::support::server::Server;

/// What a session holds under a name.
async fn held(session: &Session, name: &str) -> Option<u32> {
    session.get(name).await.unwrap()
}

#[tokio::test]
async fn of_a_thousand_rounds_no_change_is_lost() {
    let server = Server::start(&[]);
    // As two programs.
    let (one, two) = (server.connection(), server.connection());
    let id = stored(&one).await;
    for round in 0..1_000_u32 {
        let (first, second) = (session(Some(id), &one), session(Some(id), &two));
        for request in [&first, &second] {
            let before = round.checked_sub(1);
            assert_eq!(held(request, "first").await, before);
            assert_eq!(held(request, "second").await, before);
        }
        first.insert("first", round).await.unwrap();
        second.insert("second", round).await.unwrap();
        let (saved, saved_too) = tokio::join!(first.save(), second.save());
        saved.unwrap();
        saved_too.unwrap();
    }
    let after = session(Some(id), &one);
    assert_eq!(held(&after, "first").await, Some(999));
    assert_eq!(held(&after, "second").await, Some(999));
}

#[tokio::test]
async fn a_request_may_save_several_times() {
    let server = Server::start(&[]);
    let connection = server.connection();
    // The first save creates it; others change it in between.
    let request = session(None, &connection);
    request.insert("step", 1).await.unwrap();
    request.save().await.unwrap();
    let id = request.id();
    let other = session(id, &connection);
    other.insert("theirs", 1).await.unwrap();
    other.save().await.unwrap();
    for step in 2..4 {
        request.insert("step", step).await.unwrap();
        request.save().await.unwrap();
    }
    let after = session(id, &connection);
    assert_eq!(held(&after, "step").await, Some(3));
    assert_eq!(held(&after, "theirs").await, Some(1));
}

#[tokio::test]
async fn what_one_removes_stays_removed_and_a_clear_clears_all() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let id = Some(stored(&connection).await);
    let (one, two) = (session(id, &connection), session(id, &connection));
    two.load().await.unwrap();
    one.remove::<bool>("begun").await.unwrap();
    two.insert("two", 2).await.unwrap();
    one.save().await.unwrap();
    two.save().await.unwrap();
    let after = session(id, &connection);
    assert_eq!(after.get_value("begun").await.unwrap(), None);
    assert_eq!(held(&after, "two").await, Some(2));
    after.clear().await;
    after.insert("three", 3).await.unwrap();
    after.save().await.unwrap();
    let after = session(id, &connection);
    assert_eq!(held(&after, "two").await, None);
    assert_eq!(held(&after, "three").await, Some(3));
}

#[tokio::test]
async fn whoever_logs_out_is_not_logged_in_again_by_a_request_that_is_late() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let id = Some(stored(&connection).await);
    let (late, logout) = (session(id, &connection), session(id, &connection));
    late.insert("late", 1).await.unwrap();
    logout.flush().await.unwrap();
    late.save().await.unwrap();
    assert_eq!(server.cli(&["DBSIZE"]), "0");
    // The same for one that gets a new id.
    let id = Some(stored(&connection).await);
    let (late, login) = (session(id, &connection), session(id, &connection));
    late.insert("late", 1).await.unwrap();
    login.cycle_id().await.unwrap();
    login.save().await.unwrap();
    late.save().await.unwrap();
    assert_eq!(server.cli(&["DBSIZE"]), "1");
    let after = session(login.id(), &connection);
    assert_eq!(after.get::<bool>("begun").await.unwrap(), Some(true));
    assert_ne!(login.id(), id);
}

/// Each request has the session before it changes it, as two pages that a browser loads at once.
fn app(server: &Server, both: &Arc<Barrier>) -> Router {
    let both = Arc::clone(both);
    let set = get(async move |session: Session, Path(name): Path<String>| {
        let before = session.get::<u32>(&name).await.unwrap().unwrap_or(0);
        both.wait().await;
        session.insert(&name, before + 1).await.unwrap();
    });
    let layer = SessionManagerLayer::new(store(server));
    Router::new().route("/{name}", set).layer(layer)
}

async fn ask(app: &Router, name: &str, id: Id) -> StatusCode {
    let request = Request::get(format!("/{name}")).header(header::COOKIE, format!("id={id}"));
    let request = request.body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn pages_that_a_browser_loads_at_once_lose_nothing() {
    let server = Server::start(&[]);
    let connection = server.connection();
    let id = stored(&connection).await;
    let app = app(&server, &Arc::new(Barrier::new(2)));
    for _round in 0..50 {
        let (one, two) = tokio::join!(ask(&app, "one", id), ask(&app, "two", id));
        assert_eq!((one, two), (StatusCode::OK, StatusCode::OK));
    }
    let after = session(Some(id), &connection);
    assert_eq!(held(&after, "one").await, Some(50));
    assert_eq!(held(&after, "two").await, Some(50));
}
