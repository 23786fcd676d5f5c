//! Stands in for clusters where the feature `cluster` is off: whoever asks for one is told so.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Settings;
use super::client_name::ClientName;
use super::command_buffer::CommandBuffer;
use super::deadline::Deadline;
use super::group::{Answers, Group};
use super::server_connection::ServerConnection;
use super::target::Target;
use crate::Error;
use crate::resp::{Command, Pipeline};

/// There is none.
pub(super) enum Cluster {}

impl Cluster {
    pub(super) fn new(_settings: Settings, _seeds: Vec<Target>) -> Result<Self, Error> {
        Err(Error::left_out("cluster_mode", "cluster"))
    }

    pub(super) fn named(&self, _name: Option<Arc<ClientName>>) -> Arc<Self> {
        match *self {}
    }

    pub(super) async fn send(
        &self,
        _command: &'static str,
        _pipeline: &Pipeline,
        _limit: Option<Deadline>,
    ) -> Result<Answers, Error> {
        match *self {}
    }

    pub(super) async fn send_while_moving(
        &self,
        _command: &'static str,
        _commands: &CommandBuffer,
    ) -> Result<Answers, Error> {
        match *self {}
    }

    pub(super) async fn send_groups(
        &self,
        _command: &'static str,
        _groups: &[Group],
        _limit: Option<Deadline>,
    ) -> Result<Vec<Answers>, Error> {
        match *self {}
    }

    pub(super) async fn send_to_holder(
        &self,
        _key: &[u8],
        _command: &'static str,
        _pipeline: &Pipeline,
    ) -> Result<Answers, Error> {
        match *self {}
    }

    pub(super) async fn ask_masters(
        &self,
        _command: &'static str,
        _asked: &Command,
    ) -> Result<(), Error> {
        match *self {}
    }

    pub(super) async fn uncovered(&self, _slots: &BTreeSet<u16>) -> Result<Vec<u16>, Error> {
        match *self {}
    }

    pub(super) fn node_of(&self, _key: &[u8]) -> Option<Arc<str>> {
        match *self {}
    }

    pub(super) fn servers(&self) -> Vec<ServerConnection> {
        match *self {}
    }
}
