//! Tests of failing and of slow system calls: after an error nothing was kept, what was not made durable is tried
//! again, and nothing that is half read counts as the whole.

use std::path::Path;

use kenwell::profile::Layout;

use super::directory::DeadLetters;
use super::disk::Fault;
use super::error::Error;
use super::index::RemainingFields;
use super::letter::DeadLetter;
use super::log_line::LogLine;

const ROOM: u64 = 1 << 20;

fn letter(offset: u64) -> DeadLetter {
    DeadLetter {
        at: 1,
        destination: "profiles".into(),
        offset,
        source: "web".into(),
        key: "user:u".into(),
        reason: "redis at h:1: HSET refused: WRONGTYPE words".into(),
        received_at: 1,
        sent_at: None,
        event: format!(r#"{{"userId":"u","traits":{{"n":{offset},"m":1}}}}"#).into_bytes(),
    }
}

fn open(directory: &Path) -> DeadLetters {
    DeadLetters::open(directory, ROOM).unwrap()
}

fn order(letters: &DeadLetters, fault: Fault) {
    letters.log("profiles").files.disk.faults.order(fault);
}

/// Appends, and says whether that was refused by the file system.
fn is_refused(letters: &DeadLetters, offset: u64) -> bool {
    match letters.append("profiles", &[letter(offset)]) {
        Ok(()) => false,
        Err(Error::Io { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

fn offsets(letters: &DeadLetters) -> Vec<u64> {
    let listed = letters.list("profiles").unwrap();
    listed.map(|letter| letter.unwrap().offset).collect()
}

#[test]
fn a_directory_that_cannot_be_synced_keeps_nothing_and_is_synced_again() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    order(&letters, Fault::SyncDirectory);
    order(&letters, Fault::SyncDirectory);
    assert!(is_refused(&letters, 1));
    assert!(offsets(&letters).is_empty());
    assert!(
        is_refused(&letters, 1),
        "not forgotten by the second attempt"
    );
    assert!(!is_refused(&letters, 1));
    assert_eq!(offsets(&letters), [1]);
}

#[test]
fn lines_that_were_not_written_whole_are_cut_at_once_or_before_the_next_ones() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    assert!(!is_refused(&letters, 1));
    for (offset, faults) in [
        (2, &[Fault::Write][..]),
        (3, &[Fault::Sync]),
        (4, &[Fault::Sync, Fault::Cut]),
        (5, &[Fault::Write, Fault::Cut]),
    ] {
        for fault in faults {
            order(&letters, *fault);
        }
        assert!(is_refused(&letters, offset), "{faults:?}");
        assert!(!is_refused(&letters, offset), "{faults:?}");
    }
    assert_eq!(offsets(&letters), [1, 2, 3, 4, 5]);
}

#[test]
fn a_full_disk_at_each_step_of_a_rewrite_keeps_all_letters_and_takes_no_room() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    letters.append("profiles", &[letter(1), letter(2)]).unwrap();
    for fault in [Fault::Sync, Fault::Replace] {
        let mut rewrite = letters.rewrite("profiles").unwrap();
        let batch = rewrite.next(10).unwrap();
        rewrite
            .keep(batch, |letter| (letter.offset == 2).then_some(letter))
            .unwrap();
        order(&letters, fault);
        assert!(
            matches!(rewrite.finish(), Err(Error::Io { .. })),
            "{fault:?}"
        );
        assert_eq!(offsets(&letters), [1, 2], "{fault:?}");
        let rest = directory.path().join("profiles.jsonl.rest");
        assert_eq!(std::fs::metadata(rest).unwrap().len(), 0, "{fault:?}");
    }
}

#[test]
fn a_replaced_log_is_not_relied_upon_before_its_name_is_durable() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    let outstanding = letters.outstanding("profiles", &Layout::default());
    letters.append("profiles", &[letter(1), letter(2)]).unwrap();
    outstanding.refresh().unwrap();
    let mut rewrite = letters.rewrite("profiles").unwrap();
    let batch = rewrite.next(1).unwrap();
    rewrite.keep(batch, |_| None).unwrap();
    order(&letters, Fault::SyncDirectory);
    rewrite.finish().unwrap();
    order(&letters, Fault::SyncDirectory);
    assert!(outstanding.refresh().is_err());
    let count = |letters: u64| [("WRONGTYPE".to_owned(), letters)].into();
    assert_eq!(outstanding.counts(), Some(count(2)), "what was known stays");
    order(&letters, Fault::SyncDirectory);
    assert!(is_refused(&letters, 3));
    assert_eq!(offsets(&letters), [2]);
    outstanding.refresh().unwrap();
    assert_eq!(outstanding.counts(), Some(count(1)));
}

#[tokio::test]
async fn fields_are_not_taken_when_that_cannot_be_made_durable() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    let outstanding = letters.outstanding("profiles", &Layout::default());
    letters.append("profiles", &[letter(1)]).unwrap();
    let newer = kenwell::profile::update(&letter(5).event, &Layout::default()).unwrap();
    order(&letters, Fault::Sync);
    assert!(outstanding.supersede_older(&[&newer], |_| 5).await.is_err());
    let path = directory.path().join("profiles.jsonl");
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    assert_eq!(lines(), 1);
    drop(outstanding.supersede_older(&[&newer], |_| 5).await.unwrap());
    assert_eq!(lines(), 2);
    drop(outstanding.supersede_older(&[&newer], |_| 6).await.unwrap());
    assert_eq!(lines(), 2, "each field is taken once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_whoever_is_reading_the_letters_already() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path())
        .append("profiles", &[letter(1)])
        .unwrap();
    let letters = open(directory.path());
    let outstanding = letters.outstanding("profiles", &Layout::default());
    let slow = letters.log("profiles").files.lock().unwrap();
    let reads = std::thread::spawn({
        let outstanding = std::sync::Arc::clone(&outstanding);
        move || outstanding.refresh()
    });
    while outstanding.follower.is_at_rest() {
        std::thread::yield_now();
    }
    let newer = kenwell::profile::update(&letter(5).event, &Layout::default()).unwrap();
    let updates = [&newer];
    let mut superseded = std::pin::pin!(outstanding.supersede_older(&updates, |_| 5));
    let early = std::time::Duration::from_millis(100);
    assert!(tokio::time::timeout(early, &mut superseded).await.is_err());
    drop(slow);
    reads.join().unwrap().unwrap();
    drop(superseded.await.unwrap());
    let lines = std::fs::read_to_string(directory.path().join("profiles.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 2, "the letter's fields are taken");
}

#[tokio::test]
async fn only_older_letters_lose_fields_and_a_refused_write_gives_them_back() {
    let directory = tempfile::tempdir().unwrap();
    let letters = open(directory.path());
    let outstanding = letters.outstanding("profiles", &Layout::default());
    letters.append("profiles", &[letter(3), letter(7)]).unwrap();
    let event = br#"{"userId":"u","traits":{"n":5}}"#;
    let newer = kenwell::profile::update(event, &Layout::default()).unwrap();
    let mut superseded = outstanding.supersede_older(&[&newer], |_| 5).await.unwrap();
    let open = |place: usize| {
        let index = outstanding.follower.index();
        let (indexed, _) = index.letters().nth(place).unwrap();
        let update = kenwell::profile::update(&letter(1).event, &Layout::default()).unwrap();
        match index.remaining(indexed.position, indexed.offset, &update) {
            RemainingFields::Some(update) => update.fields().len(),
            RemainingFields::None | RemainingFields::Unknown => 0,
        }
    };
    assert_eq!([open(0), open(1)], [1, 2]);
    superseded.refused(5);
    outstanding.append(&[letter(5)], &superseded).unwrap();
    assert_eq!([open(0), open(1), open(2)], [2, 2, 2]);
    // Read again from the beginning it is the same.
    let again = open_again(directory.path());
    again.refresh().unwrap();
    let lines = std::fs::read_to_string(directory.path().join("profiles.jsonl")).unwrap();
    let marks = lines.lines().filter(|line| {
        let line = LogLine::parse(line.as_bytes());
        !matches!(line, Ok(LogLine::Letter(_)))
    });
    assert_eq!(marks.count(), 2);
}

fn open_again(directory: &Path) -> std::sync::Arc<super::outstanding::OutstandingLetters> {
    open(directory).outstanding("profiles", &Layout::default())
}
