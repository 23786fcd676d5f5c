//! Stands in for Sentinels where the feature `sentinel` is off: whoever asks for them is told so.

use std::sync::Arc;

use super::Settings;
use super::client_name::ClientName;
use super::deadline::Deadline;
use super::server_connection::ServerConnection;
use super::target::Target;
use crate::Error;

/// There is none.
pub(super) enum SentinelMaster {}

impl SentinelMaster {
    pub(super) fn new(
        _settings: &Settings,
        _name: &str,
        _sentinels: Vec<Target>,
    ) -> Result<Self, Error> {
        Err(Error::left_out("sentinel_master", "sentinel"))
    }

    pub(super) fn named(&self, _name: Option<Arc<ClientName>>) -> Arc<Self> {
        match *self {}
    }

    pub(super) async fn master(&self, _limit: Option<Deadline>) -> Result<ServerConnection, Error> {
        match *self {}
    }

    pub(super) fn servers(&self) -> Vec<ServerConnection> {
        match *self {}
    }
}
