//! The addon's one thread: every connection of the process, whatever JavaScript does meanwhile.

use std::io;
use std::sync::{Arc, OnceLock};

use kenwell::connection::Connection;
use tokio::runtime::{Builder, Handle};

use crate::operation::Outcome;
use crate::outbox::{Answers, Outbox};
use crate::{frame, keys, operation};

/// Started by the first batch; ends with the process.
static RUNTIME: OnceLock<Handle> = OnceLock::new();

/// Sends the requests of a batch, and puts their answers into the outbox.
pub(crate) fn run(connection: Connection, batch: Vec<u8>, outbox: Arc<Outbox>) -> io::Result<()> {
    runtime()?.spawn(async move {
        let mut answers = Answers::default();
        match frame::requests(&batch) {
            Ok((ids, operations)) => {
                let results = operation::execute(&connection, operations).await;
                for (id, result) in ids.into_iter().zip(results) {
                    answers.push(id, result);
                }
            }
            Err(malformed) => answers.push_broken(&malformed),
        }
        outbox.put(answers);
    });
    Ok(())
}

/// Lists the keys that begin with a text, and puts them into the outbox as the answer to a request.
pub(crate) fn list(
    connection: Connection,
    id: u32,
    prefix: String,
    limit: usize,
    outbox: Arc<Outbox>,
) -> io::Result<()> {
    runtime()?.spawn(async move {
        let mut answers = Answers::default();
        let keys = keys::with_prefix(connection, &prefix, limit).await;
        let items = keys.map(|keys| Outcome::Items(keys.into_iter().collect()));
        answers.push(id, items.map_err(Into::into));
        outbox.put(answers);
    });
    Ok(())
}

/// One thread is enough: it only moves bytes, and a second one would take the processor from JavaScript and Redis.
fn runtime() -> io::Result<&'static Handle> {
    if let Some(handle) = RUNTIME.get() {
        return Ok(handle);
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    // Of two environments that start at the same moment one starts a thread in vain, which then only waits.
    std::thread::Builder::new()
        .name("kenwell".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(RUNTIME.get_or_init(|| handle))
}
