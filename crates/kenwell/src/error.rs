//! Everything that can go wrong between us and Redis, and what to do about it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::class::Class;
use crate::exceeded::Exceeded;
use crate::printable::{printable, words};
use crate::reply::Reply;

/// Why a command did not succeed.
///
/// Messages name the server's address and the command, never a key, a value or a password.
/// Cloning is cheap: every item of a pipeline that was cut off carries the same error.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot work, found without asking the server.
    #[error("redis setting `{setting}`: {problem}")]
    Settings {
        /// The setting's name in the configuration.
        setting: &'static str,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// No connection could be opened: refused, unreachable, unknown host, reset.
    #[error("redis at {address}: cannot connect: {}", words(source))]
    Connect {
        /// The server.
        address: Arc<str>,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The TLS handshake failed: an untrusted certificate, another name, no TLS on the other side.
    #[error(
        "redis at {address}: TLS handshake failed: {}; {}",
        printable(problem),
        printable(cure)
    )]
    Tls {
        /// The server.
        address: Arc<str>,
        /// What is wrong.
        problem: String,
        /// Which setting to change.
        cure: String,
        /// What the handshake failed on.
        source: Arc<io::Error>,
    },
    /// Nothing moved for too long while replies were awaited: no byte went out and none came in.
    #[error("redis at {address}: silent for {} ms during {command}", limit.as_millis())]
    Silent {
        /// The server.
        address: Arc<str>,
        /// The command that was waiting for its reply.
        command: &'static str,
        /// The limit that was exceeded.
        limit: Duration,
    },
    /// Connecting, or the replies to a pipeline, took too long.
    #[error("redis at {address}: {action} took longer than {} ms", limit.as_millis())]
    Timeout {
        /// The server.
        address: Arc<str>,
        /// `connecting`, or the command.
        action: &'static str,
        /// The limit that was exceeded.
        limit: Duration,
    },
    /// The connection broke while a command was under way. It may or may not have been executed.
    #[error(
        "redis at {address}: connection lost during {command}: {}",
        words(source)
    )]
    Lost {
        /// The server.
        address: Arc<str>,
        /// The command that was waiting for its reply.
        command: &'static str,
        /// What broke.
        source: Arc<io::Error>,
    },
    /// The server answered with an error.
    #[error("redis at {address}: {command} refused: {reply}")]
    Refused {
        /// The server.
        address: Arc<str>,
        /// The command that was refused.
        command: &'static str,
        /// The server's answer.
        reply: Reply,
    },
    /// The server does not take a command that a setting needs.
    #[error("redis at {address}: {need}: {reply}; {}", need.cure)]
    Needed {
        /// The server.
        address: Arc<str>,
        /// What was refused, and which setting needs it.
        need: &'static Need,
        /// The server's answer.
        reply: Reply,
    },
    /// The server refuses this command each time, in words that are not known, and takes others like it
    /// in between.
    #[error(
        "redis at {address}: {command} refused each of {times} times, and others taken in between: {reply}"
    )]
    RefusedAlone {
        /// The server.
        address: Arc<str>,
        /// The command that it does not take.
        command: &'static str,
        /// How often it was tried.
        times: u32,
        /// The server's answer.
        reply: Reply,
    },
    /// What the server said to something that was asked while the connection was opened. It says nothing
    /// about what was to be sent.
    #[error("redis at {address}: {command} refused while the connection was opened: {reply}")]
    Opening {
        /// The server.
        address: Arc<str>,
        /// What was refused.
        command: &'static str,
        /// The server's answer.
        reply: Reply,
    },
    /// The server closes the connection whenever it gets this command, and answers in between.
    #[error(
        "redis at {address}: it closed the connection each of {times} times that {command} was sent alone, and answered in between: {exceeded}"
    )]
    Dropped {
        /// The server.
        address: Arc<str>,
        /// The command that it does not take.
        command: &'static str,
        /// How often it was tried.
        times: u32,
        /// The limit of the server that it exceeds, as far as that is known.
        exceeded: Exceeded,
        /// What broke the last time.
        source: Arc<io::Error>,
    },
    /// The server does not let us in.
    #[error("redis at {address}: {reply}; {cure}")]
    Login {
        /// The server.
        address: Arc<str>,
        /// What it said.
        reply: Reply,
        /// Which setting to change.
        cure: Box<str>,
    },
    /// Another kind of server than the settings speak of: a cluster where `cluster_mode` is false,
    /// a standalone server where it is true, a Sentinel, or none.
    #[error("redis at {address}: {problem}")]
    OtherKind {
        /// The server.
        address: Arc<str>,
        /// What it is, and which setting to change.
        problem: &'static str,
    },
    /// What should be the master, as the Sentinels or the settings say, is a replica: perhaps they are
    /// switching.
    #[error("redis at {address}: it should be the master, but is a replica")]
    NotMaster {
        /// The server.
        address: Arc<str>,
    },
    /// No Sentinel that answered knows a master of this name.
    #[error(
        "sentinel at {address}: no master is called {master}; `sentinel_master` must be the name in its `sentinel monitor` line"
    )]
    UnknownMaster {
        /// The last Sentinel that was asked.
        address: Arc<str>,
        /// The name that was asked for.
        master: Arc<str>,
    },
    /// This program has closed the connection.
    #[error("redis at {address}: this program has closed the connection")]
    Closed {
        /// The server.
        address: Arc<str>,
    },
    /// Nothing can be sent outside of a runtime of tokio.
    #[error(
        "redis at {address}: there is no tokio runtime here; call this within one, such as that of #[tokio::main], or enter it by Runtime::block_on"
    )]
    NoRuntime {
        /// The server.
        address: Arc<str>,
    },
    /// A [blocking](crate::blocking) call would hold up the thread of async code.
    #[error(
        "redis at {address}: this call waits, and async code must not; await kenwell::state there, or call this within tokio::task::spawn_blocking"
    )]
    WithinAsync {
        /// The server.
        address: Arc<str>,
    },
    /// The server answered with something that the command never answers with.
    #[error("redis at {address}: unexpected kind of reply to {command}")]
    Unexpected {
        /// The server.
        address: Arc<str>,
        /// The command that was answered.
        command: &'static str,
    },
}

/// A setting that needs a command which not every server takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Need {
    /// The command.
    pub command: &'static str,
    /// The setting's name in the configuration.
    pub setting: &'static str,
    /// What to change where the command is refused.
    pub cure: &'static str,
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command, setting, ..
        } = self;
        write!(formatter, "{command} refused, which `{setting}` needs")
    }
}

impl Error {
    /// The error for a setting that cannot work.
    pub(crate) fn wrong_setting(setting: &'static str, problem: impl Into<String>) -> Self {
        Self::Settings {
            setting,
            problem: problem.into(),
        }
    }

    /// The error for a setting that needs a feature of this library which the program was built without.
    pub(crate) fn left_out(setting: &'static str, feature: &'static str) -> Self {
        let problem = format!(
            "this program was built without it; build it with the feature `{feature}` of kenwell"
        );
        Self::wrong_setting(setting, problem)
    }

    /// What Redis said, when it answered with an error. It is the same whatever the error is called here.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Refused { reply, .. }
            | Self::Needed { reply, .. }
            | Self::RefusedAlone { reply, .. }
            | Self::Opening { reply, .. }
            | Self::Login { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Silent { .. }
            | Self::Lost { .. }
            | Self::NotMaster { .. } => Class::Transient,
            Self::Settings { .. }
            | Self::Tls { .. }
            | Self::Login { .. }
            | Self::OtherKind { .. }
            | Self::UnknownMaster { .. }
            | Self::Closed { .. }
            | Self::NoRuntime { .. }
            | Self::WithinAsync { .. }
            | Self::Unexpected { .. } => Class::Configuration,
            Self::Dropped { .. } | Self::RefusedAlone { .. } => Class::Record,
            Self::Refused { reply, .. } => reply.class(),
            Self::Opening { reply, .. } | Self::Needed { reply, .. } => match reply.class() {
                Class::Transient => Class::Transient,
                _ => Class::Configuration,
            },
        }
    }

    /// Whether the same command can succeed later without being changed: everything but
    /// [`Class::Record`].
    pub fn is_retryable(&self) -> bool {
        self.class() != Class::Record
    }

    /// Whether an operator has to look: what Redis says will not change by itself, as far as is known.
    pub fn needs_operator(&self) -> bool {
        matches!(self.class(), Class::Configuration | Class::Unknown)
    }

    /// Whether no connection could be opened, so that nothing was sent.
    pub(crate) fn is_from_opening(&self) -> bool {
        !matches!(
            self,
            Self::Refused { .. }
                | Self::Lost { .. }
                | Self::Silent { .. }
                | Self::Unexpected { .. }
                | Self::Needed { .. }
                | Self::Dropped { .. }
                | Self::RefusedAlone { .. }
        )
    }

    /// Whether the server answered the command. Otherwise the connection failed, and any command that was
    /// under way may or may not have been executed.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Needed { .. })
    }

    /// The error of a command that a setting needs: never the fault of what was to be written.
    pub(crate) fn needed_by(self, need: &'static Need) -> Self {
        match self {
            Self::Refused { address, reply, .. } => Self::Needed {
                address,
                need,
                reply,
            },
            error => error,
        }
    }

    /// The error of something that was asked before a connection may be used: never a command's fault.
    pub(crate) fn while_opening(self) -> Self {
        match self {
            Self::Refused {
                address,
                command,
                reply,
            } => Self::Opening {
                address,
                command,
                reply,
            },
            error => error,
        }
    }

    /// Whether the connection that gave this error should not be used again.
    pub(crate) fn spoils_connection(&self) -> bool {
        match self {
            Self::Refused { reply, .. } | Self::Needed { reply, .. } => reply.spoils_connection(),
            _ => true,
        }
    }
}
