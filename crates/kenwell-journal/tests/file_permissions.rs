//! Who may read a journal's files, whose they are, and that links in their place are not followed.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use kenwell_journal::{Batch, Journal, Limit, Options, files, open};
use rustix::fs::Mode;

/// A user that is nobody else here.
const NOBODY: u32 = 65534;

fn options() -> Options {
    Options {
        segment_bytes: 4096,
        ..Options::default()
    }
}

/// Writes several segments and a cursor.
async fn use_it(journal: &Journal) {
    let mut reader = journal.reader("profiles").unwrap();
    for _ in 0..10 {
        let mut batch = Batch::new();
        batch.push(&[&[b'x'; 1000]]);
        journal.append(batch).await.unwrap();
    }
    let records = reader.next(Limit::default()).await.unwrap();
    reader.ack(records.next_offset()).await.unwrap();
}

fn everything(dir: &Path) -> Vec<PathBuf> {
    let mut all = vec![dir.to_path_buf()];
    all.extend(
        fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    all
}

fn assert_private(dir: &Path) {
    let all = everything(dir);
    assert!(all.len() > 5, "{all:?}");
    for path in all {
        let metadata = path.metadata().unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o777, expected, "{}", path.display());
    }
}

/// A process has one umask, and one of these tests changes it.
static UMASK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Whose files they are to be: another user's, where this process may make such files, which is where it is root.
fn owner() -> (u32, u32) {
    if is_root() {
        return (NOBODY, NOBODY);
    }
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    (user.as_raw(), group.as_raw())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn only_the_owner_has_rights_whatever_the_umask() {
    let _umask = UMASK.lock().await;
    let parent = tempfile::tempdir().unwrap();
    for umask in [0o000, 0o022, 0o377] {
        let before = rustix::process::umask(Mode::from_raw_mode(umask));
        let dir = parent.path().join(format!("journal-{umask}"));
        let journal = open(&dir, options()).unwrap().0;
        use_it(&journal).await;
        assert_private(&dir);
        journal.close().await.unwrap();
        assert_private(&dir);
        rustix::process::umask(before);
    }
}

#[tokio::test]
async fn what_an_earlier_version_left_open_is_closed_at_the_start() {
    let _umask = UMASK.lock().await;
    let parent = tempfile::tempdir().unwrap();
    fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
    let dir = parent.path().join("journal");
    let journal = open(&dir, options()).unwrap().0;
    use_it(&journal).await;
    journal.close().await.unwrap();
    let outside = parent.path().join("outside");
    fs::write(&outside, "somebody else's").unwrap();
    fs::set_permissions(&outside, Permissions::from_mode(0o644)).unwrap();
    symlink(&outside, dir.join("link")).unwrap();
    for path in everything(&dir) {
        if !path.is_symlink() {
            let mode = if path.is_dir() { 0o755 } else { 0o666 };
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
    }
    let journal = open(&dir, options()).unwrap().0;
    fs::remove_file(dir.join("link")).unwrap();
    assert_private(&dir);
    assert_eq!(outside.metadata().unwrap().mode() & 0o777, 0o644);
    let above = parent.path().metadata().unwrap();
    assert_eq!(above.mode() & 0o777, 0o755, "it is somebody else's");
    drop(journal);
}

#[tokio::test]
async fn a_link_in_the_place_of_a_file_is_replaced_or_refused() {
    let _umask = UMASK.lock().await;
    let parent = tempfile::tempdir().unwrap();
    let outside = parent.path().join("outside");
    let dir = parent.path().join("journal");
    files::make_directory(&dir).unwrap();
    fs::write(&outside, "precious").unwrap();
    // What is made under these names takes their place.
    for name in [
        "0.tmp",
        "profiles.cursor.tmp",
        "end.mark.tmp",
        "cursors.list.tmp",
    ] {
        symlink(&outside, dir.join(name)).unwrap();
    }
    let journal = open(&dir, options()).unwrap().0;
    use_it(&journal).await;
    journal.close().await.unwrap();
    assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
    // What is opened under this name is not followed.
    fs::remove_file(dir.join("lock")).unwrap();
    symlink(&outside, dir.join("lock")).unwrap();
    let error = open(&dir, options()).unwrap_err();
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("symbolic link"), "{why}");
    assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
}

#[tokio::test]
async fn what_is_made_belongs_to_the_owner_of_the_directory_also_when_root_makes_it() {
    let _umask = UMASK.lock().await;
    let (user, group) = owner();
    let parent = tempfile::tempdir().unwrap();
    let data_dir = parent.path().join("data");
    files::make_directory(&data_dir).unwrap();
    chown(&data_dir, Some(user), Some(group)).unwrap();
    let dir = data_dir.join("journal");
    let journal = open(&dir, options()).unwrap().0;
    use_it(&journal).await;
    journal.close().await.unwrap();
    for path in everything(&dir) {
        let owner = path.metadata().unwrap();
        assert_eq!(
            (owner.uid(), owner.gid()),
            (user, group),
            "{}",
            path.display()
        );
    }
    // The same owner's link to a directory of root's own leads root nowhere; to one of its own it does.
    let (others, own) = (parent.path().join("others"), parent.path().join("own"));
    for directory in [&others, &own] {
        files::make_directory(directory).unwrap();
    }
    chown(&own, Some(user), Some(group)).unwrap();
    for (target, is_followed) in [(&others, !is_root()), (&own, true)] {
        let link = data_dir.join(format!("to-{}", target.file_name().unwrap().display()));
        symlink(target, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(user), Some(group)).unwrap();
        assert_eq!(
            open(&link, options()).is_ok(),
            is_followed,
            "{}",
            link.display()
        );
    }
    let is_empty = fs::read_dir(&others).unwrap().count() == 0;
    assert_eq!(is_empty, is_root());
}

#[test]
fn a_replaced_file_keeps_its_owner_also_in_a_directory_of_roots_own() {
    let _umask = UMASK.blocking_lock();
    let me = rustix::process::geteuid().as_raw();
    let (user, group) = owner();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-key");
    files::replace(&path, b"old").unwrap();
    assert_eq!(path.metadata().unwrap().uid(), me);
    chown(&path, Some(user), Some(group)).unwrap();
    files::replace(&path, b"new").unwrap();
    assert_eq!(path.metadata().unwrap().uid(), user);
    // A name elsewhere: it may be anybody's.
    let mine = dir.path().join("mine");
    files::make(&mine).unwrap();
    let data_dir = dir.path().join("data");
    files::make_directory(&data_dir).unwrap();
    chown(&data_dir, Some(user), Some(group)).unwrap();
    fs::hard_link(&mine, data_dir.join("hard")).unwrap();
    files::open_or_make(&data_dir.join("hard")).unwrap();
    assert_eq!(mine.metadata().unwrap().uid(), me);
}
