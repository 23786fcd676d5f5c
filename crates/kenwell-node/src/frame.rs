//! The byte form of what JavaScript asks: many requests in one buffer, one call into native code.
//!
//! ```text
//! batch   = request*
//! request = id:u32 operation:u8 body
//!   1 fetch           reads:u32 (text refresh:u32)* profile:u8 [text]     refresh 0: leave the expiry alone
//!   2 store           writes:u32 (text text ttl:u32)*                     ttl 0: none
//!   3 store unchanged expected:u32 (text present:u8 [text])* writes:u32 (text text ttl:u32)*
//!   4 remove          keys:u32 text*
//!   5 touch           keys:u32 (text list:u8 ttl:u32)*                    list 1: it is one, else a value; ttl 0: leave it as it is
//!   6 exist           keys:u32 text*
//!   7 inspect         keys:u32 text*
//!   8 append          items:u32 text* text size:u32 ttl:u32               items of a list, the oldest first, and its key
//!   9 items           size:u32 text                                       the head of the list at a key
//! text    = length:u32 bytes
//! ```
//!
//! Numbers are little-endian. `lib/native.js` writes it.

use kenwell::state::values::{Expected, Read, Request, Touch, ValueType, Write};

use crate::operation::{Operation, Question};

/// What is wrong with a batch. It can only come from a defect in our own JavaScript.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    /// The buffer ends in the middle of a request.
    #[error("a request is cut off")]
    CutOff,
    /// A number that names no operation.
    #[error("operation {0} does not exist")]
    Operation(u8),
}

/// The operations of a batch, and of each the number under which JavaScript waits for its answer.
pub(crate) fn requests(batch: &[u8]) -> Result<(Vec<u32>, Vec<Operation>), Malformed> {
    let mut rest = Rest(batch);
    let mut ids = Vec::new();
    let mut operations = Vec::new();
    while !rest.0.is_empty() {
        ids.push(rest.number()?);
        operations.push(match rest.byte()? {
            kind @ 1..=4 => Operation::Values(request(kind, &mut rest)?),
            kind => Operation::Alone(question(kind, &mut rest)?),
        });
    }
    Ok((ids, operations))
}

fn question(kind: u8, rest: &mut Rest<'_>) -> Result<Question, Malformed> {
    match kind {
        5 => Ok(Question::Touch(rest.list(|rest| {
            Ok(Touch {
                key: rest.text()?,
                value_type: match rest.byte()? {
                    0 => ValueType::String,
                    _ => ValueType::List,
                },
                ttl_seconds: rest.seconds()?,
            })
        })?)),
        6 => Ok(Question::Exist(rest.list(Rest::text)?)),
        7 => Ok(Question::Inspect(rest.list(Rest::text)?)),
        8 => Ok(Question::Append {
            items: rest.list(Rest::text)?,
            key: rest.text()?,
            size: rest.number()? as usize,
            ttl_seconds: rest.seconds()?,
        }),
        9 => Ok(Question::Items {
            size: rest.number()? as usize,
            key: rest.text()?,
        }),
        other => Err(Malformed::Operation(other)),
    }
}

fn request(kind: u8, rest: &mut Rest<'_>) -> Result<Request, Malformed> {
    match kind {
        1 => Ok(Request::Fetch {
            reads: rest.list(read)?,
            profile_key: rest.option()?,
        }),
        2 => Ok(Request::Store {
            writes: rest.list(write)?,
        }),
        3 => Ok(Request::StoreUnchanged {
            expected: rest.list(|rest| {
                Ok(Expected {
                    key: rest.text()?,
                    value: rest.option()?,
                })
            })?,
            writes: rest.list(write)?,
        }),
        4 => Ok(Request::Remove {
            keys: rest.list(Rest::text)?,
        }),
        other => Err(Malformed::Operation(other)),
    }
}

fn read(rest: &mut Rest<'_>) -> Result<Read, Malformed> {
    Ok(Read {
        key: rest.text()?,
        refresh_seconds: rest.seconds()?,
    })
}

fn write(rest: &mut Rest<'_>) -> Result<Write, Malformed> {
    Ok(Write {
        key: rest.text()?,
        value: rest.text()?,
        ttl_seconds: rest.seconds()?,
    })
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed::CutOff)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u32, Malformed> {
        let (number, rest) = self.0.split_first_chunk().ok_or(Malformed::CutOff)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*number))
    }

    fn text(&mut self) -> Result<Vec<u8>, Malformed> {
        let length = self.number()? as usize;
        let (text, rest) = self.0.split_at_checked(length).ok_or(Malformed::CutOff)?;
        self.0 = rest;
        Ok(text.to_vec())
    }

    fn option(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        match self.byte()? {
            0 => Ok(None),
            _ => self.text().map(Some),
        }
    }

    /// A number of seconds, where 0 means none.
    fn seconds(&mut self) -> Result<Option<u64>, Malformed> {
        let seconds = u64::from(self.number()?);
        Ok((seconds > 0).then_some(seconds))
    }

    fn list<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        (0..self.number()?).map(|_| item(self)).collect()
    }
}
