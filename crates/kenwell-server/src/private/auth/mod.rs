//! Who may use the private plane: those who have the admin key, and the browsers in which they signed in.

mod access;
mod attempts;
mod digest;
mod key;
mod key_file;
mod one_time_tokens;
mod random;
mod sessions;

pub(crate) use access::Access;
pub(crate) use access::{Caller, SignInError};
pub(crate) use attempts::RetryAfter;
pub(crate) use key::AdminKey;
pub(crate) use key_file::{ResetEffect, reset};
pub(crate) use one_time_tokens::LIFETIME as ONE_TIME_TOKEN_LIFETIME;
pub(crate) use random::new_key;
pub(crate) use sessions::Session;
use sessions::Sessions;
