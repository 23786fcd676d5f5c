//! What is remembered of a destination's Redis in `data_dir/redis/<destination>.json`: which servers it had,
//! and what has to be delivered to it again.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use kenwell_journal::files;
use serde::{Deserialize, Serialize};

use super::marker_comparison::{ExpectedMarker, Loss};
use crate::{config::Destination, delivery::MissingData, mutex::lock};

/// The folder in the data directory.
const FOLDER: &str = "redis";
/// More than such a file ever holds: a cluster has at most 1,024 masters.
const MAX_BYTES: u64 = 1 << 20;

/// What is remembered of a Redis. Positions are offsets of the journal; `None` stands for its oldest record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KnownRedis {
    /// Its address, database and prefix, as the settings have them.
    pub(super) place: String,
    /// The servers that had a marker.
    pub(super) shards: Vec<KnownShard>,
    /// What has to be delivered again, and is not being delivered yet.
    #[serde(rename = "owed")]
    pub(crate) pending: Option<PendingRestore>,
    /// What is being delivered again.
    #[serde(rename = "restoring")]
    pub(crate) running: Option<RunningRestore>,
    /// What can be delivered again when a person wants it.
    pub(crate) offered: Option<OfferedRestore>,
}

/// The server that had the marker of a shard when it was seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownShard {
    /// In a cluster, the slot of the marker.
    pub(super) slot: Option<u16>,
    /// Its `run_id`, and the id of its replication history; `None` when it does not say them.
    pub(super) server: Option<(String, String)>,
    /// Whether that was at another place.
    pub(super) elsewhere: bool,
    /// Whether it should have a marker.
    pub(super) marked: bool,
}

/// A Redis came back with less: what has to be delivered to it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingRestore {
    /// From where on.
    pub(crate) from: Option<u64>,
    /// How likely it is that something is missing.
    #[serde(rename = "lost")]
    pub(crate) loss: Loss,
}

/// A Redis came back with less: what is being delivered to it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningRestore {
    /// Milliseconds since 1970 UTC.
    pub(crate) since_ms: i64,
    /// The Redis has everything again when delivery has reached this.
    pub(crate) until: u64,
    /// How many events that are.
    pub(crate) events: u64,
}

/// Something is missing that is not restored unless a person says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfferedRestore {
    /// Milliseconds since 1970 UTC.
    pub(crate) since_ms: i64,
    /// From where on.
    pub(crate) from: Option<u64>,
    /// What happened and what to do, in words.
    pub(crate) says: String,
}

/// The file with what is remembered of a Redis. Clones are the same file.
#[derive(Debug, Clone)]
pub(crate) struct KnownRedisFile {
    path: Arc<PathBuf>,
    known: Arc<Mutex<KnownRedis>>,
}

impl KnownRedisFile {
    /// Reads the file of a destination. A file that cannot be read counts as none, with a warning: the Redis
    /// then counts as one that was never seen.
    pub(crate) fn open(data_dir: &Path, settings: &Destination) -> Self {
        let path = path(data_dir, &settings.id);
        let mut known = read(&path).unwrap_or_else(|error| {
            tracing::warn!(destination.id = settings.id, path = %path.display(), %error, "what was known of this Redis cannot be read; what it lost until now is not noticed");
            KnownRedis::default()
        });
        known.move_to(settings);
        Self {
            path: Arc::new(path),
            known: Arc::new(Mutex::new(known)),
        }
    }

    /// What it says now.
    pub(crate) fn known(&self) -> KnownRedis {
        lock(&self.known).clone()
    }

    /// Notes the settings of the destination, which may name another Redis now.
    pub(crate) fn move_to(&self, settings: &Destination) {
        lock(&self.known).move_to(settings);
    }

    /// Changes what is remembered, durably before this returns.
    ///
    /// # Errors
    /// Those of the file system. In memory it is changed even so.
    pub(crate) fn change(&self, change: impl FnOnce(&mut KnownRedis)) -> io::Result<()> {
        let mut known = lock(&self.known);
        let before = known.clone();
        change(&mut known);
        if *known == before {
            return Ok(());
        }
        write(&self.path, &known)
    }
}

/// Removes the file of a destination that is gone.
///
/// # Errors
/// Those of the file system.
pub(crate) fn forget(data_dir: &Path, id: &str) -> io::Result<()> {
    match fs::remove_file(path(data_dir, id)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn path(data_dir: &Path, id: &str) -> PathBuf {
    data_dir.join(FOLDER).join(format!("{id}.json"))
}

impl KnownRedis {
    fn move_to(&mut self, settings: &Destination) {
        let connection = &settings.connection;
        let master = connection.sentinel_master.as_deref().unwrap_or_default();
        let (address, database) = (connection.address.trim(), connection.database);
        let place = format!("{address} {master} {database} {}", settings.prefix);
        if self.place != place {
            self.place = place;
            for shard in &mut self.shards {
                shard.elsewhere = true;
            }
            // What was to be restored was to be restored there.
            (self.pending, self.running, self.offered) = (None, None, None);
        }
    }

    /// What may be missing in it, if anything.
    pub(super) fn missing_data(&self) -> Option<MissingData> {
        let time = |ms| Timestamp::from_millisecond(ms).unwrap_or_default();
        if let Some(OfferedRestore { since_ms, says, .. }) = &self.offered {
            return Some(MissingData::Incomplete {
                since: time(*since_ms),
                says: says.clone(),
            });
        }
        self.running.map(|it| MissingData::Restoring {
            since: time(it.since_ms),
            events: it.events,
        })
    }

    /// Notes what is expected of a shard.
    pub(super) fn note(&mut self, slot: Option<u16>, expected: &ExpectedMarker) {
        let server = expected.server.as_ref();
        let shard = KnownShard {
            slot,
            server: server.map(|server| (server.run.clone(), server.history.clone())),
            elsewhere: expected.elsewhere,
            marked: expected.marked,
        };
        match self.shards.iter_mut().find(|known| known.slot == slot) {
            Some(known) => *known = shard,
            None => self.shards.push(shard),
        }
    }

    /// Notes that everything from `from` on must be delivered again.
    pub(super) fn restore_from(&mut self, from: Option<u64>, loss: Loss) {
        let before = self.pending.unwrap_or(PendingRestore { from, loss });
        self.pending = Some(PendingRestore {
            from: earlier(before.from, from),
            loss: before.loss.max(loss),
        });
    }
}

/// The earlier of two positions.
pub(super) fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.zip(b).map(|(a, b)| a.min(b))
}

fn read(path: &Path) -> io::Result<KnownRedis> {
    let mut text = String::new();
    match files::open(path) {
        Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(KnownRedis::default()),
        Err(error) => return Err(error),
    };
    Ok(serde_json::from_str(&text)?)
}

fn write(path: &Path, known: &KnownRedis) -> io::Result<()> {
    files::make_directory(path.parent().unwrap_or(Path::new(".")))?;
    files::replace(path, &serde_json::to_vec(known)?)
}

#[cfg(test)]
mod tests {
    use kenwell::profile::Server;

    use super::*;

    #[test]
    fn a_restore_begins_where_the_earliest_loss_does() {
        let mut known = KnownRedis::default();
        let pending = |from, loss| PendingRestore { from, loss };
        known.restore_from(Some(7), Loss::Unlikely);
        known.restore_from(Some(9), Loss::Certain);
        assert_eq!(known.pending, Some(pending(Some(7), Loss::Certain)));
        known.restore_from(None, Loss::Possible);
        known.restore_from(Some(3), Loss::Unlikely);
        assert_eq!(known.pending, Some(pending(None, Loss::Certain)));
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("redis/profiles.json");
        assert_eq!(read(&path).unwrap(), KnownRedis::default());
        let mut known = KnownRedis::default();
        let expected = ExpectedMarker {
            server: Some(Server {
                run: "r".to_owned(),
                history: "h".to_owned(),
            }),
            marked: true,
            ..ExpectedMarker::default()
        };
        known.note(Some(7), &expected);
        known.note(Some(7), &ExpectedMarker::default());
        known.note(None, &expected);
        write(&path, &known).unwrap();
        assert_eq!(read(&path).unwrap(), known);
        assert_eq!(known.shards.len(), 2);
        known.restore_from(Some(3), Loss::Certain);
        let json = serde_json::to_value(&known).unwrap();
        assert_eq!(
            json["owed"],
            serde_json::json!({ "from": 3, "lost": "certain" })
        );
        assert!(json["restoring"].is_null() && json["offered"].is_null());
        fs::write(&path, "{").unwrap();
        assert!(read(&path).is_err());
    }
}
