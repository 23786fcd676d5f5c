//! The name under which Redis lists our connections, so that those of an earlier run can be ended.
//!
//! What a connection carries may rest on the way for minutes: in a proxy, or in a Redis that is frozen. A
//! program that was restarted does not know the connections of the run before, but Redis does, by name.
//! They are ended before anything is written, since what they still carry is older.

use std::sync::Arc;

use super::client_id::ClientId;
use super::raw_connection::{RawConnection, ask_if_permitted};
use crate::Error;
use crate::resp::{Command, Value};

/// What stands before the run in the name of a connection that writes beside the delivery for a while, such as a retry
/// of dead letters. It is ended together with the delivery's connections.
const PART: &str = "retry:";

/// A name for one use of Redis, and a number for this run of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientName {
    /// `kenwell:` and what the connections are for, up to the colon before the run.
    family: String,
    run: String,
}

impl ClientName {
    /// A new run. Of `user` only what Redis allows in names is kept.
    pub(super) fn new(user: &str) -> Self {
        let mut run = [0; 8];
        if let Err(error) = getrandom::fill(&mut run) {
            tracing::debug!(%error, "no random bytes");
        }
        let user: String = user.chars().filter(char::is_ascii_graphic).collect();
        Self {
            family: format!("kenwell:{user}:"),
            run: format!("{:016x}", u64::from_ne_bytes(run)),
        }
    }

    /// Tells Redis the name.
    pub(super) async fn set(&self, raw: &RawConnection, address: &Arc<str>) -> Result<(), Error> {
        let name = format!("{}{}", self.family, self.run);
        let command = Command::new("CLIENT").arg("SETNAME").arg(name).take();
        let told = ask_if_permitted(raw, &command, "CLIENT SETNAME", address).await;
        told.map(drop)
    }

    /// Ends the connections of earlier runs. A server that does not let us do that is used all the same: the
    /// doctor tells what is missing.
    pub(super) async fn end_earlier_runs(
        &self,
        raw: &RawConnection,
        address: &Arc<str>,
    ) -> Result<(), Error> {
        let list = Command::new("CLIENT").arg("LIST").take();
        let listed = ask_if_permitted(raw, &list, "CLIENT LIST", address).await?;
        let Some(Value::BulkString(listed)) = listed else {
            return Ok(());
        };
        for client_id in self.earlier(&String::from_utf8_lossy(&listed)) {
            tracing::info!(redis.address = %address, "a connection of an earlier run is still open at Redis and is ended");
            ask_if_permitted(raw, &client_id.kill(), "CLIENT KILL", address).await?;
        }
        Ok(())
    }

    /// Those in an answer to `CLIENT LIST` that have our name and another run, or the name of a part of ours.
    fn earlier(&self, listed: &str) -> Vec<ClientId> {
        let is_earlier = |line: &&str| {
            let name = line.split(' ').find_map(|pair| pair.strip_prefix("name="));
            let run = name.and_then(|name| name.strip_prefix(&self.family));
            let run = run.map(|run| run.strip_prefix(PART).unwrap_or(run));
            run.is_some_and(|run| run != self.run && !run.contains(':'))
        };
        let earlier = listed.lines().filter(is_earlier);
        earlier.filter_map(ClientId::read_line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_other_runs_of_the_same_name_are_earlier() {
        let ours = ClientName::new("i1:profiles");
        let own = format!("{}{}", ours.family, ours.run);
        let listed: Vec<_> = [
            own.as_str(),
            "kenwell:i1:profiles:0123456789abcdef",
            "kenwell:i1:profiles-2:0123456789abcdef",
            "kenwell:i2:profiles:0123456789abcdef",
            "kenwell:i1:profiles:marker:0123456789abcdef",
            "kenwell:i1:profiles:retry:0123456789abcdef",
            "somebody",
            "",
        ]
        .iter()
        .enumerate()
        .map(|(id, name)| format!("id={id} addr=h:{id} laddr=h:9 fd=8 name={name} age=1 cmd=hset"))
        .collect();
        let earlier = ours.earlier(&listed.join("\n"));
        assert_eq!(earlier.len(), 2);
        let killed = String::from_utf8(earlier[0].kill().encoded()).unwrap();
        assert!(killed.contains("h:1"), "{killed}");
    }
}
