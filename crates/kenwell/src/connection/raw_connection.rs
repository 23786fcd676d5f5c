//! One open connection: its socket, the task that moves its bytes, and asking on it.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::client_id::ClientId;
use super::command_queue::{Broken, CommandQueue, Replies, Request, closed, command_queue};
use super::draining_socket::{DrainingSocket, LastActivity};
use super::liveness::Liveness;
use super::socket_task::{ProtocolFault, SocketTask, fault_of};
use crate::Error;
use crate::resp::{Command, Value};

/// How long closing a socket may take. It is the matter of one moment, unless the runtime on which the
/// connection was opened stands still; then nothing is written any more either.
pub(super) const CLOSING: Duration = Duration::from_millis(200);

/// An open connection and the task that moves its bytes.
pub(super) struct RawConnection {
    pub(super) queue: CommandQueue,
    driver: JoinHandle<()>,
    /// When a byte moved last.
    pub(super) activity: Arc<LastActivity>,
    pub(super) liveness: Arc<Liveness>,
    /// Why nothing more is read, if the server said what it cannot say.
    pub(super) fault: ProtocolFault,
    /// What the server calls this connection, if it told.
    pub(super) client_id: Option<ClientId>,
    /// Whether the server was made to forget the connection before.
    pub(super) has_fenced: bool,
}

impl RawConnection {
    /// Whether the server, or the network, has closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Has the socket closed, soon.
    pub(super) fn abort(&self) {
        self.driver.abort();
    }

    /// Closes the socket before returning, so that nothing sent on it can be executed after what
    /// a later connection sends.
    pub(super) async fn close(mut self) {
        self.abort();
        // The result only says that the task was cancelled, or that its runtime is gone.
        let _cancelled = timeout(CLOSING, &mut self.driver).await;
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        self.abort();
    }
}

/// Begins to speak Redis on an open socket. Nothing is sent yet.
pub(super) fn start<S>(stream: S) -> RawConnection
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let socket = DrainingSocket::new(stream);
    let activity = Arc::clone(socket.activity());
    let (queue, requests) = command_queue();
    let task = SocketTask::new(socket, requests);
    let fault = Arc::clone(task.fault());
    let liveness = Liveness::new();
    RawConnection {
        queue,
        driver: tokio::spawn(Arc::clone(&liveness).watch(task.run())),
        activity,
        liveness,
        fault,
        client_id: None,
        has_fenced: false,
    }
}

/// Asks for something that not every server does for everybody; `None` when it is refused for good.
///
/// A refusal may also be temporary: a quota, or a proxy without its server. Taken for a lasting one, it would leave
/// the connection without a name, or its predecessor alive, for as long as it lives. So `PING` shows whether the
/// server does anything for us now, and then the command is sent once more.
pub(super) async fn ask_if_permitted(
    raw: &RawConnection,
    command: &Command,
    name: &'static str,
    address: &Arc<str>,
) -> Result<Option<Value>, Error> {
    match ask(raw, command, name, address).await {
        Err(Error::Refused { reply, .. }) if reply.is_lasting() => return Ok(None),
        Err(Error::Refused { .. }) => {}
        answer => return answer.map(Some),
    }
    match ask(raw, &Command::new("PING"), "PING", address).await {
        // Users may not have the right to it, but what else refuses it refuses everything.
        Err(Error::Refused { reply, .. }) if reply.is_lasting() => {}
        Err(error) => return Err(error.while_opening()),
        Ok(_) => {}
    }
    match ask(raw, command, name, address).await {
        Err(Error::Refused { .. }) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Sends one command; several may be under way.
pub(super) async fn ask(
    raw: &RawConnection,
    command: &Command,
    name: &'static str,
    address: &Arc<str>,
) -> Result<Value, Error> {
    let request = Request {
        bytes: command.encoded(),
        commands: 1,
        has_short_replies: false,
    };
    let replies = raw.liveness.await_reply(raw.queue.push(request)).await;
    let values = replies.and_then(Replies::all);
    match values.map(|mut values| values.pop()) {
        Ok(Some(Value::Error(reply))) => Err(Error::Refused {
            address: Arc::clone(address),
            command: name,
            reply,
        }),
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(lost(closed(), &raw.fault, name, address)),
        Err(source) => Err(lost(source, &raw.fault, name, address)),
    }
}

/// The error for a connection that broke. What was wrong with the server's answer says more than that we
/// gave the connection up.
pub(super) fn lost(
    source: Broken,
    fault: &ProtocolFault,
    command: &'static str,
    address: &Arc<str>,
) -> Error {
    let source = fault_of(fault).map_or(source, Arc::new);
    Error::Lost {
        address: Arc::clone(address),
        command,
        source,
    }
}
