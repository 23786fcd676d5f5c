//! The way from a pipeline to the server or servers that execute it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::Settings;
use super::client_name::ClientName;
use super::cluster::Cluster;
use super::command_buffer::CommandBuffer;
use super::deadline::Deadline;
use super::group::{Answers, Group};
use super::key_order::KeyOrder;
use super::send_options::SendOptions;
use super::sentinel::SentinelMaster;
use super::server_connection::ServerConnection;
use crate::Error;
use crate::resp::{Command, Pipeline, Value};

/// One multiplexed connection to Redis: to a standalone server, to each master of a cluster, or to
/// whatever server the Sentinels call the master.
///
/// Opens lazily, and again after it broke; never by itself sends a command again that may have been
/// executed. Clones share the sockets; [`another`](Self::another) gives some of its own.
///
/// # Order
///
/// A caller that awaits each pipeline before it sends the next gets them executed in that order, also
/// across broken connections and time-outs: an error closes the socket for good before the next one
/// opens. Callers who share a connection have no order among them, so give each order of writes its own connection.
/// In a cluster this holds for each key. Calls of the [state store](crate::state) need not wait for each
/// other: those on one key, through one connection and its clones, keep the order in which they were begun.
///
/// # Runtimes
///
/// It may be used from several runtimes. When the one on which a socket was opened stands still, calls on
/// others replace the socket after about a second.
///
/// # Failover
///
/// Redis replicates asynchronously: what a master has confirmed and not yet passed on is lost with
/// it, and what it confirms after another one took its place too. Behind Sentinels a master that was
/// replaced while it lives is left within about a second; the caller repeats whatever was not
/// confirmed.
#[derive(Clone)]
pub struct Connection {
    settings: Arc<Settings>,
    route: Route,
    name: Option<Arc<ClientName>>,
    order: Arc<KeyOrder>,
}

#[derive(Clone)]
enum Route {
    Standalone(ServerConnection),
    Cluster(Arc<Cluster>),
    Sentinel(Arc<SentinelMaster>),
}

impl Connection {
    /// Checks the settings. Nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let mut targets = settings.targets()?;
        if settings.secure && settings.skip_verify {
            tracing::warn!(
                redis.address = %settings.address,
                "skip_verify is on: any certificate is accepted, so anyone on the way can read and change what is sent"
            );
        }
        let route = if settings.cluster_mode {
            Route::Cluster(Arc::new(Cluster::new(settings.clone(), targets)?))
        } else if let Some(master) = settings.sentinel_master.as_deref() {
            Route::Sentinel(Arc::new(SentinelMaster::new(&settings, master, targets)?))
        } else {
            let target = targets
                .pop()
                .ok_or_else(|| Error::wrong_setting("address", "it is missing"))?;
            Route::Standalone(ServerConnection::new(settings.clone(), target, None))
        };
        Ok(Self {
            settings: Arc::new(settings),
            route,
            name: None,
            order: Arc::default(),
        })
    }

    /// A second connection with the same settings and sockets of its own. What one of them learns
    /// about a cluster the other one knows too.
    #[must_use]
    pub fn another(&self) -> Self {
        self.opened_as(self.name.clone())
    }

    /// A second connection for one `user` of Redis, such as a destination of an installation: its sockets
    /// have a name there (`CLIENT SETNAME`) that says so. Before it writes anything it ends the
    /// connections that an earlier run of the same user left behind, in this process or another, so that
    /// nothing they still carry can overwrite what is newer. There must be only one at a time; its
    /// [others](Self::another) belong to it.
    ///
    /// Where the server refuses that (`CLIENT LIST`, `CLIENT KILL`) it goes on without.
    #[must_use]
    pub fn named(&self, user: &str) -> Self {
        self.opened_as(Some(Arc::new(ClientName::new(user))))
    }

    /// A second connection whose own sockets have this name.
    fn opened_as(&self, name: Option<Arc<ClientName>>) -> Self {
        let same = name.clone();
        Self {
            settings: Arc::clone(&self.settings),
            route: match &self.route {
                Route::Standalone(node) => Route::Standalone(node.named(same)),
                Route::Cluster(cluster) => Route::Cluster(cluster.named(same)),
                Route::Sentinel(sentinel) => Route::Sentinel(sentinel.named(same)),
            },
            name,
            order: Arc::default(),
        }
    }

    /// The settings it was made from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The address or addresses as the settings give them, for logs.
    pub fn address(&self) -> &str {
        self.settings.address.trim()
    }

    /// Asks for a sign of life (`PING`), connecting first if need be. In a cluster every master
    /// must give one.
    pub async fn ping(&self) -> Result<(), Error> {
        self.check_runtime()?;
        let ping = Command::new("PING");
        match &self.route {
            Route::Cluster(cluster) => cluster.ask_masters("PING", &ping).await,
            _ => self.one("PING", ping).await.map(drop),
        }
    }

    /// Sends one command, called `name` in errors, and gives its reply.
    pub(crate) async fn one(&self, name: &'static str, command: Command) -> Result<Value, Error> {
        let mut pipeline = Pipeline::new();
        pipeline.add_command(command);
        let mut replies = self.send(name, &pipeline).await?.into_iter();
        replies.next().unwrap_or_else(|| Err(self.unexpected(name)))
    }

    /// The error for a reply that `command` never gives.
    pub(crate) fn unexpected(&self, command: &'static str) -> Error {
        Error::Unexpected {
            address: self.address().into(),
            command,
        }
    }

    /// Sends groups in one round trip, each executed as a whole or not at all, and reads every
    /// reply: what each command of each group answered.
    ///
    /// In a cluster a group is cut by slot. Failed connections are told as [`send`](Self::send)
    /// tells them.
    pub(crate) async fn send_groups(
        &self,
        command: &'static str,
        groups: &[Group],
        options: SendOptions<'_>,
    ) -> Result<Vec<Answers>, Error> {
        self.check_runtime()?;
        match &self.route {
            Route::Standalone(node) => node.send_groups(command, groups, options).await,
            // Boxed, so that the calls of a single server are small.
            Route::Cluster(cluster) => {
                Box::pin(async {
                    options.wait_for_older().await?;
                    cluster.send_groups(command, groups, options.limit).await
                })
                .await
            }
            Route::Sentinel(sentinel) => {
                let master = sentinel.master(options.limit).await?;
                master.send_groups(command, groups, options).await
            }
        }
    }

    /// The connections to single servers that it has used.
    pub(super) fn servers(&self) -> Vec<ServerConnection> {
        match &self.route {
            Route::Standalone(node) => vec![node.clone()],
            Route::Cluster(cluster) => cluster.servers(),
            Route::Sentinel(sentinel) => sentinel.servers(),
        }
    }

    /// The calls under way, by key.
    pub(crate) fn order(&self) -> &Arc<KeyOrder> {
        &self.order
    }

    /// The longest that a call of the state store may take, counted from now.
    pub(crate) fn limit(&self) -> Deadline {
        let Settings {
            connect_timeout,
            command_timeout,
            ..
        } = *self.settings;
        Deadline::of(connect_timeout.max(command_timeout))
    }

    /// Whether keys of different slots can not be used in one step.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.route, Route::Cluster(_))
    }

    /// Sends a pipeline whole to the one server that has this key, also the commands without a key,
    /// and reads every reply. Nothing follows a redirection.
    pub(crate) async fn send_to_holder(
        &self,
        key: &[u8],
        command: &'static str,
        pipeline: &Pipeline,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        self.check_runtime()?;
        match &self.route {
            Route::Cluster(cluster) => cluster.send_to_holder(key, command, pipeline).await,
            _ => self.send(command, pipeline).await,
        }
    }

    /// For each master of a cluster that has none of these slots, the first one that it has; nothing
    /// elsewhere.
    pub(crate) async fn uncovered(&self, slots: &BTreeSet<u16>) -> Result<Vec<u16>, Error> {
        self.check_runtime()?;
        match &self.route {
            Route::Cluster(cluster) => cluster.uncovered(slots).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Sends a pipeline and reads every reply: one result for each command, in order.
    ///
    /// In a cluster the first argument of each command must be its key. An `Err` for the whole, or
    /// for a command that a node of a cluster did not answer, means that the connection failed, and
    /// the command may or may not have been executed.
    pub(crate) async fn send(
        &self,
        command: &'static str,
        pipeline: &Pipeline,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        self.check_runtime()?;
        match &self.route {
            Route::Standalone(node) => node.send(command, pipeline, SendOptions::default()).await,
            Route::Cluster(cluster) => cluster.send(command, pipeline, None).await,
            Route::Sentinel(sentinel) => {
                let master = sentinel.master(None).await?;
                master.send(command, pipeline, SendOptions::default()).await
            }
        }
    }

    /// Sends commands in one pipeline, and gives one result for each command, in order. What was answered before
    /// a failure keeps its answer. Only silence ends the wait: [`Settings::command_timeout`] without a byte that
    /// moves.
    ///
    /// In a cluster the first argument of each command must be its key.
    pub(crate) async fn send_while_moving(
        &self,
        command: &'static str,
        commands: CommandBuffer,
    ) -> Answers {
        let count = commands.len();
        if let Err(error) = self.check_runtime() {
            return vec![Err(error); count];
        }
        let sent = match &self.route {
            Route::Standalone(node) => return node.send_while_moving(command, commands).await,
            Route::Cluster(cluster) => cluster.send_while_moving(command, &commands).await,
            Route::Sentinel(sentinel) => match sentinel.master(None).await {
                Ok(master) => return master.send_while_moving(command, commands).await,
                Err(error) => Err(error),
            },
        };
        sent.unwrap_or_else(|error| vec![Err(error); count])
    }

    /// Sends pipelines one after the other, all on one socket: `first`, and then what `next` makes of the answers to the one
    /// before, until it gives `None`. When the socket fails nothing more is sent. In a cluster, which has several sockets,
    /// nothing is.
    ///
    /// What a socket keeps between commands (`WATCH`) is whole only when nothing else is sent on this connection.
    pub(crate) async fn converse(
        &self,
        command: &'static str,
        first: CommandBuffer,
        next: impl FnMut(Answers) -> Result<Option<CommandBuffer>, Error>,
    ) -> Result<(), Error> {
        self.check_runtime()?;
        match &self.route {
            Route::Standalone(node) => node.converse(command, first, next).await,
            Route::Cluster(_) => Ok(()),
            Route::Sentinel(sentinel) => {
                let master = sentinel.master(None).await?;
                master.converse(command, first, next).await
            }
        }
    }

    /// The node of a cluster that has a key, as far as is known; `None` where there is only one server.
    pub(crate) fn node_of(&self, key: &[u8]) -> Option<Arc<str>> {
        match &self.route {
            Route::Cluster(cluster) => cluster.node_of(key),
            _ => None,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
