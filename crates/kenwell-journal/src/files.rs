//! Files that are for the owner of their directory alone, durable, and never reached through a symbolic link.
//!
//! Events hold personal data. So every directory made here has the mode 0700 and every file 0600, whatever the umask;
//! what root makes belongs to the owner of the directory that it lies in, so that a command run as root leaves nothing
//! that a server under another user cannot open; and a link in a file's place is refused or replaced.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{DirBuilder, DirEntry, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::mutex::lock;

/// Ending of a file that is being made, and is rubbish after a crash.
pub(crate) const UNFINISHED: &str = ".tmp";
/// Rights of a directory.
const DIRECTORY_MODE: u32 = 0o700;
/// Rights of a file.
const FILE_MODE: u32 = 0o600;
/// The rights of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Set on directories that everybody may put files in, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// Makes a directory, unless it is there; also those above it that are missing. Durable when this returns.
///
/// # Errors
/// Those of the file system; [`ErrorKind::NotADirectory`] when something else is in its place.
pub fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let (above, name) = split(path)?;
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(above)?;
    let above = enter(above)?;
    match rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(DIRECTORY_MODE)) {
        Err(Errno::EXIST) if path.is_dir() => return Ok(()),
        made => made?,
    }
    let made = open_in(&above, name, OFlags::DIRECTORY | OFlags::RDONLY)?;
    give(&made, &above)?;
    set_mode(&made, DIRECTORY_MODE)?;
    sync(&above, path)
}

/// Makes a new file and opens it for reading and writing.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] when anything has this name, a link that leads nowhere included.
pub fn make(path: &Path) -> io::Result<File> {
    let (directory, name) = split(path)?;
    make_in(&enter(directory)?, name)
}

/// Makes a new file in place of whatever has this name and is no directory, and opens it for reading and writing.
///
/// # Errors
/// Those of the file system.
pub fn make_anew(path: &Path) -> io::Result<File> {
    let (directory, name) = split(path)?;
    make_anew_in(&enter(directory)?, name)
}

/// Opens a file for reading and writing; makes it when there is none.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when it is a link.
pub fn open_or_make(path: &Path) -> io::Result<File> {
    let (directory, name) = split(path)?;
    let directory = enter(directory)?;
    loop {
        match open_in(&directory, name, OFlags::RDWR) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(file) => {
                give(&file, &directory)?;
                return Ok(file);
            }
        }
        match make_in(&directory, name) {
            // Somebody else was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made,
        }
    }
}

/// Opens a file for reading.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when it is a link.
pub fn open(path: &Path) -> io::Result<File> {
    let (directory, name) = split(path)?;
    open_in(&enter(directory)?, name, OFlags::RDONLY)
}

/// Opens a file for reading and writing.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when it is a link.
pub fn open_for_writing(path: &Path) -> io::Result<File> {
    let (directory, name) = split(path)?;
    open_in(&enter(directory)?, name, OFlags::RDWR)
}

/// Puts a file with this content in place of what has this name, at once or not at all, and durably. A link is
/// replaced, not followed.
///
/// In a directory of root's own it keeps the owner that the file before had.
///
/// # Errors
/// Those of the file system; what was there before is there still then, unless it was the last step that failed, which
/// makes the name durable.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let (directory, name) = split(path)?;
    let directory = enter(directory)?;
    let mut new = name.to_owned();
    new.push(UNFINISHED);
    let mut file = make_anew_in(&directory, &new)?;
    let before = path.symlink_metadata();
    let written = file
        .write_all(content)
        .and_then(|()| match before {
            Ok(before) if before.is_file() => give_like(&file, &before),
            _ => Ok(()),
        })
        .and_then(|()| file.sync_all())
        .and_then(|()| Ok(rustix::fs::renameat(&directory, &new, &directory, name)?));
    if written.is_err() {
        // What matters is told; the next one that is made takes its place.
        drop(rustix::fs::unlinkat(&directory, &new, AtFlags::empty()).map_err(io::Error::from));
    }
    written?;
    sync(&directory, path)
}

/// Makes names created, renamed or removed in a directory durable.
///
/// Where the file system cannot do that at all (CIFS, folders shared with a virtual machine) this is logged once as a
/// WARN that says what it costs, and is no error.
///
/// # Errors
/// Those of a file system that can.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(directory) => sync(&directory, &path.join(".")),
        // Searched but not read.
        Err(error) if cannot_sync(&error) && path.is_dir() => {
            warn_of_names(0, path, &error);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Takes from everybody but their owner all rights to a directory, and to those files in it whose name `ours` knows.
/// Looks at neither links nor the directories in it. What cannot be changed is logged as a WARN.
pub fn restrict(directory: &Path, ours: impl Fn(&OsStr) -> bool) {
    let mut failures = Vec::new();
    let mut note = |outcome: io::Result<()>| failures.extend(outcome.err());
    note(restrict_one(directory));
    match std::fs::read_dir(directory) {
        Err(error) => note(Err(error)),
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) if ours(&entry.file_name()) && is_file(&entry) => {
                        note(restrict_one(&entry.path()));
                    }
                    Ok(_) => {}
                    Err(error) => note(Err(error)),
                }
            }
        }
    }
    if let Some(error) = failures.first() {
        tracing::warn!(
            directory = %directory.display(), %error, files = failures.len(),
            "others than kenwell's user may have rights here, and they cannot be taken from them; \
             where a directory must be shared (fsGroup of Kubernetes), see to it that only kenwell is in the group"
        );
    }
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file())
}

/// Takes the rights of others to one directory or file.
fn restrict_one(path: &Path) -> io::Result<()> {
    let seen = match path.metadata() {
        Ok(seen) => seen,
        // Its owner has removed it meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if seen.mode() & OTHERS == 0 {
        return Ok(());
    }
    let opened = if seen.is_dir() {
        enter(path)?
    } else {
        let (directory, name) = split(path)?;
        open_in(&enter(directory)?, name, OFlags::RDONLY | OFlags::NONBLOCK)?
    };
    let opened_as = opened.metadata()?;
    if opened_as.is_dir() && opened_as.mode() & STICKY != 0 {
        let shared = "everybody may put files into it: give kenwell a directory of its own";
        return Err(io::Error::other(shared));
    }
    if opened_as.is_file() && opened_as.nlink() > 1 && is_root() {
        // It may be anybody's: root does not touch what has another name elsewhere.
        return Ok(());
    }
    let mode = Mode::from_raw_mode(opened_as.mode() & 0o7777 & !OTHERS);
    Ok(rustix::fs::fchmod(&opened, mode)?)
}

/// A path's directory and name.
fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "it has no name"))?;
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    Ok((directory.unwrap_or(Path::new(".")), name))
}

/// Opens a directory. Root goes through a link only when root made it, or when it leads to something of whoever did:
/// otherwise the owner of `data_dir` could have root write elsewhere.
fn enter(directory: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    if is_root() {
        match rustix::fs::open(directory, flags | OFlags::NOFOLLOW, Mode::empty()) {
            Err(Errno::LOOP | Errno::NOTDIR) => {}
            other => return Ok(File::from(other?)),
        }
        let link = directory.symlink_metadata()?;
        let opened = File::from(rustix::fs::open(directory, flags, Mode::empty())?);
        if link.uid() == 0 || link.uid() == opened.metadata()?.uid() {
            return Ok(opened);
        }
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is a symbolic link to a directory of another user, which root does not follow",
        ));
    }
    let opened = rustix::fs::open(directory, flags, Mode::empty());
    Ok(File::from(opened?))
}

fn open_in(directory: &File, name: &OsStr, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(FILE_MODE);
    match rustix::fs::openat(directory, name, flags, mode) {
        Err(Errno::LOOP) => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is a symbolic link, which is not followed; put the file itself there",
        )),
        opened => Ok(File::from(opened?)),
    }
}

fn make_in(directory: &File, name: &OsStr) -> io::Result<File> {
    let file = open_in(
        directory,
        name,
        OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
    )?;
    give(&file, directory)?;
    set_mode(&file, FILE_MODE)?;
    Ok(file)
}

/// Sets the rights to what was made just now: the umask may have taken some of the owner's.
fn set_mode(new: &File, mode: u32) -> io::Result<()> {
    if new.metadata()?.mode() & 0o777 == mode {
        return Ok(());
    }
    match rustix::fs::fchmod(new, Mode::from_raw_mode(mode)) {
        // Everything has the same rights there (FAT, CIFS, shared folders); the next start warns of them.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        set => Ok(set?),
    }
}

fn make_anew_in(directory: &File, name: &OsStr) -> io::Result<File> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::NOENT) => {}
        removed => removed?,
    }
    make_in(directory, name)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Gives what root has made to the owner of its directory.
fn give(file: &File, directory: &File) -> io::Result<()> {
    if !is_root() {
        return Ok(());
    }
    give_like(file, &directory.metadata()?)
}

/// Gives what belongs to root to the owner of something else.
fn give_like(file: &File, owner: &Metadata) -> io::Result<()> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let own = file.metadata()?;
    // A file that has another name elsewhere may be anybody's.
    let only_here = own.is_dir() || own.nlink() == 1;
    if own.uid() != 0 || owner.uid() == 0 || !only_here {
        return Ok(());
    }
    match std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid())) {
        // A container's root may lack the right. It can use the file itself.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            if !WARNED.swap(true, Ordering::Relaxed) {
                tracing::warn!(%error, "files that root makes here cannot be given to the owner of their directory; a server that runs as that user will not be able to open them");
            }
            Ok(())
        }
        given => given,
    }
}

/// Makes the names in an open directory durable; `inside` is a path in it.
fn sync(directory: &File, inside: &Path) -> io::Result<()> {
    match directory.sync_all() {
        Err(error) if cannot_sync(&error) => {
            let device = directory.metadata()?.dev();
            warn_of_names(device, inside.parent().unwrap_or(inside), &error);
            Ok(())
        }
        synced => synced,
    }
}

/// Whether an error of an `fsync` on a directory says that the file system has no such thing, rather than that it
/// failed.
fn cannot_sync(error: &io::Error) -> bool {
    let answers = [
        Errno::INVAL,
        Errno::BADF,
        Errno::NOTSUP,
        Errno::OPNOTSUPP,
        Errno::NOSYS,
        Errno::ACCESS,
        Errno::PERM,
        Errno::ISDIR,
        Errno::NOTTY,
    ];
    Errno::from_io_error(error).is_some_and(|error| answers.contains(&error))
}

/// Says once for each device what it costs that names cannot be made durable.
fn warn_of_names(device: u64, directory: &Path, error: &io::Error) {
    static WARNED: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
    if lock(&WARNED).insert(device) {
        tracing::warn!(
            directory = %directory.display(), %error,
            "this file system cannot make the names of new files durable (fsync of a directory); after a power cut a file \
             made shortly before may be missing, with the events in it: put data_dir on a local file system"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_system_does_not_have_is_told_from_what_failed() {
        for (errno, is_missing) in [
            (Errno::INVAL, true),
            (Errno::BADF, true),
            (Errno::OPNOTSUPP, true),
            (Errno::NOSYS, true),
            (Errno::ACCESS, true),
            (Errno::IO, false),
            (Errno::NOSPC, false),
            (Errno::DQUOT, false),
            (Errno::ROFS, false),
            (Errno::NOENT, false),
            (Errno::STALE, false),
        ] {
            assert_eq!(cannot_sync(&errno.into()), is_missing, "{errno}");
        }
        let missing = sync_directory(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
