//! A request's head, read whole and put right before hyper sees it.
//!
//! hyper's parser is stricter about targets than senders are, and answers what it cannot read by itself: without
//! CORS and without being counted. So `reader` stands between the connection and hyper. It gathers each head in
//! bounded `memory`, `parse`s it, and gives hyper what it can read: nearly always the very bytes, and
//! otherwise those that `rewrite` makes of them, or a stand-in for a head that is refused. Where the next head
//! begins follows from what hyper itself made of this one (`exchange`), or from its `chunked_body`. How long a sender is waited
//! for is the `sender_timeout`.
//!
//! A `whole_request`, which came in one piece and whose head has nothing unusual, is not given to hyper at all, if the
//! gateway takes it: its `response` is written here.

mod chunked_body;
mod exchange;
mod memory;
#[cfg(test)]
mod model;
mod parse;
mod reader;
mod response;
mod rewrite;
mod sender_timeout;
mod whole_request;

pub(super) use exchange::Exchange;
pub(super) use memory::HeadMemory;
pub(super) use reader::HeadReader;
pub(super) use rewrite::{MAX_HEADERS, MAX_REWRITTEN_BYTES};
pub(super) use whole_request::WholeRequest;
