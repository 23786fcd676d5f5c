//! Answers on their way to an event loop, and the one byte that wakes it for many of them.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

/// Makes the Python object that an answer is.
pub(crate) type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// The answers for one event loop. The loop watches [`fileno`](Self::fileno), and takes them when it is readable.
#[pyclass(frozen, module = "kenwell._native")]
pub(crate) struct Outbox {
    shared: Arc<Shared>,
}

/// What the event loop and the package's thread share.
pub(crate) struct Shared {
    answers: Mutex<Vec<(u64, Answer)>>,
    /// A byte that is written here makes the other end readable.
    bell: UnixStream,
    watched: UnixStream,
}

#[pymethods]
impl Outbox {
    #[new]
    fn new() -> PyResult<Self> {
        let (bell, watched) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        watched.set_nonblocking(true)?;
        let answers = Mutex::default();
        let shared = Arc::new(Shared {
            answers,
            bell,
            watched,
        });
        Ok(Self { shared })
    }

    /// What to watch.
    fn fileno(&self) -> i32 {
        self.shared.watched.as_raw_fd()
    }

    /// All answers that came since the last call, each with the number of its call: an object, a `Failure`, or an exception.
    fn take(&self, py: Python<'_>) -> PyResult<Vec<(u64, Py<PyAny>)>> {
        self.shared.silence()?;
        let answers = std::mem::take(&mut *self.shared.answers());
        let made = answers.into_iter().map(|(call, answer)| {
            let made = answer(py).unwrap_or_else(|error| error.into_value(py).into_any());
            (call, made)
        });
        Ok(made.collect())
    }
}

impl Outbox {
    /// The place for the answer of one call.
    pub(crate) fn slot(&self, call: u64) -> AnswerSlot {
        AnswerSlot {
            shared: Arc::clone(&self.shared),
            call,
            answer: None,
        }
    }
}

impl Shared {
    fn answers(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Answer)>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, call: u64, answer: Answer) {
        let mut answers = self.answers();
        answers.push((call, answer));
        if answers.len() == 1 {
            // It can only be full when it is readable already, and only be gone when nobody reads any more.
            drop((&self.bell).write_all(&[0]));
        }
    }

    /// Reads what woke the loop, before the answers are taken: what comes in between wakes it once more.
    fn silence(&self) -> PyResult<()> {
        let mut bytes = [0; 64];
        loop {
            match (&self.watched).read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The place for the answer of one call: it is sent when this is dropped, so every call is answered, also one that panics.
pub(crate) struct AnswerSlot {
    shared: Arc<Shared>,
    call: u64,
    answer: Option<Answer>,
}

impl AnswerSlot {
    /// Sends the answer.
    pub(crate) fn fill(mut self, answer: Answer) {
        self.answer = Some(answer);
    }
}

impl Drop for AnswerSlot {
    fn drop(&mut self) {
        let defect = || crate::failure::Failure::defect("a call ended without an answer");
        let answer = self.answer.take();
        let answer = answer.unwrap_or_else(|| Box::new(move |py| defect().give(py)));
        self.shared.put(self.call, answer);
    }
}
