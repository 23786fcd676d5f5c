//! A marker in Redis that says how much of a log of events its server has, to notice when it came back
//! with less.

use std::collections::BTreeSet;

use super::Layout;
use crate::Error;
use crate::connection::{Connection, slot_of};
use crate::resp::{Pipeline, Value};
use crate::stored::stored_fields;

/// The field of the marker's hash that has the position.
const POSITION: &str = "position";

/// The longest value of `INFO` that tells one server from another, in bytes: Redis' have 40.
const MAX_ID: usize = 256;

/// More tags than it takes to reach every slot of a cluster: without a prefix the last one is found at 109,757.
const MAX_TAG: u32 = 2_000_000;

/// The markers of one destination in its Redis: one for a standalone server; in a cluster one for each
/// master, since masters lose writes one by one.
///
/// A marker is a hash, `[prefix:]kenwell:applied:<installation>:<destination>`, whose field `position`
/// says that everything of the log before it was applied. Redis keeps a beginning of the commands that
/// it executed, whatever happens to it: so a server whose marker says 7 has all that comes before 7, and
/// one that should say 9 has lost something. It is no user's key: those have `user:` after the prefix.
///
/// In a cluster `{<tag>}:` stands before the installation, chosen so that the key has a slot of its
/// master. The markers written to a slot stay with it, also when it moves to another master.
#[derive(Debug, Clone)]
pub struct Marker {
    connection: Connection,
    layout: Layout,
    installation: String,
}

/// A part of a Redis that has a marker of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// In a cluster, the slot of its marker; `None` for a whole Redis.
    pub slot: Option<u16>,
    key: Vec<u8>,
}

/// Which server answers, in which of its lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Changes with each start of the server (`run_id`).
    pub run: String,
    /// Changes when it takes over another server's data, or becomes a master (`master_replid`).
    pub history: String,
}

/// What a server says about itself and its marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerState {
    /// Which server it is; `None` where the user may not ask (`INFO`), or where it does not say.
    pub server: Option<Server>,
    /// What the marker says; `None` when there is none.
    pub position: Option<u64>,
}

impl Marker {
    /// The markers of the destination that `layout` names, seen and written over `connection`.
    /// `installation` tells whose log the positions belong to: several may fill one Redis.
    pub fn new(connection: Connection, layout: Layout, installation: impl Into<String>) -> Self {
        Self {
            connection,
            layout,
            installation: installation.into(),
        }
    }

    /// The same over sockets of its own, which find out anew where their server is.
    #[must_use]
    pub fn another(&self) -> Self {
        Self {
            connection: self.connection.another(),
            ..self.clone()
        }
    }

    /// The glob that matches the keys of all markers below the destination's prefix, as Redis ACLs take
    /// it.
    pub fn pattern(&self) -> String {
        self.layout.marker_pattern()
    }

    /// The part that has its marker in this slot; the whole Redis for `None`.
    pub fn shard(&self, slot: Option<u16>) -> Shard {
        let key = |tag: &str| {
            let (installation, destination) = (&self.installation, &self.layout.destination_id);
            let begin = self.layout.marker_key_start();
            format!("{begin}{tag}{installation}:{destination}").into_bytes()
        };
        let Some(wanted) = slot else {
            return Shard { slot, key: key("") };
        };
        let mut tags = (0..MAX_TAG).map(|tag| key(&format!("{{{tag}}}:")));
        let found = tags.find(|key| slot_of(key) == wanted);
        Shard {
            slot,
            key: found.unwrap_or_else(|| key("")),
        }
    }

    /// The shards that are to be looked at: those `known`, and those of masters that have none of them.
    ///
    /// # Errors
    /// Those of a cluster that does not tell its slots.
    pub async fn shards(&self, known: &[Shard]) -> Result<Vec<Shard>, Error> {
        let mut shards = known.to_vec();
        if !self.connection.is_cluster() || self.has_one_slot() {
            if shards.is_empty() {
                shards.push(self.shard(None));
            }
            return Ok(shards);
        }
        let covered: BTreeSet<u16> = shards.iter().filter_map(|shard| shard.slot).collect();
        let more = self.connection.uncovered(&covered).await?;
        shards.extend(more.into_iter().map(|slot| self.shard(Some(slot))));
        Ok(shards)
    }

    /// Reads what a shard's server says about itself, and what its marker says. One round trip.
    ///
    /// # Errors
    /// Those of the connection, [`Error::NotMaster`] from a replica, and the server's refusal to show
    /// the marker.
    pub async fn read(&self, shard: &Shard) -> Result<MarkerState, Error> {
        self.ask(shard, &questions(shard)).await
    }

    /// Reads as [`read`](Self::read) does, and then sets the marker to `position`: what is returned is the state
    /// before that. One round trip on one connection, so that nothing can change unseen between the two.
    ///
    /// To be called when everything before `position` has been applied and answered.
    ///
    /// # Errors
    /// Those of [`read`](Self::read), and the server's refusal to write. The marker may have been
    /// written even so when the connection broke.
    pub async fn write(&self, shard: &Shard, position: u64) -> Result<MarkerState, Error> {
        let mut pipeline = questions(shard);
        let write = pipeline.cmd("HSET").arg(&shard.key);
        write.arg(POSITION).arg(position);
        self.ask(shard, &pipeline).await
    }

    async fn ask(&self, shard: &Shard, pipeline: &Pipeline) -> Result<MarkerState, Error> {
        const COMMAND: &str = "HGETALL and HSET of its marker";
        let connection = &self.connection;
        let replies = connection.send_to_holder(&shard.key, COMMAND, pipeline);
        let mut replies = replies.await?.into_iter();
        let mut next = || {
            let reply = replies.next();
            reply.unwrap_or_else(|| Err(connection.unexpected(COMMAND)))
        };
        let (server, replication, marker) = (told(next())?, told(next())?, next()?);
        if let Some(written) = replies.next() {
            written?;
        }
        let line = |text: &Option<String>, name| line(text.as_deref().unwrap_or_default(), name);
        if line(&replication, "role").is_some_and(|role| role != "master") {
            return Err(Error::NotMaster {
                address: connection.address().into(),
            });
        }
        let run = line(&server, "run_id");
        let fields = stored_fields(marker).ok_or_else(|| connection.unexpected(COMMAND))?;
        let position = fields
            .iter()
            .find(|(name, _)| name == POSITION.as_bytes())
            .and_then(|(_, value)| str::from_utf8(value).ok()?.parse().ok());
        Ok(MarkerState {
            server: run.map(|run| Server {
                run,
                history: line(&replication, "master_replid").unwrap_or_default(),
            }),
            position,
        })
    }

    /// Whether a hash tag in the prefix puts all keys of the destination into one slot.
    fn has_one_slot(&self) -> bool {
        let start = self.layout.marker_key_start();
        let slot = |more: &str| slot_of(format!("{start}{more}").as_bytes());
        slot("{1}") == slot("{2}") && slot("{1}") == slot("{3}")
    }
}

fn questions(shard: &Shard) -> Pipeline {
    let mut pipeline = Pipeline::new();
    // Redis 6.2 takes one section at a time.
    pipeline.cmd("INFO").arg("server");
    pipeline.cmd("INFO").arg("replication");
    pipeline.cmd("HGETALL").arg(&shard.key);
    pipeline
}

/// The answer to `INFO`; `None` where the server refuses one for good.
fn told(reply: Result<Value, Error>) -> Result<Option<String>, Error> {
    match reply {
        Ok(Value::BulkString(text)) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
        Ok(Value::SimpleString(text)) => Ok(Some(text)),
        Ok(_) | Err(Error::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A line of an answer to `INFO`.
fn line(text: &str, name: &str) -> Option<String> {
    let mut lines = text
        .lines()
        .filter_map(|line| line.trim_end().split_once(':'));
    let found = lines.find_map(|(found, value)| (found == name).then_some(value));
    let is_id = |value: &&str| !value.is_empty() && value.len() <= MAX_ID;
    found.filter(is_id).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Settings;
    use crate::profile::Prefix;

    fn marker(prefix: &str) -> Marker {
        let connection = Connection::new(Settings::new("h:1")).unwrap();
        let layout = Layout {
            prefix: Prefix::parse(prefix),
            destination_id: "profiles".to_owned(),
            ..Layout::default()
        };
        Marker::new(connection, layout, "i1")
    }

    fn key(shard: &Shard) -> &str {
        str::from_utf8(&shard.key).unwrap()
    }

    #[test]
    fn a_marker_is_no_users_key() {
        let shard = marker("app").shard(None);
        assert_eq!(key(&shard), "app:kenwell:applied:i1:profiles");
        assert_eq!(key(&marker("").shard(None)), "kenwell:applied:i1:profiles");
    }

    #[test]
    fn a_markers_key_has_the_slot_that_it_stands_for() {
        for prefix in ["", "app", "a{b", "a}b"] {
            for slot in [0, 1, 5_461, 16_383] {
                let shard = marker(prefix).shard(Some(slot));
                assert_eq!(slot_of(&shard.key), slot, "{prefix} {}", key(&shard));
            }
        }
    }

    #[test]
    fn a_hash_tag_in_the_prefix_puts_everything_into_one_slot() {
        assert!(marker("{app}").has_one_slot());
        assert!(!marker("app").has_one_slot() && !marker("a{b").has_one_slot());
    }

    #[test]
    fn lines_of_info_are_found() {
        let text = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nempty:\r\n";
        assert_eq!(line(text, "run_id").as_deref(), Some("abc"));
        assert_eq!((line(text, "empty"), line(text, "role")), (None, None));
    }
}
