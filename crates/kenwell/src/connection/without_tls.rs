//! Stands in for TLS where the feature `tls` is off: whoever asks for it is told so.

use super::Settings;
use super::address::Address;
use crate::Error;

/// There is none.
#[derive(Clone)]
pub(super) enum TlsClient {}

impl TlsClient {
    pub(super) fn new(_settings: &Settings, _address: &Address) -> Result<Self, Error> {
        Err(Error::left_out("secure", "tls"))
    }

    pub(super) fn alert(&self, _error: Error) -> Error {
        match *self {}
    }
}
