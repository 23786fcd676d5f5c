//! A snapshot reads records by their offsets while the journal is open, and changes nothing.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::support::{SEGMENT, append, start};
use kenwell_journal::{Offset, Options, Snapshot};

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT,
        ..Options::default()
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|it| it == "segment");
    let mut segments: Vec<_> = files.filter(is_segment).collect();
    segments.sort();
    segments
}

fn read(snapshot: &Snapshot, from: u64, end: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let read = snapshot.read(Offset(from)..Offset(end), |offset, record| {
        assert_eq!(record.len(), 1000);
        found.push(offset.0);
        ControlFlow::Continue(())
    });
    read.unwrap();
    found
}

#[tokio::test]
async fn records_are_found_while_the_journal_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let journal = start(dir.path(), options());
    append(&journal, 10).await.unwrap();
    let snapshot = Snapshot::open(dir.path()).unwrap();
    assert_eq!(snapshot.offsets(), Offset(0)..Offset(10));
    assert_eq!(read(&snapshot, 2, 8), [2, 3, 4, 5, 6, 7]);
    assert_eq!(read(&snapshot, 4, 5), [4]);
    assert_eq!(read(&snapshot, 9, 99), [9]);
    assert_eq!(read(&snapshot, 10, 99), Vec::<u64>::new());
    let mut calls = 0;
    let read_one = snapshot.read(Offset(1)..Offset(9), |_, _| {
        calls += 1;
        ControlFlow::Break(())
    });
    read_one.unwrap();
    assert_eq!(calls, 1);
    // What comes later is not seen, and nobody was kept from appending it.
    append(&journal, 1).await.unwrap();
    assert_eq!(read(&snapshot, 0, 99).len(), 10);
    journal.close().await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_or_damaged_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let journal = start(dir.path(), options());
    append(&journal, 9).await.unwrap();
    let snapshot = Snapshot::open(dir.path()).unwrap();
    let files = segments(dir.path());
    let second = &files[1];
    let mut bytes = fs::read(second).unwrap();
    bytes[64 + 1024 + 500] ^= 1;
    fs::write(second, bytes).unwrap();
    fs::remove_file(&files[0]).unwrap();
    assert_eq!(read(&snapshot, 0, 9), [3, 5, 6, 7, 8]);
    let later = Snapshot::open(dir.path()).unwrap();
    assert_eq!(later.offsets(), Offset(3)..Offset(9));
    assert_eq!(read(&later, 0, 6), [3, 5]);
    journal.close().await.unwrap();
}
