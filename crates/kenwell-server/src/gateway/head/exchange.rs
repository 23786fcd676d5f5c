//! The request at hand, shared by the reader of heads and the gateway, which answers it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Request;
use hyper::body::{Body, Incoming};

use crate::gateway::refusal::Refusal;

/// How a request's body is delimited, as hyper understood it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks, the last of which is empty.
    Chunked,
}

/// The request at hand of one connection.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Exchange {
    state: Mutex<ExchangeState>,
}

#[derive(Debug, Default)]
struct ExchangeState {
    /// Why the head could not be given to hyper, which got a stand-in.
    refused: Option<Refusal>,
    framing: Option<Framing>,
}

impl Exchange {
    /// Notes that the next request only stands in for one that is refused.
    pub(super) fn refuse(&self, refusal: Refusal) {
        self.state().refused = Some(refusal);
    }

    /// Takes note of a request that hyper has read; to be called before hyper reads on. Returns why it has
    /// to be refused, when it only stands in for another one.
    pub(in crate::gateway) fn begin(&self, request: &Request<Incoming>) -> Option<Refusal> {
        self.read(match request.body().size_hint().exact() {
            Some(length) => Framing::Length(length),
            None => Framing::Chunked,
        })
    }

    /// The same, once it is known how the body is delimited.
    pub(super) fn read(&self, framing: Framing) -> Option<Refusal> {
        let mut state = self.state();
        state.framing = Some(framing);
        state.refused.take()
    }

    /// How the body is delimited; nothing when hyper has not made a request of the head.
    pub(super) fn framing(&self) -> Option<Framing> {
        self.state().framing.take()
    }

    fn state(&self) -> MutexGuard<'_, ExchangeState> {
        // Each change is complete in itself, so a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
