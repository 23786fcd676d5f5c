//! Outside of a runtime there is an error; and a connection outlives the runtime on which it was opened.

use futures_util::FutureExt;
use kenwell::Error as RedisError;
use kenwell::state::{Error, Record};
use serde_json::json;

use super::update::store;
use crate::support::cluster::Cluster;
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

#[test]
fn without_a_runtime_there_is_an_error_that_says_so() {
    let server = Server::start(&[]);
    let cluster = Cluster::start();
    let sentinels = Sentinels::start("");
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
        let close = store.close(std::time::Duration::from_secs(1));
        is_said(close.map(Result::err).now_or_never());
        let ping = connection.ping().now_or_never().unwrap();
        assert!(
            matches!(ping, Err(RedisError::NoRuntime { .. })),
            "{ping:?}"
        );
    }
}

#[test]
fn a_connection_outlives_the_runtime_on_which_it_was_opened() {
    let server = Server::start(&[]);
    let store = store(server.connection());
    for visits in 1..=3 {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let found = store.load("ada").await.unwrap();
            let before = found.and_then(|record| record.user::<u32>().unwrap());
            assert_eq!(before.unwrap_or(0), visits - 1);
            let mut record = with_user(&json!(visits));
            store.save("ada", &mut record).await.unwrap();
        });
    }
}
