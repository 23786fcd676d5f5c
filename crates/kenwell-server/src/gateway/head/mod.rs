//! A request's head, read whole and put right before hyper sees it.
//!
//! hyper's parser is stricter about targets than senders are, and answers what it cannot read by itself: without
//! CORS and without being counted. So `reader` stands between the connection and hyper. It gathers each head in
//! bounded `room`, has `check` look at it, and gives hyper what it can read: nearly always the very bytes, and
//! otherwise those that `rewrite` makes of them, or a stand-in for a head that is refused. Where the next head
//! begins follows from what hyper itself made of this one (`exchange`), or from its `chunks`.

mod check;
mod chunks;
mod exchange;
#[cfg(test)]
mod model;
mod reader;
mod rewrite;
mod room;

pub(super) use check::MAX_HEADERS;
pub(super) use exchange::Exchange;
pub(super) use reader::HeadReader;
pub(super) use rewrite::MAX_REWRITTEN_BYTES;
pub(super) use room::HeadRoom;
