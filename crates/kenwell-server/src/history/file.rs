//! The history on disk: a line that says what it is, with the digest of the rest, and a line of JSON.
//!
//! At most 984 steps of seven numbers, some 50 KB. It is replaced as a whole, so that a crash leaves the version before.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use kenwell_journal::files::Replacement;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ring::KeptSteps;
use super::{Range, Sample};

/// How the first line begins; the digest follows.
const BEGIN: &str = "kenwell history 1 ";
/// The most bytes that are read: each step has at most seven numbers of 20 digits.
const MAX_BYTES: u64 = 256 * 1024;

/// Time in milliseconds, accepted, written, ignored, dead-lettered, lost, queued.
type Numbers = [u64; 7];

/// The steps of a range as JSON has them.
#[derive(Serialize, Deserialize)]
struct KeptRange {
    range: Range,
    steps: Vec<Numbers>,
    running: Option<Numbers>,
}

/// What was kept; nothing where there is no file.
pub(super) fn read(path: &Path) -> io::Result<Vec<(Range, KeptSteps)>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    let damaged = || io::Error::new(ErrorKind::InvalidData, "the file is damaged");
    let (first, json) = text.split_once('\n').ok_or_else(damaged)?;
    if first.strip_prefix(BEGIN) != Some(&*digest(json)) {
        return Err(damaged());
    }
    let kept: Vec<KeptRange> = serde_json::from_str(json).map_err(io::Error::from)?;
    Ok(kept.into_iter().map(taken).collect())
}

/// Puts these in the place of what was kept.
pub(super) fn write(path: &Path, kept: &[(Range, KeptSteps)]) -> io::Result<()> {
    let kept: Vec<_> = kept.iter().map(given).collect();
    let json = serde_json::to_string(&kept).map_err(io::Error::from)?;
    let mut new = Replacement::begin(path)?;
    let first = format!("{BEGIN}{}\n", digest(&json));
    new.file().write_all(first.as_bytes())?;
    new.file().write_all(json.as_bytes())?;
    new.finish()
}

fn digest(json: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(json.as_bytes()))
}

fn taken(kept: KeptRange) -> (Range, KeptSteps) {
    // More than a range has was written by nobody.
    let steps = kept.steps.into_iter().take(kept.range.steps());
    let steps = KeptSteps {
        steps: steps.map(step).collect(),
        running: kept.running.map(step),
    };
    (kept.range, steps)
}

fn given((range, kept): &(Range, KeptSteps)) -> KeptRange {
    KeptRange {
        range: *range,
        steps: kept.steps.iter().map(numbers).collect(),
        running: kept.running.as_ref().map(numbers),
    }
}

fn step([at, accepted, written, ignored, dead_lettered, lost, queued]: Numbers) -> Sample {
    let at = i64::try_from(at).ok();
    let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
    Sample {
        at: at.unwrap_or_default(),
        accepted,
        written,
        ignored,
        dead_lettered,
        lost,
        queued,
    }
}

fn numbers(step: &Sample) -> Numbers {
    [
        u64::try_from(step.at.as_millisecond()).unwrap_or_default(),
        step.accepted,
        step.written,
        step.ignored,
        step.dead_lettered,
        step.lost,
        step.queued,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Vec<(Range, KeptSteps)> {
        let numbers = |at, accepted| step([at, accepted, 1, 2, 3, 4, u64::MAX]);
        let steps = KeptSteps {
            steps: vec![numbers(10_000, 5), numbers(20_000, 6)],
            running: Some(numbers(30_000, 7)),
        };
        vec![(Range::Hour, steps), (Range::Week, KeptSteps::default())]
    }

    #[test]
    fn what_was_written_is_read_and_nothing_is_there_at_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.json");
        assert_eq!(read(&path).unwrap(), []);
        write(&path, &kept()).unwrap();
        write(&path, &kept()).unwrap();
        assert_eq!(read(&path).unwrap(), kept());
    }

    #[test]
    fn damage_of_any_byte_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.json");
        write(&path, &kept()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert!(read(&path).is_err(), "byte {place}");
        }
        for length in [0, 10, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(read(&path).is_err(), "{length} bytes");
        }
    }
}
