//! The thread that moves a connection's bytes while others wait for their answers.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::async_code::is_async_code;
use super::waiting::wait_for;
use crate::Error;

/// How long the drop of a connection's last clone waits for its thread to end: the look-up of a host's name may be under
/// way, which cannot be broken off.
pub const END_LIMIT: Duration = Duration::from_secs(1);

/// A runtime on a thread of its own. It ends when it is dropped.
pub(super) struct RuntimeThread {
    /// The server, for errors.
    address: Arc<str>,
    handle: Handle,
    /// Dropped, it ends the thread.
    running: Option<oneshot::Sender<()>>,
    /// Fails when the thread has ended.
    ended: Mutex<Receiver<()>>,
}

impl RuntimeThread {
    /// Starts the thread for the connection to this server.
    pub(super) fn start(address: &str) -> Result<Self, Error> {
        let address: Arc<str> = address.into();
        let failed = |source| Error::Connect {
            address: Arc::clone(&address),
            source: Arc::new(source),
        };
        let (running, ending) = oneshot::channel();
        let (tell_started, started) = channel();
        let (tell_ended, ended) = channel();
        let run = move || run(&tell_started, ending, &tell_ended);
        let thread = thread::Builder::new().name("kenwell".to_owned()).spawn(run);
        thread.map_err(failed)?;
        let started = started.recv();
        let handle = started.map_err(|_ended| failed(io::Error::other("its thread has ended")))?;
        Ok(Self {
            handle: handle.map_err(failed)?,
            running: Some(running),
            ended: Mutex::new(ended),
            address,
        })
    }

    /// Waits for a call, whose sockets and timers are the thread's.
    pub(super) fn wait_for<T>(&self, call: impl Future<Output = T>) -> Result<T, Error> {
        if is_async_code() {
            return Err(Error::WithinAsync {
                address: Arc::clone(&self.address),
            });
        }
        let _entered = self.handle.enter();
        Ok(wait_for(call))
    }
}

/// What the thread does.
fn run(
    tell_started: &Sender<io::Result<Handle>>,
    ending: oneshot::Receiver<()>,
    _tell_ended: &Sender<()>,
) {
    let built = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    match built {
        Err(error) => {
            // Whoever started the thread waits for this.
            let _told = tell_started.send(Err(error));
        }
        Ok(runtime) => {
            let _told = tell_started.send(Ok(runtime.handle().clone()));
            // Nothing is ever sent: it ends when the other side is dropped.
            let _dropped = runtime.block_on(ending);
            runtime.shutdown_timeout(END_LIMIT);
        }
    }
}

impl Drop for RuntimeThread {
    fn drop(&mut self) {
        drop(self.running.take());
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ended = ended.recv_timeout(END_LIMIT);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_runs_on_it_ends_with_it() {
        let thread = RuntimeThread::start("h:1").unwrap();
        let held = Arc::new(());
        let clone = Arc::clone(&held);
        thread.handle.spawn(async move {
            pending::<()>().await;
            drop(clone);
        });
        drop(thread);
        // On a busy machine the drop may have gone on before.
        let began = Instant::now();
        while Arc::strong_count(&held) > 1 {
            assert!(began.elapsed() < Duration::from_mins(1));
            thread::yield_now();
        }
    }

    #[test]
    fn its_drop_does_not_wait_for_what_cannot_be_broken_off() {
        let thread = RuntimeThread::start("h:1").unwrap();
        let (release, released) = channel::<()>();
        let (tell_begun, begun) = channel();
        thread.handle.spawn_blocking(move || {
            tell_begun.send(()).unwrap();
            released.recv()
        });
        begun.recv().unwrap();
        drop(thread);
        // It still waits.
        release.send(()).unwrap();
    }
}
