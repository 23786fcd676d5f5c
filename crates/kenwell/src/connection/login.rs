//! Login: `AUTH`, `SELECT`, and what the server says about itself, in one round trip.

use std::sync::Arc;

use futures_util::future::join_all;

use super::client_id::ClientId;
use super::credentials::Credentials;
use super::raw_connection::{RawConnection, ask, ask_if_permitted};
use crate::resp::{Command, Value};
use crate::{Class, Error};

/// What the server said about itself and about the connection.
pub(super) struct LoginReply {
    /// The answer to `HELLO`, if it knows that.
    pub(super) hello: Option<Value>,
    pub(super) client_id: Option<ClientId>,
}

/// Logs in and selects the database.
pub(super) async fn log_in(
    raw: &RawConnection,
    credentials: Option<&Credentials>,
    database: i64,
    address: &Arc<str>,
) -> Result<LoginReply, Error> {
    let named = credentials.map(Credentials::named);
    let refused = match send_login(raw, named, database, address).await {
        Err(error) if predates_users(&error) => error,
        outcome => return outcome,
    };
    match credentials.and_then(Credentials::unnamed) {
        Some(unnamed) => send_login(raw, Some(unnamed), database, address).await,
        None => Err(refused),
    }
}

/// Redis 5 and older have no users and want the password alone.
fn predates_users(error: &Error) -> bool {
    matches!(error, Error::Refused { reply, .. } if reply.text().contains("wrong number of arguments"))
}

/// Sends all at once. `AUTH` and `SELECT` must succeed. Of the others only those refusals count that
/// concern the whole connection: an old server does not know all of them, and a restricted user may
/// not say all of them.
///
/// `PING` is there for servers that want a password and find fault with the others before they say
/// so, and for those that refuse everything now; `CLIENT SETINFO` names this library to the
/// server's operator; every user may say `HELLO`.
async fn send_login(
    raw: &RawConnection,
    auth: Option<Command>,
    database: i64,
    address: &Arc<str>,
) -> Result<LoginReply, Error> {
    let command = |words: &[&str]| Some(Command::default().args(words).take());
    let number = database.to_string();
    let select = command(&["SELECT", &number]).filter(|_| database != 0);
    let commands = [
        ("AUTH", auth),
        ("SELECT", select),
        ("PING", command(&["PING"])),
        (
            "CLIENT SETINFO",
            command(&["CLIENT", "SETINFO", "LIB-NAME", "kenwell"]),
        ),
        ("HELLO", command(&["HELLO", "2"])),
        ("CLIENT INFO", Some(client_info())),
    ];
    // Each by itself and not as one pipeline, so that what a server says before it hangs up is
    // heard; in this order, because each is queued when it is first polled.
    let answers = join_all(commands.iter().map(async |(name, command)| match command {
        Some(command) => ask(raw, command, name, address).await,
        None => Ok(Value::Nil),
    }));
    let Ok([auth, select, ping, setinfo, hello, info]) = <[_; 6]>::try_from(answers.await) else {
        return Err(Error::Unexpected {
            address: Arc::clone(address),
            command: "AUTH",
        });
    };
    auth?;
    select?;
    if let Err(refused) = &ping
        && refused.class() == Class::Unknown
    {
        // In unknown words, such as those of a quota: everything else is refused, too.
        return Err(refused.clone());
    }
    usable_answer(ping)?;
    usable_answer(setinfo)?;
    let hello = usable_answer(hello)?;
    let info = match usable_answer(info.clone())? {
        None if !is_lasting(&info) => {
            ask_if_permitted(raw, &client_info(), "CLIENT INFO", address).await?
        }
        told => told,
    };
    Ok(LoginReply {
        hello,
        client_id: info.as_ref().and_then(ClientId::read),
    })
}

fn is_lasting(answer: &Result<Value, Error>) -> bool {
    matches!(answer, Err(Error::Refused { reply, .. }) if reply.is_lasting())
}

/// Asks what the server calls this connection.
fn client_info() -> Command {
    Command::new("CLIENT").arg("INFO").take()
}

/// The answer, or `None` for a refusal that the connection can live with.
fn usable_answer(answer: Result<Value, Error>) -> Result<Option<Value>, Error> {
    match answer {
        Err(Error::Refused { reply, .. }) if !reply.spoils_connection() => Ok(None),
        answer => answer.map(Some),
    }
}
