//! Calls on one key take effect in the order in which they were begun, whatever breaks.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use kenwell::connection::Connection;
use kenwell::state::values::Append;
use kenwell::state::{StateStore, values};
use serde_json::json;

use super::values::{read, texts, write};
use crate::support::link::{Flow, Link};
use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

type Begun<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls a call for the first time: that is when it begins.
pub(crate) async fn begin<'a, T>(call: impl Future<Output = T> + Send + 'a) -> Begun<'a, T>
where
    T: Send + 'a,
{
    let mut call: Begun<'a, Option<T>> = Box::pin(async { Some(call.await) });
    let came = poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(came) => Poll::Ready(came),
        Poll::Pending => Poll::Ready(None),
    });
    match came.await {
        Some(came) => Box::pin(async { came }),
        None => Box::pin(async { call.await.unwrap() }),
    }
}

fn connection(link: &Link) -> Connection {
    let settings = kenwell::connection::Settings::new(link.address());
    Connection::new(settings).unwrap()
}

#[derive(Clone, Copy)]
enum Newer {
    Save,
    Delete,
}

/// Sixty calls are under way, one of them `save(ada, v1)`. The connection breaks before anything was
/// executed, and a newer call on `ada` begins.
async fn what_is_left_of(newer: Newer) -> Vec<Option<String>> {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let connection = connection(&link);
    let mut left = Vec::new();
    for _round in 0..30 {
        connection.ping().await.unwrap();
        link.let_flow(Flow::Hold, Flow::Carry);
        let older = (0..60).map(|number| {
            let connection = connection.clone();
            let key = if number == 30 {
                "ada".into()
            } else {
                format!("k{number}")
            };
            async move { values::store(&connection, &[write(&key, "v1")]).await }
        });
        let mut under_way = Vec::new();
        for call in older {
            under_way.push(tokio::spawn(begin(call).await));
        }
        link.let_flow(Flow::Swallow, Flow::Carry);
        link.cut();
        match newer {
            Newer::Save => values::store(&connection, &[write("ada", "v2")])
                .await
                .unwrap(),
            Newer::Delete => {
                values::remove(&connection, &[b"ada".to_vec()])
                    .await
                    .unwrap();
            }
        }
        for call in under_way {
            // The newer one may have been sent before anybody knew that the connection is dead.
            if let Err(error) = call.await.unwrap() {
                assert!(error.to_string().contains("overtaken"), "{error}");
            }
        }
        let fetched = values::fetch(&connection, &[read("ada")], None).await;
        left.extend(texts(fetched.unwrap()));
    }
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_is_repeated_never_undoes_a_newer_save() {
    let left = what_is_left_of(Newer::Save).await;
    assert!(
        left.iter().all(|left| left.as_deref() == Some("v2")),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_is_repeated_never_brings_back_what_was_deleted() {
    let left = what_is_left_of(Newer::Delete).await;
    assert!(left.iter().all(Option::is_none), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_for_the_connection_are_sent_in_the_order_in_which_they_began() {
    let server = Server::start(&[]);
    for round in 0..30 {
        // Opens with the first call of each round.
        let connection = server.connection();
        let mut under_way = Vec::new();
        for number in 0..20 {
            let connection = connection.clone();
            let call = async move {
                values::store(&connection, &[write("ada", &number.to_string())]).await
            };
            under_way.push(tokio::spawn(begin(call).await));
        }
        for call in under_way {
            call.await.unwrap().unwrap();
        }
        assert_eq!(server.cli(&["GET", "ada"]), "19", "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_lost_after_a_newer_one_was_sent_is_not_repeated() {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let connection = connection(&link);
    connection.ping().await.unwrap();
    // Both are executed, and nobody hears of it.
    link.let_flow(Flow::Carry, Flow::Swallow);
    let (first, second) = ([write("ada", "1")], [write("ada", "2")]);
    let older = begin(values::store(&connection, &first)).await;
    let newer = begin(values::store(&connection, &second)).await;
    while server.cli(&["GET", "ada"]) != "2" {}
    link.cut();
    let (older, newer) = tokio::join!(older, newer);
    newer.unwrap();
    let error = older.unwrap_err();
    assert!(
        error.to_string().contains("overtaken") && !error.is_retryable(),
        "{error}"
    );
    let stats = server.cli(&["INFO", "commandstats"]);
    assert!(stats.contains("cmdstat_set:calls=3"), "{stats}");
}

#[tokio::test]
async fn calls_that_wait_for_others_to_be_written_keep_their_order() {
    let server = Server::start(&[]);
    let connection = server.connection();
    connection.ping().await.unwrap();
    let mut calls = Vec::new();
    for number in 0..80 {
        let connection = connection.clone();
        let call =
            async move { values::store(&connection, &[write("ada", &number.to_string())]).await };
        calls.push(begin(call).await);
    }
    // Whoever is looked at first must not be written first.
    calls.reverse();
    let first = calls.split_off(30).into_iter().map(tokio::spawn);
    let first: Vec<_> = first.collect();
    for done in futures_util::future::join_all(calls).await {
        done.unwrap();
    }
    for call in first {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.cli(&["GET", "ada"]), "79");
}

#[tokio::test]
async fn hooks_that_take_their_time_change_no_order() {
    let server = Server::start(&[]);
    let store = StateStore::builder(server.connection())
        .on_encode_value_async(|value| async move {
            // The first save waits for longest.
            let wait = if value.bytes.windows(7).any(|part| part == b"\"first\"") {
                200
            } else {
                0
            };
            tokio::time::sleep(Duration::from_millis(wait)).await;
            Ok::<_, std::io::Error>(value.bytes)
        })
        .build()
        .unwrap();
    let (mut first, mut second) = (with_user(&json!("first")), with_user(&json!("second")));
    let first = begin(store.save("ada", &mut first)).await;
    let second = begin(store.save("ada", &mut second)).await;
    let other = store.delete("grace");
    let (second, first, other) = tokio::join!(second, first, other);
    first.and(second).unwrap();
    assert!(!other.unwrap());
    let stored = server.cli(&["GET", "data:ada"]);
    assert!(stored.contains("second"), "{stored}");
}

/// A user who may not end connections.
fn without_kill(server: &Server, link: &Link) -> Connection {
    let rights = [
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">pw",
        "~*",
        "+@all",
        "-client|kill",
    ];
    assert_eq!(server.cli(&rights), "OK");
    let mut settings = kenwell::connection::Settings::new(link.address());
    settings.username = Some("app".to_owned());
    settings.password = Some(kenwell::connection::Secret::new("pw"));
    settings.command_timeout = Duration::from_secs(3);
    Connection::new(settings).unwrap()
}

#[tokio::test]
async fn what_an_older_call_may_still_undo_is_not_confirmed() {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let connection = without_kill(&server, &link);
    connection.ping().await.unwrap();
    link.let_flow(Flow::Hold, Flow::Carry);
    let late = values::store(&connection, &[write("ada", "1")]).await;
    late.unwrap_err();
    let (newer, other) = ([write("ada", "2")], [write("grace", "2")]);
    let newer = values::store(&connection, &newer).await.unwrap_err();
    assert!(newer.to_string().contains("+client|kill"), "{newer}");
    values::store(&connection, &other).await.unwrap();
    let removed = values::remove(&connection, &[b"ada".to_vec()]).await;
    removed.unwrap_err();
    // It does come late.
    link.let_flow(Flow::Carry, Flow::Carry);
    while server.cli(&["GET", "ada"]) != "1" {}
}

#[tokio::test]
async fn what_was_refused_will_undo_nothing() {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let connection = without_kill(&server, &link);
    server.cli(&["SET", "ada", "1"]);
    let append = Append {
        key: b"ada",
        items: &[b"item"],
        size: 1,
        ttl_seconds: None,
    };
    let refused = values::append(&connection, &append).await.unwrap_err();
    assert!(refused.to_string().contains("WRONGTYPE"), "{refused}");
    // The connection is given up for another reason.
    link.let_flow(Flow::Hold, Flow::Carry);
    let late = values::fetch(&connection, &[read("grace")], None).await;
    late.unwrap_err();
    values::store(&connection, &[write("ada", "2")])
        .await
        .unwrap();
}
