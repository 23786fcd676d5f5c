//! The dead-letter log: durable, bounded, and shared by the server and the command line.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::fs;
use std::io::Write;
use std::sync::Barrier;

use kenwell_server::dead_letters::{DeadLetter, DeadLetters, Error, Rewrite};

const ROOM: u64 = 1 << 20;

fn letter(offset: u64) -> DeadLetter {
    DeadLetter {
        at: 1_700_000_000_000 + offset,
        destination: "profiles".into(),
        offset,
        source: "web".into(),
        key: format!("user:{offset}"),
        reason: "WRONGTYPE".into(),
        received_at: 1_700_000_000_000,
        sent_at: None,
        event: format!("{{\"userId\":\"{offset}\"}}").into_bytes(),
    }
}

fn offsets(letters: &DeadLetters) -> Vec<u64> {
    letters
        .list("profiles")
        .unwrap()
        .map(|letter| letter.unwrap().offset)
        .collect()
}

fn drop_all(rewrite: &mut Rewrite, letters: usize) {
    let batch = rewrite.next(10).unwrap();
    assert_eq!(batch.letters().count(), letters);
    rewrite.keep(batch, |_| None).unwrap();
}

#[test]
fn letters_come_back_in_order_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    assert!(offsets(&letters).is_empty());
    letters.append("profiles", &[letter(1), letter(2)]).unwrap();
    letters.append("other", &[letter(9)]).unwrap();
    drop(letters);
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    letters.append("profiles", &[letter(3)]).unwrap();
    assert_eq!(offsets(&letters), [1, 2, 3]);
    assert_eq!(
        letters.list("profiles").unwrap().next().unwrap().unwrap(),
        letter(1)
    );
}

#[test]
fn a_line_torn_by_a_crash_is_not_listed_and_is_cut_by_the_next_append() {
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    letters.append("profiles", &[letter(1)]).unwrap();
    let path = directory.path().join("profiles.jsonl");
    let torn = "x".repeat(200_000); // longer than one step of looking backwards
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    write!(file, "{{\"at\":1,{torn}").unwrap();
    assert_eq!(offsets(&letters), [1]);
    letters.append("profiles", &[letter(2)]).unwrap();
    assert_eq!(offsets(&letters), [1, 2]);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}

#[test]
fn a_full_log_refuses_whole_batches_and_takes_letters_again_when_emptied() {
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(directory.path(), 400).unwrap();
    letters.append("profiles", &[letter(1), letter(2)]).unwrap();
    let error = letters
        .append("profiles", &[letter(3), letter(4)])
        .unwrap_err();
    assert!(
        matches!(error, Error::Full { max_bytes: 400, .. }),
        "{error}"
    );
    assert!(error.is_retryable());
    assert_eq!(offsets(&letters), [1, 2]);
    let mut rewrite = letters.rewrite("profiles").unwrap();
    drop_all(&mut rewrite, 2);
    rewrite.finish().unwrap();
    letters.append("profiles", &[letter(3), letter(4)]).unwrap();
    assert_eq!(offsets(&letters), [3, 4]);
}

#[test]
fn a_rewrite_keeps_what_it_is_told_what_it_did_not_see_and_what_came_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    letters
        .append("profiles", &[letter(1), letter(2), letter(3), letter(4)])
        .unwrap();
    let mut rewrite = letters.rewrite("profiles").unwrap();
    let batch = rewrite.next(3).unwrap();
    let kept = DeadLetter {
        reason: "NOPERM".into(),
        ..letter(2)
    };
    rewrite
        .keep(batch, |letter| (letter.offset == 2).then(|| kept.clone()))
        .unwrap();
    letters.append("profiles", &[letter(5)]).unwrap();
    assert_eq!(
        offsets(&letters),
        [1, 2, 3, 4, 5],
        "nothing changes before the end"
    );
    rewrite.finish().unwrap();
    letters.append("profiles", &[letter(6)]).unwrap();
    assert_eq!(offsets(&letters), [2, 4, 5, 6]);
    assert_eq!(
        letters.list("profiles").unwrap().next().unwrap().unwrap(),
        kept
    );
}

#[test]
fn an_abandoned_rewrite_changes_nothing_and_lets_the_next_one_in() {
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    letters.append("profiles", &[letter(1), letter(2)]).unwrap();
    let mut rewrite = letters.rewrite("profiles").unwrap();
    let batch = rewrite.next(1).unwrap();
    rewrite.keep(batch, Some).unwrap();
    let busy = letters.rewrite("profiles").unwrap_err();
    assert!(matches!(busy, Error::Busy { .. }), "{busy}");
    drop(rewrite);
    assert_eq!(offsets(&letters), [1, 2]);
    letters.rewrite("profiles").unwrap().finish().unwrap();
    assert_eq!(offsets(&letters), [1, 2]);
}

#[test]
fn a_line_that_is_no_letter_is_reported_and_survives_a_rewrite() {
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    letters.append("profiles", &[letter(1)]).unwrap();
    let path = directory.path().join("profiles.jsonl");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    writeln!(file, "hello").unwrap();
    letters.append("profiles", &[letter(2)]).unwrap();
    let listed: Vec<_> = letters.list("profiles").unwrap().collect();
    assert_eq!(listed.len(), 3);
    assert!(
        matches!(&listed[1], Err(Error::Corrupt { line: 2, .. })),
        "{:?}",
        listed[1]
    );
    let mut rewrite = letters.rewrite("profiles").unwrap();
    drop_all(&mut rewrite, 2);
    rewrite.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "hello\n");
}

#[test]
fn appends_from_many_threads_during_rewrites_are_all_kept() {
    const THREADS: usize = 4;
    const EACH: usize = 50;
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    let start = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (letters, start) = (letters.clone(), &start);
            scope.spawn(move || {
                start.wait();
                for index in 0..EACH {
                    letters
                        .append("profiles", &[letter((thread * EACH + index) as u64)])
                        .unwrap();
                }
            });
        }
        start.wait();
        for _ in 0..20 {
            let mut rewrite = letters.rewrite("profiles").unwrap();
            let batch = rewrite.next(7).unwrap();
            rewrite.keep(batch, Some).unwrap();
            rewrite.finish().unwrap();
        }
    });
    let mut found = offsets(&letters);
    found.sort_unstable();
    assert_eq!(found, (0..(THREADS * EACH) as u64).collect::<Vec<_>>());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_letters() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    letters.append("profiles", &[letter(1)]).unwrap();
    letters.rewrite("profiles").unwrap().finish().unwrap();
    let mode = fs::metadata(directory.path().join("profiles.jsonl"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn files_belong_to_the_owner_of_the_directory_also_when_root_makes_them() {
    use std::os::unix::fs::{MetadataExt, chown};
    let directory = tempfile::tempdir().unwrap();
    let mut owner = fs::metadata(directory.path()).unwrap().uid();
    if owner == 0 {
        owner = 1234; // only root can give files away, and only root needs to
        chown(directory.path(), Some(owner), Some(owner)).unwrap();
    }
    let letters = DeadLetters::open(directory.path(), ROOM).unwrap();
    letters.append("profiles", &[letter(1)]).unwrap();
    letters.rewrite("profiles").unwrap().finish().unwrap();
    let files = fs::read_dir(directory.path()).unwrap();
    let owners: Vec<_> = files
        .map(|file| file.unwrap())
        .map(|file| (file.path(), file.metadata().unwrap().uid()))
        .collect();
    assert!(owners.len() >= 3, "a log and its locks: {owners:?}");
    assert!(owners.iter().all(|(_, of)| *of == owner), "{owners:?}");
}
