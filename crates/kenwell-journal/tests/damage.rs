//! Damaged files: what is intact is delivered, what is lost is counted, and the journal always opens.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use kenwell_journal::{Batch, Error, Journal, Limit, Offset, Options, Reader, Recovery, open};

const HEADER: usize = 64;
/// A record of 76 bytes and its frame.
const FRAME: usize = 100;

fn small() -> Options {
    Options {
        segment_bytes: 4096,
        memory_bytes: 0,
        ..Options::default()
    }
}

fn record(number: u64) -> Vec<u8> {
    format!("{number:076}").into_bytes()
}

async fn append(journal: &Journal, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let mut batch = Batch::new();
        batch.push(&[&record(number)]);
        assert_eq!(journal.append(batch).await.unwrap(), Offset(number));
    }
}

/// A closed journal with this many records and a cursor "a" at the start.
async fn written(records: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), small()).unwrap();
    drop(journal.reader("a").unwrap());
    append(&journal, 0..records).await;
    journal.close().await.unwrap();
    dir
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "segment"))
        .collect();
    files.sort();
    files
}

fn base(path: &Path) -> u64 {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.split('-').next().unwrap().parse().unwrap()
}

fn shorten(path: &Path, length: usize) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(length as u64).unwrap();
}

/// Reads up to offset `end`, and returns what is lost before it.
async fn lost(reader: &mut Reader, end: u64) -> Vec<std::ops::Range<u64>> {
    let mut lost = Vec::new();
    while reader.reached() < Offset(end) {
        let records = reader.next(Limit::default()).await.unwrap();
        lost.extend(records.lost().iter().map(|lost| lost.start.0..lost.end.0));
    }
    lost
}

fn flip(path: &Path, at: usize) {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    file.write_all_at(&[byte[0] ^ 0x55], at as u64).unwrap();
}

/// Opens, checks that every record handed out is the one that was appended, and returns the offsets.
async fn offsets(dir: &Path) -> (Vec<u64>, Recovery, u64) {
    let (journal, recovery) = open(dir, small()).unwrap();
    let next = recovery.next_offset.0;
    // One more, so that there is something to wait for.
    append(&journal, next..next + 1).await;
    let mut reader = journal.reader("a").unwrap();
    let mut seen = Vec::new();
    while seen.last() != Some(&next) {
        let records = reader.next(Limit::default()).await.unwrap();
        for (offset, bytes) in records.iter() {
            assert_eq!(bytes, record(offset.0), "an invented record");
            seen.push(offset.0);
        }
    }
    seen.pop();
    (seen, recovery, journal.stats().corrupt_records)
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_measured() {
    let dir = written(10).await;
    // As after a crash in the middle of a write, before anybody noted how far the log was written.
    fs::remove_file(dir.path().join("end.mark")).unwrap();
    shorten(
        &segments(dir.path()).pop().unwrap(),
        HEADER + 9 * FRAME + 60,
    );
    let (journal, first) = open(dir.path(), small()).unwrap();
    drop(journal);
    let (seen, recovery, corrupt) = offsets(dir.path()).await;
    assert_eq!(seen, (0..9).collect::<Vec<_>>());
    assert_eq!(
        (
            first.torn_bytes,
            recovery.torn_bytes,
            corrupt,
            recovery.next_offset
        ),
        (60, 0, 0, Offset(9))
    );
    let (seen, recovery, _) = offsets(dir.path()).await;
    assert_eq!((seen.len(), recovery.torn_bytes), (10, 0));
}

#[tokio::test]
async fn what_is_missing_at_the_end_is_noticed_at_the_start() {
    for gone in [false, true] {
        let dir = written(100).await;
        let newest = segments(dir.path()).pop().unwrap();
        let lost_from = if gone {
            fs::remove_file(&newest).unwrap();
            base(&newest)
        } else {
            shorten(&newest, HEADER + FRAME + 60);
            base(&newest) + 1
        };
        let (journal, recovery) = open(dir.path(), small()).unwrap();
        assert_eq!(
            recovery.next_offset,
            Offset(100),
            "no offset is given twice"
        );
        assert_eq!(recovery.corrupt_records, 100 - lost_from);
        let mut reader = journal.reader("a").unwrap();
        assert_eq!(
            lost(&mut reader, 100).await.first(),
            Some(&(lost_from..100))
        );
        append(&journal, 100..101).await;
        assert_eq!(reader.next(Limit::default()).await.unwrap().len(), 1);
        assert_eq!(
            journal.stats().corrupt_records,
            100 - lost_from,
            "counted once"
        );
    }
}

#[tokio::test]
async fn without_any_segment_all_that_was_written_is_lost() {
    let dir = written(100).await;
    for segment in segments(dir.path()) {
        fs::remove_file(segment).unwrap();
    }
    let (journal, recovery) = open(dir.path(), small()).unwrap();
    assert_eq!(recovery.next_offset, Offset(100));
    let mut reader = journal.reader("a").unwrap();
    assert_eq!(lost(&mut reader, 100).await.first(), Some(&(0..100)));
    assert_eq!(journal.stats().corrupt_records, 100);
    append(&journal, 100..101).await;
    assert_eq!(reader.next(Limit::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_disappears_while_it_runs_is_lost_and_the_rest_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), small()).unwrap();
    let mut reader = journal.reader("a").unwrap();
    append(&journal, 0..300).await;
    let files = segments(dir.path());
    let newest = files.last().unwrap();
    assert!(files.len() > 5);
    for gone in [&files[0], &files[2], newest] {
        fs::remove_file(gone).unwrap();
    }
    shorten(&files[4], HEADER + 10);
    // What is appended now must not end in the file that nobody can open any more.
    append(&journal, 300..310).await;
    let expected = [
        0..base(&files[1]),
        base(&files[2])..base(&files[3]),
        base(&files[4])..base(&files[5]),
        base(newest)..300,
    ];
    assert_eq!(lost(&mut reader, 310).await, expected);
    let mut pass = journal.read_range(Offset(5)..Offset(305));
    let mut seen = Vec::new();
    while let Some(records) = pass.next(Limit::default()).await.unwrap() {
        seen.extend(records.lost().iter().map(|lost| lost.start.0..lost.end.0));
    }
    assert_eq!(seen[0], 5..expected[0].end);
    assert_eq!(seen[1..], expected[1..]);
    let count: u64 = expected.iter().map(|lost| lost.end - lost.start).sum();
    assert_eq!(journal.stats().corrupt_records, count, "counted once");
    drop((pass, reader, journal));
    let (seen, _, _) = offsets(dir.path()).await;
    assert_eq!(seen.len() as u64, 310 - count);
}

#[tokio::test]
async fn a_directory_that_is_away_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (at, away) = (dir.path().join("journal"), dir.path().join("away"));
    let (journal, _) = open(&at, small()).unwrap();
    let mut reader = journal.reader("a").unwrap();
    append(&journal, 0..100).await;
    fs::rename(&at, &away).unwrap();
    fs::create_dir(&at).unwrap();
    let error = reader.next(Limit::default()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    fs::remove_dir(&at).unwrap();
    fs::rename(&away, &at).unwrap();
    assert_eq!(lost(&mut reader, 100).await, []);
}

#[tokio::test]
async fn zeroes_after_the_end_are_no_damage() {
    let dir = written(3).await;
    let path = segments(dir.path()).pop().unwrap();
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1 << 20)
        .unwrap();
    let (seen, recovery, _) = offsets(dir.path()).await;
    assert_eq!(
        (seen.len(), recovery.torn_bytes, recovery.corrupt_records),
        (3, 0, 0)
    );
}

#[tokio::test]
async fn a_corrupt_record_in_the_middle_costs_only_itself() {
    // In the header's marker, checksum, length and offset, and in the record.
    for at in [0, 5, 8, 11, 20, 24, 99] {
        let dir = written(10).await;
        flip(&segments(dir.path())[0], HEADER + 4 * FRAME + at);
        let (seen, recovery, corrupt) = offsets(dir.path()).await;
        assert_eq!(seen, [0, 1, 2, 3, 5, 6, 7, 8, 9], "byte {at}");
        assert_eq!(
            (recovery.corrupt_records, corrupt, recovery.torn_bytes),
            (1, 1, 0)
        );
    }
}

#[tokio::test]
async fn damage_in_an_older_segment_is_found_when_it_is_read_and_counted_once() {
    let dir = written(100).await;
    let files = segments(dir.path());
    assert!(files.len() > 2);
    flip(&files[0], HEADER + 4 * FRAME + 30);
    let (journal, recovery) = open(dir.path(), small()).unwrap();
    assert_eq!(
        (recovery.corrupt_records, journal.stats().corrupt_records),
        (0, 0)
    );
    for _ in 0..2 {
        let mut reader = journal.reader("a").unwrap();
        let mut count = 0;
        while reader.reached() < Offset(100) {
            count += reader
                .next(Limit {
                    records: 7,
                    bytes: 1000,
                })
                .await
                .unwrap()
                .len();
        }
        assert_eq!((count, journal.stats().corrupt_records), (99, 1));
    }
}

#[tokio::test]
async fn a_damaged_segment_header_costs_no_record() {
    let dir = written(100).await;
    let files = segments(dir.path());
    for file in &files {
        flip(file, 20);
    }
    let (seen, recovery, corrupt) = offsets(dir.path()).await;
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    assert_eq!((recovery.corrupt_segments, corrupt), (files.len(), 0));
}

#[tokio::test]
async fn a_missing_or_emptied_segment_costs_only_its_own_records() {
    for emptied in [false, true] {
        let dir = written(120).await;
        let files = segments(dir.path());
        let (lost_from, lost_to) = (base(&files[1]), base(&files[2]));
        if emptied {
            fs::write(&files[1], b"").unwrap();
        } else {
            fs::remove_file(&files[1]).unwrap();
        }
        let (seen, recovery, corrupt) = offsets(dir.path()).await;
        let expected: Vec<_> = (0..lost_from).chain(lost_to..120).collect();
        assert_eq!(seen, expected);
        assert_eq!(corrupt, lost_to - lost_from);
        assert_eq!(recovery.missing_segments, usize::from(!emptied));
        assert_eq!(recovery.corrupt_segments, usize::from(emptied));
    }
}

#[tokio::test]
async fn without_its_newest_segment_a_journal_reuses_no_acknowledged_offset() {
    let dir = written(100).await;
    let (journal, _) = open(dir.path(), small()).unwrap();
    let mut reader = journal.reader("b").unwrap();
    append(&journal, 100..110).await;
    assert_eq!(reader.next(Limit::default()).await.unwrap().len(), 10);
    reader.ack(Offset(110)).await.unwrap();
    drop((reader, journal));
    fs::remove_file(segments(dir.path()).pop().unwrap()).unwrap();
    let (seen, recovery, corrupt) = offsets(dir.path()).await;
    assert_eq!(recovery.next_offset, Offset(110));
    assert_eq!((seen, corrupt), ((0..100).collect::<Vec<_>>(), 10));
}

#[tokio::test]
async fn foreign_files_are_left_alone_and_leftovers_are_removed() {
    let dir = written(3).await;
    let foreign = dir.path().join("notes.txt");
    fs::write(&foreign, "mine").unwrap();
    fs::create_dir(dir.path().join("folder.segment")).unwrap();
    for leftover in ["7.tmp", "7.spare", "a.cursor.tmp"] {
        fs::write(dir.path().join(leftover), "x").unwrap();
    }
    let (seen, mut recovery, _) = offsets(dir.path()).await;
    recovery.ignored_files.sort();
    assert_eq!(seen.len(), 3);
    assert_eq!(
        recovery.ignored_files,
        [dir.path().join("folder.segment"), foreign.clone()]
    );
    assert_eq!(fs::read(&foreign).unwrap(), b"mine");
    for leftover in ["7.tmp", "7.spare", "a.cursor.tmp"] {
        assert!(!dir.path().join(leftover).exists(), "{leftover}");
    }
}

#[tokio::test]
async fn a_journal_of_a_newer_version_is_refused_and_not_touched() {
    let dir = written(3).await;
    let path = segments(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    let checksum = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = open(dir.path(), small()).unwrap_err();
    assert!(
        matches!(error, Error::UnknownVersion { version: 9, .. }),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_frame_smuggled_into_a_record_is_never_delivered() {
    // A record that holds a perfect frame of another segment, right where recovery looks after damage.
    let source = written(1).await;
    let bytes = fs::read(&segments(source.path())[0]).unwrap();
    let frame = &bytes[HEADER..HEADER + FRAME];
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), small()).unwrap();
    let mut reader = journal.reader("a").unwrap();
    let mut batch = Batch::new();
    batch.push(&[frame]);
    batch.push(&[b"good"]);
    journal.append(batch).await.unwrap();
    flip(&segments(dir.path())[0], HEADER);
    let records = reader.next(Limit::default()).await.unwrap();
    let seen: Vec<_> = records
        .iter()
        .map(|(offset, record)| (offset.0, record.to_vec()))
        .collect();
    assert_eq!(seen, [(1, b"good".to_vec())]);
}
