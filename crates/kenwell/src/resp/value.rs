//! What Redis answers with.

use crate::reply::Reply;

/// One value of an answer, in the second version of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing is there.
    Nil,
    /// A number.
    Int(i64),
    /// Bytes.
    BulkString(Vec<u8>),
    /// Values, which may be lists themselves.
    Array(Vec<Value>),
    /// A line of text.
    SimpleString(String),
    /// The line `OK`.
    Okay,
    /// Why a command was refused.
    Error(Reply),
}
