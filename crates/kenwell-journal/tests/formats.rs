//! What earlier versions wrote is still read, and what this one writes is what it wrote when its fixture was made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use kenwell_journal::{Batch, Clock, Limit, Offset, Options, Recovery, inspect, open};

/// When all records were written.
const WRITTEN: Duration = Duration::from_secs(1_700_000_000);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/journal")
}

/// The directories of all versions, the newest one last.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(fixtures()).unwrap();
    let mut versions: Vec<u32> = entries
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable();
    let paths = versions
        .iter()
        .map(|version| fixtures().join(version.to_string()));
    paths.collect()
}

/// Lines of a number and a word.
fn lines(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let (first, second) = line.split_once(' ').unwrap();
        (first.to_owned(), second.to_owned())
    };
    text.lines().map(line).collect()
}

fn records(version: &Path) -> Vec<(Offset, Vec<u8>)> {
    let bytes = |hex: &str| {
        let digits = hex.as_bytes().chunks(2);
        let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    };
    let lines = lines(&version.join("records.txt")).into_iter();
    lines
        .map(|(offset, hex)| (Offset(offset.parse().unwrap()), bytes(&hex)))
        .collect()
}

fn cursors(version: &Path) -> Vec<(String, Offset)> {
    let lines = lines(&version.join("cursors.txt")).into_iter();
    lines
        .map(|(name, position)| (name, Offset(position.parse().unwrap())))
        .collect()
}

fn options() -> Options {
    Options {
        segment_bytes: 4096,
        clock: Clock::new(|| UNIX_EPOCH + WRITTEN),
        ..Options::default()
    }
}

#[tokio::test]
async fn every_record_and_cursor_of_every_version_comes_out() {
    assert!(versions().len() >= 3);
    for version in versions() {
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(version.join("journal")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        let (records, cursors) = (records(&version), cursors(&version));
        let next = records.last().unwrap().0.plus(1);
        let seen = inspect(dir.path()).unwrap();
        assert_eq!((seen.first_offset, seen.next_offset), (records[0].0, next));

        let (journal, recovery) = open(dir.path(), options()).unwrap();
        let mut expected = Recovery::default();
        expected.next_offset = next;
        assert_eq!(recovery, expected, "{}", version.display());
        let mut all = journal.read_range(records[0].0..next);
        let mut read = Vec::new();
        while let Some(some) = all.next(Limit::default()).await.unwrap() {
            assert!(some.lost().is_empty());
            read.extend(
                some.iter()
                    .map(|(offset, record)| (offset, record.to_vec())),
            );
        }
        assert_eq!(read, records, "{}", version.display());
        let stats = journal.stats().cursors;
        let positions = stats
            .iter()
            .map(|cursor| (cursor.name.clone(), cursor.position));
        assert_eq!(positions.collect::<Vec<_>>(), cursors);
        for (name, position) in cursors {
            let mut reader = journal.reader(&name).unwrap();
            let first = reader.next(Limit::default()).await.unwrap();
            assert_eq!(first.iter().next().unwrap().0, position);
        }

        let mut batch = Batch::new();
        batch.push(&[b"one more"]);
        assert_eq!(journal.append(batch).await.unwrap(), next);
        journal.close().await.unwrap();
    }
}

/// Records of one append.
const TOGETHER: usize = 3;

/// Writes the records of a version, and moves its cursors, with today's code.
async fn write(version: &Path, dir: &Path) {
    let (journal, _) = open(dir, options()).unwrap();
    let mut readers: Vec<_> = cursors(version)
        .into_iter()
        .map(|(name, position)| (journal.reader(&name).unwrap(), position))
        .collect();
    for records in records(version).chunks(TOGETHER) {
        let mut batch = Batch::new();
        for (_, record) in records {
            batch.push(&[record]);
        }
        assert_eq!(journal.append(batch).await.unwrap(), records[0].0);
        for (reader, position) in &mut readers {
            let read = reader.next(Limit::default()).await.unwrap();
            reader.ack(read.next_offset().min(*position)).await.unwrap();
        }
    }
    drop(readers);
    journal.close().await.unwrap();
}

/// All files of a journal, without what is random and what depends on the moment: the salt of a segment and the
/// checksums that it enters, reserved space, and the slots of a cursor but for the newest one.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let mut name = entry.file_name().into_string().unwrap();
        let mut bytes = fs::read(entry.path()).unwrap();
        if let Some(identity) = name.strip_suffix(".segment") {
            let without_salt = identity.rsplit_once('-').unwrap().0;
            name = format!("{without_salt}.segment");
            blank_salt(&mut bytes);
        } else if bytes.starts_with(b"KENWELLC") {
            let slots = bytes.chunks(4096).map(|slot| slot[..28].to_vec());
            let generation = |slot: &Vec<u8>| u64::from_le_bytes(slot[8..16].try_into().unwrap());
            bytes = slots.max_by_key(generation).unwrap();
        }
        files.insert(name, bytes);
    }
    files
}

fn blank_salt(segment: &mut Vec<u8>) {
    segment[12..16].fill(0);
    segment[60..64].fill(0);
    let mut at = 64;
    while segment.get(at).is_some_and(|byte| *byte != 0) {
        if segment[at] == 0xF6 {
            segment[at + 3..at + 7].fill(0);
            at += 7 + usize::from(u16::from_le_bytes([segment[at + 1], segment[at + 2]]));
            continue;
        }
        assert_eq!(&segment[at..at + 4], b"\xF5KW\xFA");
        segment[at + 4..at + 8].fill(0);
        let length = u32::from_le_bytes(segment[at + 8..at + 12].try_into().unwrap());
        at += 24 + usize::try_from(length).unwrap();
    }
    assert!(segment[at..].iter().all(|byte| *byte == 0));
    segment.truncate(at);
}

#[tokio::test]
async fn what_is_written_is_the_newest_fixture() {
    let newest = versions().pop().unwrap();
    let dir = tempfile::tempdir().unwrap();
    write(&newest, dir.path()).await;
    let (written, fixture) = (contents(dir.path()), contents(&newest.join("journal")));
    assert_eq!(
        written.keys().collect::<Vec<_>>(),
        fixture.keys().collect::<Vec<_>>(),
        "other files: conformance/journal/README.md says what to do"
    );
    for (name, bytes) in written {
        let same = fixture[&name] == bytes;
        assert!(
            same,
            "{name} is not what it was: conformance/journal/README.md says what to do"
        );
    }
}

#[tokio::test]
#[ignore = "makes the newest fixture, if it has no journal yet"]
async fn make_the_newest_fixture() {
    let newest = versions().pop().unwrap();
    let journal = newest.join("journal");
    assert!(!journal.exists(), "a fixture is never written again");
    write(&newest, &journal).await;
}
