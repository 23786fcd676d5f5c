//! Answers on their way back: their byte form, and the one call that wakes JavaScript for many of them.
//!
//! ```text
//! answers = answer*
//! answer  = id:u32 kind:u8 body
//!   1 fetched   values:u32 value* profile:u8 [pairs:u32 (text text)*]
//!     value   = 0 | 1 text (not there | there) | 2 text (an error, as below)
//!   2 stored
//!   3 compared  stored:u8, and other answers that are yes or no
//!   4 removed   keys:u32
//!   5 failed    text, the JSON of `failure`
//!   6 inspected keys:u32 presence*
//!     presence = 0 | (1 text | 2) stays:u8 [milliseconds:f64]   not there | a value | something else
//!   7 items     items:u32 text*
//! text    = length:u32 bytes
//! ```
//!
//! `lib/native.js` reads it.

use std::mem;
use std::sync::{Mutex, OnceLock, PoisonError};

use kenwell::state;
use kenwell::state::values::{Answer, Fetched, Presence};
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Result, Status};

use crate::failure;
use crate::frame::Malformed;
use crate::operation::Outcome;

/// Weak, so that it does not keep the process alive; room for one call, because one call takes all answers.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 1>;

/// A number that JavaScript gives to no request.
const EVERYTHING: u32 = u32::MAX;

/// The answers that JavaScript has not taken yet. Bounded by the number of requests that JavaScript lets wait.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Vec<u8>>,
    wake: OnceLock<Wake>,
}

impl Outbox {
    /// Wakes JavaScript by this function. Only the first one counts.
    pub(crate) fn listen(&self, wake: Function<'_, (), ()>) -> Result<()> {
        let wake = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .max_queue_size::<1>()
            .build()?;
        self.wake.get_or_init(|| wake);
        Ok(())
    }

    /// Adds answers, and wakes JavaScript if nobody has done so yet.
    pub(crate) fn put(&self, answers: Answers) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.is_empty();
        if first {
            *waiting = answers.0;
        } else {
            waiting.extend_from_slice(&answers.0);
        }
        drop(waiting);
        if first && let Some(wake) = self.wake.get() {
            // A full queue has a call on its way already, and a closing environment wants no answers.
            let _status = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    pub(crate) fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Answers in their byte form.
#[derive(Default)]
pub(crate) struct Answers(Vec<u8>);

impl Answers {
    pub(crate) fn push(&mut self, id: u32, result: std::result::Result<Outcome, state::Error>) {
        self.number(id);
        match result {
            Ok(Outcome::Values(answer)) => self.answer(answer),
            Ok(Outcome::Done) => self.0.push(2),
            Ok(Outcome::Flag(flag)) => self.0.extend([3, u8::from(flag)]),
            Ok(Outcome::Presences(found)) => {
                self.0.push(6);
                self.count(found.len());
                for presence in found {
                    self.presence(presence);
                }
            }
            Ok(Outcome::Items(items)) => {
                self.0.push(7);
                self.count(items.len());
                for item in items {
                    self.text(&item);
                }
            }
            Err(error) => {
                self.0.push(5);
                self.text(failure::describe(&error).as_bytes());
            }
        }
    }

    fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Fetched(fetched) => {
                self.0.push(1);
                self.fetched(fetched);
            }
            Answer::Stored => self.0.push(2),
            Answer::Compared { stored } => self.0.extend([3, u8::from(stored)]),
            Answer::Removed(keys) => {
                self.0.push(4);
                self.number(u32::try_from(keys).unwrap_or(u32::MAX));
            }
        }
    }

    fn presence(&mut self, presence: Option<Presence>) {
        let Some(Presence { value, left }) = presence else {
            return self.0.push(0);
        };
        match value {
            Some(value) => {
                self.0.push(1);
                self.text(&value);
            }
            None => self.0.push(2),
        }
        self.0.push(u8::from(left.is_some()));
        if let Some(left) = left {
            // JavaScript's numbers; what they cannot count exactly is longer than 285,000 years.
            #[expect(
                clippy::cast_precision_loss,
                reason = "whole numbers up to 2^53 are exact"
            )]
            self.0.extend_from_slice(&(left as f64).to_le_bytes());
        }
    }

    /// The answer to every request there is: nobody knows which ones the batch held.
    pub(crate) fn push_broken(&mut self, malformed: &Malformed) {
        self.number(EVERYTHING);
        self.0.push(5);
        self.text(failure::broken(malformed).as_bytes());
    }

    fn fetched(&mut self, fetched: Fetched) {
        self.count(fetched.values.len());
        for value in fetched.values {
            match value {
                Ok(None) => self.0.push(0),
                Ok(Some(value)) => {
                    self.0.push(1);
                    self.text(&value);
                }
                Err(error) => {
                    self.0.push(2);
                    self.text(failure::describe(&error).as_bytes());
                }
            }
        }
        match fetched.profile {
            None => self.0.push(0),
            Some(fields) => {
                self.0.push(1);
                self.count(fields.len());
                for (name, value) in fields {
                    self.text(&name);
                    self.text(&value);
                }
            }
        }
    }

    fn number(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Redis itself has no value of 4 GiB and no command of so many arguments.
    fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &[u8]) {
        self.count(text.len());
        self.0.extend_from_slice(text);
    }
}
