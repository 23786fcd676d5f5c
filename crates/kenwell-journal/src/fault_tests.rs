//! Tests of failing system calls: a failed write or fdatasync never becomes an Ok, and costs nobody else anything.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::fault_injection::FaultKind;
use crate::{Batch, Error, Journal, Limit, Offset, Options, Recovery, open};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;

fn options() -> Options {
    Options {
        segment_bytes: 4096,
        memory_bytes: 0,
        ..Options::default()
    }
}

async fn append(journal: &Journal, record: &str) -> Result<Offset, Error> {
    let mut batch = Batch::new();
    batch.push(&[record.as_bytes()]);
    journal.append(batch).await
}

async fn contents(dir: &Path, journal: Option<Journal>) -> (Vec<String>, Recovery) {
    let (journal, recovery) = match journal {
        Some(journal) => (journal, Recovery::default()),
        None => open(dir, options()).unwrap(),
    };
    let mut reader = journal.reader("a").unwrap();
    append(&journal, "end").await.unwrap();
    let mut all = Vec::new();
    while all.last().is_none_or(|last| last != "end") {
        let records = reader.next(Limit::default()).await.unwrap();
        all.extend(
            records
                .iter()
                .map(|(_, record)| String::from_utf8(record.to_vec()).unwrap()),
        );
    }
    assert_eq!(reader.reached(), journal.stats().next_offset);
    (all, recovery)
}

#[tokio::test]
async fn what_failed_is_gone_and_what_follows_is_kept() {
    for fault in [FaultKind::Write, FaultKind::Sync] {
        for (errno, before) in [EIO, ENOSPC, EDQUOT]
            .map(|errno| [(errno, 0), (errno, 1), (errno, 3)])
            .concat()
        {
            let dir = tempfile::tempdir().unwrap();
            let options = options();
            let (journal, _) = open(dir.path(), options.clone()).unwrap();
            drop(journal.reader("a").unwrap());
            let mut kept = Vec::new();
            for number in 0..before {
                append(&journal, &format!("before {number}")).await.unwrap();
                kept.push(format!("before {number}"));
            }
            // More than once: a second fdatasync must not be believed either.
            for _ in 0..3 {
                options.injected_faults.inject(fault, errno);
                let error = append(&journal, "failed").await.unwrap_err();
                assert!(error.is_retryable(), "{error:?}");
                assert_eq!(
                    matches!(error, Error::NoSpace { .. }),
                    errno != EIO,
                    "{error:?}"
                );
                assert_eq!(journal.stats().no_space, errno != EIO);
                assert_eq!(journal.stats().next_offset, Offset(before));
            }
            let offset = append(&journal, "after").await.unwrap();
            assert_eq!(offset, Offset(before));
            assert!(!journal.stats().no_space);
            assert!(journal.stats().segments <= 2, "{:?}", journal.stats());
            kept.push("after".to_owned());
            kept.push("end".to_owned());
            assert_eq!(contents(dir.path(), Some(journal)).await.0, kept);
            // And after a restart. The reader of before acknowledged nothing.
            kept.push("end".to_owned());
            let (all, recovery) = contents_after(dir.path(), kept.len()).await;
            assert_eq!(all, kept);
            assert_eq!(
                (recovery.corrupt_records, recovery.missing_segments),
                (0, 0)
            );
        }
    }
}

/// All records from the first one on, after a restart and one more "end".
async fn contents_after(dir: &Path, count: usize) -> (Vec<String>, Recovery) {
    let (journal, recovery) = open(dir, options()).unwrap();
    append(&journal, "end").await.unwrap();
    let mut reader = journal.reader("a").unwrap();
    let mut all = Vec::new();
    while all.len() < count {
        let records = reader.next(Limit::default()).await.unwrap();
        let text = |record: &[u8]| String::from_utf8(record.to_vec()).unwrap();
        all.extend(records.iter().map(|(_, record)| text(record)));
    }
    (all, recovery)
}

#[tokio::test]
async fn every_append_of_a_failed_group_fails() {
    let dir = tempfile::tempdir().unwrap();
    let options = options();
    let (journal, _) = open(dir.path(), options.clone()).unwrap();
    append(&journal, "first").await.unwrap();
    options.injected_faults.inject(FaultKind::Sync, EIO);
    let told = Arc::new(AtomicU64::new(0));
    let answers = {
        let appends: Vec<_> = (0..20)
            .map(|number| {
                let journal = journal.clone();
                let told = Arc::clone(&told);
                tokio::spawn(async move {
                    let mut batch = Batch::new();
                    batch.push(&[format!("{number}").as_bytes()]);
                    let batch = batch.on_stored(move |_| {
                        told.fetch_add(1, Ordering::SeqCst);
                    });
                    journal.append(batch).await
                })
            })
            .collect();
        let mut answers = Vec::new();
        for append in appends {
            answers.push(append.await.unwrap());
        }
        answers
    };
    let stats = journal.stats();
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
    assert!(accepted < 20, "at least one append was in the failed group");
    assert_eq!(stats.next_offset, Offset(1 + accepted));
    assert_eq!(
        told.load(Ordering::SeqCst),
        accepted,
        "nobody is told of what failed"
    );
}

#[tokio::test]
async fn a_disk_that_is_full_when_a_segment_is_begun_refuses_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let options = options();
    let (journal, _) = open(dir.path(), options.clone()).unwrap();
    for _ in 0..2 {
        options.injected_faults.inject(FaultKind::Reserve, ENOSPC);
        let error = append(&journal, "x").await.unwrap_err();
        assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
        assert!(journal.stats().no_space);
    }
    assert_eq!(append(&journal, "x").await.unwrap(), Offset(0));
    assert!(!journal.stats().no_space);
    let unfinished = std::fs::read_dir(dir.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".tmp")
    });
    assert_eq!(unfinished.count(), 0);
}

#[tokio::test]
async fn space_that_is_there_again_is_found_without_an_append() {
    let dir = tempfile::tempdir().unwrap();
    let options = options();
    let (journal, _) = open(dir.path(), options.clone()).unwrap();
    options.injected_faults.inject(FaultKind::Reserve, ENOSPC);
    append(&journal, "x").await.unwrap_err();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while journal.stats().no_space {
        assert!(std::time::Instant::now() < deadline, "nobody looked");
        tokio::task::yield_now().await;
    }
    assert_eq!(append(&journal, "x").await.unwrap(), Offset(0));
}
