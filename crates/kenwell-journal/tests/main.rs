//! The journal as its users see it, as one program: alone, each file would be compiled and linked with all that they share.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a step that fails is a test that fails"
)]

mod support;

mod append_and_read;
mod cursors;
mod damage;
mod formats;
mod model;
mod range_reader;
mod replay;
mod retention;
mod snapshot;
