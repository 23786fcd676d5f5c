//! The package's one thread: every connection of the process, whatever Python does meanwhile.

use std::io;
use std::process;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle};

/// Started by the first call of a process; ends with it. Only a thread that is attached to Python asks for it, so that it is
/// never locked at the moment of a fork.
static RUNTIME: Mutex<Option<Started>> = Mutex::new(None);

/// A runtime, and the process that its thread runs in.
struct Started {
    process: u32,
    handle: Handle,
}

/// The runtime of this process. A fork leaves threads behind, so a child begins with one of its own.
pub(crate) fn handle() -> io::Result<Handle> {
    let mut started = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let process = process::id();
    if let Some(started) = &*started
        && started.process == process
    {
        return Ok(started.handle.clone());
    }
    let handle = start()?;
    *started = Some(Started {
        process,
        handle: handle.clone(),
    });
    Ok(handle)
}

/// One thread is enough: it only moves bytes, and a second one would take the processor from Python and Redis.
fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("kenwell".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}
