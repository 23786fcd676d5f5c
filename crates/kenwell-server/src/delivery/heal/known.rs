//! What is remembered of a destination's Redis in `data_dir/redis/<destination>.json`: who it was, and
//! what is owed to it.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use kenwell_journal::files;
use serde::{Deserialize, Serialize};

use super::judge::{Expected, Loss};
use crate::{config::Destination, delivery::MissingData};

/// The folder in the data directory.
const FOLDER: &str = "redis";
/// More than such a file ever holds: a cluster has at most 1,024 masters.
const MAX_BYTES: u64 = 1 << 20;

/// What is remembered. Positions are offsets of the journal; `None` for one stands for its oldest record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KnownRedis {
    /// Where it is, as far as the settings say.
    pub(super) place: String,
    /// The servers that had a marker.
    pub(super) shards: Vec<KnownShard>,
    /// What has to be delivered again, and is not yet being.
    #[serde(rename = "owed")]
    pub(crate) pending: Option<PendingRestore>,
    /// What is being delivered again.
    #[serde(rename = "restoring")]
    pub(crate) running: Option<RunningRestore>,
    /// What can be delivered again when somebody wants it.
    pub(crate) offered: Option<OfferedRestore>,
}

/// The server that had the marker of a shard when it was seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownShard {
    /// In a cluster, the slot of the marker.
    pub(super) slot: Option<u16>,
    /// Its `run_id`, and the id of its replication history; `None` when it does not tell.
    pub(super) server: Option<(String, String)>,
    /// Whether that was at another place.
    pub(super) elsewhere: bool,
    /// Whether it should have a marker.
    pub(super) marked: bool,
}

/// What a Redis that came back with less must get again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingRestore {
    /// From where on.
    pub(crate) from: Option<u64>,
    /// Whether something is missing.
    #[serde(rename = "lost")]
    pub(crate) loss: Loss,
}

/// What a Redis that came back with less is getting again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningRestore {
    /// Milliseconds since 1970 UTC.
    pub(crate) since_ms: i64,
    /// It has everything again when delivery has reached this.
    pub(crate) until: u64,
    /// How many events that are.
    pub(crate) events: u64,
}

/// What nobody restores by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfferedRestore {
    /// Milliseconds since 1970 UTC.
    pub(crate) since_ms: i64,
    /// From where on.
    pub(crate) from: Option<u64>,
    /// What happened and what to do, in words.
    pub(crate) says: String,
}

/// The file, and what it says. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct KnownRedisFile {
    path: Arc<PathBuf>,
    known: Arc<Mutex<KnownRedis>>,
}

impl KnownRedisFile {
    /// What is remembered of a destination. A file that cannot be read counts as none, with a warning:
    /// then the Redis is taken as it is found.
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

    /// What is remembered now.
    pub(crate) fn known(&self) -> KnownRedis {
        self.lock().clone()
    }

    /// Takes over the settings of a destination, which may have moved.
    pub(crate) fn move_to(&self, settings: &Destination) {
        self.lock().move_to(settings);
    }

    /// Changes it, durably before this returns.
    ///
    /// # Errors
    /// Those of the file system. In memory it is changed even so.
    pub(crate) fn change(&self, change: impl FnOnce(&mut KnownRedis)) -> io::Result<()> {
        let mut known = self.lock();
        let before = known.clone();
        change(&mut known);
        if *known == before {
            return Ok(());
        }
        write(&self.path, &known)
    }

    fn lock(&self) -> MutexGuard<'_, KnownRedis> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what is remembered of a destination that is gone.
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

    /// What there is to say of it, if anything.
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
    pub(super) fn note(&mut self, slot: Option<u16>, expected: &Expected) {
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

    /// Notes that everything from `from` on must come again.
    pub(super) fn owe(&mut self, from: Option<u64>, loss: Loss) {
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
    fn what_is_owed_begins_where_the_earliest_loss_does() {
        let mut known = KnownRedis::default();
        let owed = |from, loss| PendingRestore { from, loss };
        known.owe(Some(7), Loss::Unlikely);
        known.owe(Some(9), Loss::Certain);
        assert_eq!(known.pending, Some(owed(Some(7), Loss::Certain)));
        known.owe(None, Loss::Possible);
        known.owe(Some(3), Loss::Unlikely);
        assert_eq!(known.pending, Some(owed(None, Loss::Certain)));
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("redis/profiles.json");
        assert_eq!(read(&path).unwrap(), KnownRedis::default());
        let mut known = KnownRedis::default();
        let expected = Expected {
            server: Some(Server {
                run: "r".to_owned(),
                history: "h".to_owned(),
            }),
            marked: true,
            ..Expected::default()
        };
        known.note(Some(7), &expected);
        known.note(Some(7), &Expected::default());
        known.note(None, &expected);
        write(&path, &known).unwrap();
        assert_eq!(read(&path).unwrap(), known);
        assert_eq!(known.shards.len(), 2);
        fs::write(&path, "{").unwrap();
        assert!(read(&path).is_err());
    }
}
