//! Reading without a cursor, and being told what is stored before anybody reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kenwell_journal::{Batch, Durability, Journal, Limit, Offset, Options, open};

/// Small segments; what is delivered may go at once.
fn options() -> Options {
    Options {
        segment_bytes: 4096,
        retain: Duration::ZERO,
        retain_bytes: 0,
        durability: Durability::Os,
        memory_bytes: 0,
        ..Options::default()
    }
}

async fn append(journal: &Journal, records: u64) {
    for _ in 0..records {
        let mut batch = Batch::new();
        batch.push(&[&[b'x'; 1000]]);
        journal.append(batch).await.unwrap();
    }
}

async fn offsets(journal: &Journal, range: std::ops::Range<u64>) -> Vec<u64> {
    let mut pass = journal.read_range(Offset(range.start)..Offset(range.end));
    let limit = Limit {
        records: 7,
        ..Limit::default()
    };
    let mut seen = Vec::new();
    while let Some(records) = pass.next(limit).await.unwrap() {
        assert!(records.lost().is_empty());
        seen.extend(records.iter().map(|(offset, _)| offset.0));
        assert_eq!(records.next_offset().0, seen.last().unwrap() + 1);
    }
    assert!(pass.next(limit).await.unwrap().is_none());
    seen
}

#[tokio::test]
async fn a_pass_hands_out_its_range_and_ends() {
    for memory_bytes in [0, 1 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            memory_bytes,
            ..options()
        };
        let (journal, _) = open(dir.path(), options).unwrap();
        let _holding = journal.reader("a").unwrap();
        append(&journal, 40).await;
        for range in [0..40, 5..33, 39..40, 12..12] {
            let wanted: Vec<u64> = range.clone().collect();
            assert_eq!(offsets(&journal, range).await, wanted);
        }
    }
}

#[tokio::test]
async fn what_a_pass_looks_at_stays_until_it_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), options()).unwrap();
    let mut reader = journal.reader("a").unwrap();
    append(&journal, 40).await;
    let (first, second) = (
        journal.read_range(Offset(10)..Offset(40)),
        journal.read_range(Offset(10)..Offset(10)),
    );
    while reader.reached() < Offset(40) {
        reader.next(Limit::default()).await.unwrap();
    }
    reader.ack(Offset(40)).await.unwrap();
    let until = async |wanted: fn(u64) -> bool| {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !wanted(journal.stats().first_offset.0) {
            assert!(Instant::now() < deadline, "{:?}", journal.stats());
            append(&journal, 1).await;
        }
    };
    // What is before them goes, what they hold does not, whatever is appended behind it.
    until(|first| first > 0).await;
    drop(second);
    append(&journal, 40).await;
    assert!(journal.stats().first_offset <= Offset(10));
    assert_eq!(offsets(&journal, 10..40).await.len(), 30);
    drop(first);
    until(|first| first > 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_is_told_once_and_before_a_reader_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(
        dir.path(),
        Options {
            durability: Durability::Os,
            ..Options::default()
        },
    )
    .unwrap();
    let mut reader = journal.reader("a").unwrap();
    let stored = Arc::new(AtomicU64::new(0));
    let appending = {
        let (journal, stored) = (journal.clone(), Arc::clone(&stored));
        tokio::spawn(async move {
            for _ in 0..3_000 {
                let mut batch = Batch::new();
                batch.push(&[b"a"]);
                batch.push(&[b"b"]);
                let counting = Arc::clone(&stored);
                let batch = batch.on_stored(move |first| {
                    let before = counting.fetch_add(2, Ordering::SeqCst);
                    assert_eq!(before, first.0);
                });
                journal.append(batch).await.unwrap();
            }
        })
    };
    while reader.reached() < Offset(6_000) {
        reader.next(Limit::default()).await.unwrap();
        assert!(stored.load(Ordering::SeqCst) >= reader.reached().0);
    }
    appending.await.unwrap();
    assert_eq!(stored.load(Ordering::SeqCst), 6_000);
}
