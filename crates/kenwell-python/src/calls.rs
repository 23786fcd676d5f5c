//! Beginning a call for Python, and giving it the answer.

use std::process;
use std::sync::OnceLock;
use std::time::Duration;

use kenwell::state::Error;
use pyo3::prelude::*;
use tokio_util::task::TaskTracker;

use crate::failure::Failure;
use crate::outbox::Outbox;
use crate::runtime;

/// Makes the Python object for a result.
pub(crate) type Give<T> = fn(Python<'_>, T) -> PyResult<Py<PyAny>>;

/// Where the answer to a call goes: an event loop's outbox, and the call's number there.
pub(crate) struct Caller<'a> {
    pub(crate) outbox: &'a Outbox,
    pub(crate) call: u64,
}

impl Caller<'_> {
    /// Answers a call that does not begin.
    pub(crate) fn refuse(&self, why: Failure) {
        let slot = self.outbox.slot(self.call);
        slot.fill(Box::new(|py| why.give(py)));
    }
}

/// The calls on one connection. They belong to the process that makes the first of them: sockets and threads do not survive a
/// fork.
#[derive(Default)]
pub(crate) struct Calls {
    process: OnceLock<u32>,
    under_way: TaskTracker,
}

impl Calls {
    /// Begins a call, unless the connection was closed. Calls take effect in the order in which they are begun; each is
    /// answered exactly once, and counts as under way until then.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        caller: &Caller<'_>,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
        give: Give<T>,
    ) -> PyResult<()> {
        if self.under_way.is_closed() {
            caller.refuse(Failure::closed());
            return Ok(());
        }
        self.begin_uncounted(caller, self.under_way.track_future(work), give)
    }

    /// The same for a call that waits for the others to end.
    pub(crate) fn begin_uncounted<T: Send + 'static>(
        &self,
        caller: &Caller<'_>,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
        give: Give<T>,
    ) -> PyResult<()> {
        if !self.belong_to_this_process() {
            caller.refuse(Failure::forked());
            return Ok(());
        }
        let slot = caller.outbox.slot(caller.call);
        runtime::handle()?.spawn(async move {
            let result = work.await;
            slot.fill(Box::new(move |py| match result {
                Ok(value) => give(py, value),
                Err(error) => Failure::of(&error).give(py),
            }));
        });
        Ok(())
    }

    /// Lets no more calls begin, and gives those that were not answered yet.
    pub(crate) fn close(&self) -> TaskTracker {
        self.under_way.close();
        self.under_way.clone()
    }

    fn belong_to_this_process(&self) -> bool {
        let this = process::id();
        *self.process.get_or_init(|| this) == this
    }
}

/// Waits until all of these calls, after which no more begin, were answered, at most so long: whether they were.
pub(crate) async fn ended(calls: TaskTracker, limit: Duration) -> bool {
    tokio::time::timeout(limit, calls.wait()).await.is_ok()
}
