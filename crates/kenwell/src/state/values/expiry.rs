//! A new time to live for what is the store's own: not for what somebody else keeps at the same key.

use crate::connection::CommandBuffer;
use crate::resp::Argument;

/// What is stored at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// A value, as a save leaves it.
    String,
    /// A list, as a history list is one.
    List,
}

impl ValueType {
    /// A command that reads it, without its key, and is refused at a key of another type. None of them takes a right
    /// that reading does not take.
    fn reading(self) -> &'static [&'static [u8]] {
        match self {
            Self::String => &[b"GET"],
            Self::List => &[b"LRANGE", b"0", b"0"],
        }
    }
}

/// `EXPIRE`, once the value was read: 1, or 0 where there is none. `EXPIRE` alone does not look at the type, and in a
/// transaction the commands behind one that is refused are executed all the same.
const SCRIPT: &[u8] = b"\
local found = redis.pcall(ARGV[2], KEYS[1], unpack(ARGV, 3)) \
if type(found) == 'table' and found.err then return found end \
return redis.pcall('EXPIRE', KEYS[1], ARGV[1])";

/// Adds the command that lets what is at a key live that long from now on, if it is of this type; else Redis refuses
/// it (`WRONGTYPE`).
pub(super) fn add_expiry(
    commands: &mut CommandBuffer,
    key: &[u8],
    value_type: ValueType,
    seconds: u64,
) {
    seconds.with_bytes(|seconds| {
        let call = [b"EVAL", SCRIPT, b"1", key, seconds];
        commands.add_arguments(&[&call[..], value_type.reading()].concat());
    });
}
