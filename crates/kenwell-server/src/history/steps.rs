//! `History`: the steps of every range, in memory and on disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use kenwell_journal::ErrorChain;

use super::file;
use super::ring::Ring;
use super::{Range, Sample};
use crate::mutex::lock;

/// Where it is kept, in the data directory.
const FILE: &str = "history.json";

/// The last hour, day and week. A crash loses what was not saved; nothing else depends on it.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    rings: Mutex<Vec<(Range, Ring)>>,
}

impl History {
    /// What is kept in this directory. What cannot be read is told once, and the history begins anew.
    pub fn open(data_dir: &Path) -> Self {
        let path = data_dir.join(FILE);
        let mut kept = file::read(&path).unwrap_or_else(|error| {
            let path = path.display();
            tracing::warn!(%path, error = %ErrorChain(&error), "what the chart showed is lost: it begins anew");
            Vec::new()
        });
        let now = Timestamp::now();
        let rings = Range::ALL.map(|range| {
            let place = kept.iter().position(|(of, _)| *of == range);
            let steps = place.map(|place| kept.swap_remove(place).1);
            (range, Ring::new(range, steps.unwrap_or_default(), now))
        });
        Self {
            path,
            rings: Mutex::new(rings.into()),
        }
    }

    /// Looks at what has happened since the start; to be called every ten seconds.
    pub fn observe(&self, total: Sample) {
        for (_, ring) in lock(&self.rings).iter_mut() {
            ring.observe(total);
        }
    }

    /// The steps of a range, oldest first; the last one is the one that is running. `total` is what has happened
    /// since the start.
    pub fn samples(&self, range: Range, total: Sample) -> Vec<Sample> {
        let rings = lock(&self.rings);
        let ring = rings.iter().find(|(of, _)| *of == range);
        ring.map(|(_, ring)| ring.samples(total))
            .unwrap_or_default()
    }

    /// Writes it to disk. Blocks.
    ///
    /// # Errors
    /// Those of the file system; the file is as it was then.
    pub fn save(&self, total: Sample) -> io::Result<()> {
        let rings = lock(&self.rings);
        let kept = rings.iter().map(|(range, ring)| (*range, ring.kept(total)));
        let kept: Vec<_> = kept.collect();
        drop(rings);
        file::write(&self.path, &kept)
    }
}
