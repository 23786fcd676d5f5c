//! Cursors whose file is damaged or missing: they begin at the oldest record, and new ones at the end.

use std::fs;

use kenwell_journal::{Batch, Limit, Offset, Options, open};

fn options() -> Options {
    Options {
        segment_bytes: 4096,
        ..Options::default()
    }
}

/// A closed journal with five records and a cursor "a" at the start.
async fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), options()).unwrap();
    drop(journal.reader("a").unwrap());
    for number in 0..5 {
        let mut batch = Batch::new();
        batch.push(&[&[number]]);
        journal.append(batch).await.unwrap();
    }
    journal.close().await.unwrap();
    dir
}

#[tokio::test]
async fn a_corrupt_cursor_begins_again_at_the_oldest_record() {
    for content in [&b""[..], b"garbage", &[0; 12_000]] {
        let dir = written().await;
        let (journal, _) = open(dir.path(), options()).unwrap();
        let mut reader = journal.reader("a").unwrap();
        reader.next(Limit::default()).await.unwrap();
        reader.ack(Offset(5)).await.unwrap();
        drop((reader, journal));
        fs::write(dir.path().join("a.cursor"), content).unwrap();
        let (journal, recovery) = open(dir.path(), options()).unwrap();
        assert_eq!(recovery.corrupt_cursors, ["a"]);
        assert_eq!(journal.reader("a").unwrap().acked(), Offset(0));
    }
}

#[tokio::test]
async fn a_missing_cursor_begins_again_at_the_oldest_record_and_a_new_one_at_the_end() {
    // With the list of cursors or without, as in a copy that holds the segments only.
    for listed in [true, false] {
        let dir = written().await;
        let (journal, _) = open(dir.path(), options()).unwrap();
        let mut reader = journal.reader("a").unwrap();
        reader.next(Limit::default()).await.unwrap();
        reader.ack(Offset(3)).await.unwrap();
        drop((reader, journal));
        fs::remove_file(dir.path().join("a.cursor")).unwrap();
        if !listed {
            fs::remove_file(dir.path().join("cursors.list")).unwrap();
        }
        let (journal, recovery) = open(dir.path(), options()).unwrap();
        assert_eq!(recovery.missing_cursors.len(), usize::from(listed));
        assert_eq!(journal.reader("a").unwrap().acked(), Offset(0));
        // What nobody can tell from a lost one begins at the oldest too, but only now.
        let new = if listed { 5 } else { 0 };
        assert_eq!(journal.reader("new").unwrap().acked(), Offset(new));
        drop(journal);
        let (journal, recovery) = open(dir.path(), options()).unwrap();
        assert!(recovery.missing_cursors.is_empty());
        assert_eq!(journal.reader("newer").unwrap().acked(), Offset(5));
        journal.forget("newer").unwrap();
        drop(journal);
        let (journal, recovery) = open(dir.path(), options()).unwrap();
        assert!(
            recovery.missing_cursors.is_empty(),
            "forgotten is not missing"
        );
        assert_eq!(journal.reader("newer").unwrap().acked(), Offset(5));
    }
}

#[tokio::test]
async fn a_cursor_whose_listing_was_cut_short_by_a_crash_stays_where_it_is() {
    let dir = written().await;
    let before = fs::read(dir.path().join("cursors.list")).unwrap();
    let (journal, _) = open(dir.path(), options()).unwrap();
    drop(journal.reader("b").unwrap());
    drop(journal);
    // Its file was there, its name was not listed yet; or the list is damaged.
    for list in [&before[..], b"garbage", b""] {
        fs::write(dir.path().join("cursors.list"), list).unwrap();
        let (journal, recovery) = open(dir.path(), options()).unwrap();
        assert!(recovery.missing_cursors.is_empty());
        assert_eq!(journal.reader("b").unwrap().acked(), Offset(5));
        drop(journal);
        assert_ne!(fs::read(dir.path().join("cursors.list")).unwrap(), list);
    }
}
