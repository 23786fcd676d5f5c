//! Outside of a runtime there is an error; and a connection outlives the runtime on which it was opened, and may be used
//! from several.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Barrier, mpsc};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use kenwell::Error as RedisError;
use kenwell::connection::{Connection, Settings};
use kenwell::state::{Error, Record, StateStore};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::update::{add_one, store, visits};
use crate::support::cluster::{Cluster, eventually};
use crate::support::link::{Flow, Link};
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

#[test]
fn without_a_runtime_there_is_an_error_that_says_so() {
    let server = Server::start(&[]);
    let cluster = Cluster::start();
    let sentinels = Sentinels::start();
    for settings in [server.settings(), cluster.settings(), sentinels.settings()] {
        let connection = kenwell::connection::Connection::new(settings).unwrap();
        let store = store(connection.clone());
        let mut record = Record::new();
        let is_said = |error: Option<Option<Error>>| {
            let error = error.flatten().unwrap();
            let is_it = matches!(error, Error::Redis(RedisError::NoRuntime { .. }));
            assert!(is_it && error.to_string().contains("tokio"), "{error}");
        };
        is_said(store.load("ada").map(Result::err).now_or_never());
        is_said(
            store
                .save("ada", &mut record)
                .map(Result::err)
                .now_or_never(),
        );
        is_said(
            store
                .save_if_unchanged("ada", &mut record)
                .map(Result::err)
                .now_or_never(),
        );
        is_said(store.delete("ada").map(Result::err).now_or_never());
        let close = store.close(Duration::from_secs(1));
        is_said(close.map(Result::err).now_or_never());
        let ping = connection.ping().now_or_never().unwrap();
        assert!(
            matches!(ping, Err(RedisError::NoRuntime { .. })),
            "{ping:?}"
        );
    }
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap()
}

/// One that runs by itself, also while nobody waits for something on it.
fn running_runtime() -> Runtime {
    let mut runtime = Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn a_connection_outlives_the_runtime_on_which_it_was_opened() {
    let server = Server::start(&[]);
    let cluster = Cluster::start();
    let sentinels = Sentinels::start();
    for settings in [server.settings(), cluster.settings(), sentinels.settings()] {
        let connection = Connection::new(settings).unwrap();
        let store = store(connection.clone());
        for visits in 1..=3 {
            runtime().block_on(async {
                connection.ping().await.unwrap();
                let found = store.load("ada").await.unwrap();
                let before = found.and_then(|record| record.user::<u32>().unwrap());
                assert_eq!(before.unwrap_or(0), visits - 1);
                let mut record = with_user(&json!(visits));
                store.save("ada", &mut record).await.unwrap();
                let layout = kenwell::profile::Layout::default();
                let profile = kenwell::profile::read(&connection, &layout, "ada").await;
                assert_eq!(profile.unwrap(), None);
            });
        }
    }
}

/// Makes a call on a runtime while its connection is another one's, on which it was opened. The link lets flow what is
/// said to and from Redis; once the call has begun, `meanwhile` happens to the other runtime, and then all flows. What
/// it gives back stays until the call is over.
fn on_another_runtime<T, M>(
    (to_redis, from_redis): (Flow, Flow),
    call: impl AsyncFnOnce(&StateStore) -> T,
    meanwhile: impl FnOnce(Runtime, &Server) -> M,
) -> T {
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let settings = Settings {
        command_timeout: Duration::from_mins(1),
        ..Settings::new(link.address())
    };
    let store = store(Connection::new(settings).unwrap());
    let (first, second) = (running_runtime(), runtime());
    first
        .block_on(store.save("bob", &mut Record::new()))
        .unwrap();
    link.let_flow(to_redis, from_redis);
    let (result, _held) = second.block_on(async {
        let mut call = pin!(call(&store));
        let begin = poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
        assert!(begin.await.is_pending());
        let held = meanwhile(first, &server);
        link.let_flow(Flow::Carry, Flow::Carry);
        (call.await, held)
    });
    result
}

/// A call that is under way when the runtime ends on which its connection was opened.
fn while_the_runtime_ends<T>(call: impl AsyncFnOnce(&StateStore) -> T) -> T {
    let ends = |first: Runtime, _: &Server| first.shutdown_background();
    on_another_runtime((Flow::Hold, Flow::Carry), call, ends)
}

#[test]
fn a_call_that_may_be_repeated_survives_the_end_of_another_runtime() {
    let saved = while_the_runtime_ends(async |store| {
        store.save("ada", &mut with_user(&json!(1))).await?;
        store.load("ada").await
    });
    assert_eq!(saved.unwrap().unwrap().user::<u32>().unwrap(), Some(1));
}

#[test]
fn one_that_may_not_says_that_nobody_knows() {
    let unknown = while_the_runtime_ends(async |store| {
        store.save_if_unchanged("ada", &mut Record::new()).await
    });
    assert!(
        matches!(unknown, Err(Error::Uncertain { .. })),
        "{unknown:?}"
    );
}

/// A call whose request was sent, and whose answer is not read: the runtime on which its connection was opened stands
/// still in between.
fn while_the_runtime_stands_still<T>(call: impl AsyncFnOnce(&StateStore) -> T) -> T {
    let stands_still = |first: Runtime, server: &Server| {
        eventually("the save", || {
            (server.cli(&["EXISTS", "data:ada"]) == "1").then_some(())
        });
        let (stands_still, until_then) = mpsc::channel();
        let (go_on, until_told) = mpsc::channel::<()>();
        first.spawn(async move {
            stands_still.send(()).unwrap();
            // Nobody sends anything.
            let _told = until_told.recv();
        });
        until_then.recv().unwrap();
        // It goes on before it is dropped, which waits for it.
        (go_on, first)
    };
    on_another_runtime((Flow::Carry, Flow::Hold), call, stands_still)
}

#[test]
fn a_runtime_that_does_not_read_an_answer_holds_up_no_other_one_until_the_time_out() {
    let saved = while_the_runtime_stands_still(async |store| {
        store.save("ada", &mut with_user(&json!(1))).await
    });
    saved.unwrap();
}

#[test]
fn what_may_not_be_repeated_is_then_uncertain_before_the_time_out() {
    let unknown = while_the_runtime_stands_still(async |store| {
        store.save_if_unchanged("ada", &mut Record::new()).await
    });
    let is_lost = matches!(
        unknown,
        Err(Error::Uncertain {
            source: RedisError::Lost { .. }
        })
    );
    assert!(is_lost, "{unknown:?}");
}

#[test]
fn several_runtimes_use_one_connection_at_once() {
    const RUNTIMES: u32 = 3;
    const TIMES: u32 = 20;
    let server = Server::start(&[]);
    let store = store(server.connection());
    let all_done = Barrier::new(RUNTIMES as usize);
    std::thread::scope(|scope| {
        for _runtime in 0..RUNTIMES {
            let (store, all_done) = (store.clone(), &all_done);
            scope.spawn(move || {
                let runtime = running_runtime();
                runtime.block_on(async {
                    for _time in 0..TIMES {
                        store.update("ada", add_one).await.unwrap();
                    }
                });
                // The sockets are on one of them, and end with it.
                all_done.wait();
            });
        }
    });
    let visits = runtime().block_on(visits(&store));
    assert_eq!(visits, RUNTIMES * TIMES);
}
