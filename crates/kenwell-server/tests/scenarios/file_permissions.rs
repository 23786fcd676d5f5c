//! Files at rest: who may read them, whose they are when root runs a command, and that no link is followed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use crate::support::{ADMIN_KEY, Client, Redis, Server, eventually, raw};

/// A user without rights, who is not root.
const NOBODY: u32 = 65534;

/// Whether this process may make files of another user; otherwise says what is left out.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!(
            "not root: the server runs as the same user as the commands, so owners are not told apart"
        );
    }
    is_root
}

/// Everything below a directory, and itself.
fn everything(directory: &Path) -> Vec<PathBuf> {
    let mut all = vec![directory.to_path_buf()];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            all.extend(everything(&path));
        } else {
            all.push(path);
        }
    }
    all
}

fn give_all(directory: &Path, user: u32) {
    for path in everything(directory) {
        chown(&path, Some(user), Some(user)).unwrap();
    }
}

/// All of them belong to nobody, where that can be.
fn assert_owner(data_dir: &Path) {
    let owner = if is_root() {
        NOBODY
    } else {
        rustix::process::geteuid().as_raw()
    };
    for path in everything(data_dir) {
        let found = path.symlink_metadata().unwrap().uid();
        assert_eq!(found, owner, "{}", path.display());
    }
}

fn assert_private(data_dir: &Path) {
    let all = everything(data_dir);
    assert!(all.len() > 8, "{all:?}");
    for path in all {
        let metadata = path.metadata().unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o777, expected, "{}", path.display());
    }
}

/// Starts the server again as a user without rights, with the data directory of that user.
fn restart_as_nobody(server: &mut Server) {
    if !is_root() {
        return server.restart();
    }
    let data_dir = server.data_dir();
    let above = data_dir.parent().unwrap();
    give_all(above, NOBODY);
    let kenwell = env!("CARGO_BIN_EXE_kenwell");
    server.restart_with(&format!(
        "exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups {kenwell} serve --config kenwell.toml"
    ));
}

fn identify(server: &Server, user: &str) {
    let event = format!("{{\"userId\":\"{user}\",\"traits\":{{\"a\":1}}}}");
    let mut client = Client::connect(&server.gateway);
    let reply = client.post_as("WK", "/v1/identify", "", event.as_bytes());
    assert_eq!(reply.unwrap().status, 200);
}

/// A server that has written everything that it ever writes: segments, cursors, dead letters, its key.
fn used(redis: &Redis) -> Server {
    let server = Server::without_key(redis);
    redis.command::<()>(&["SET", "user:wrong", "not a hash"]);
    for user in ["ada", "wrong"] {
        identify(&server, user);
    }
    let log = server.data_dir().join("dead-letters/profiles.jsonl");
    eventually("the dead letter", || log.exists().then_some(()));
    server
}

/// The status of a request with this key.
fn status(server: &Server, key: &str) -> u16 {
    let head = format!(
        "GET /api/v1/session HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\n\r\n",
        server.private
    );
    raw(&server.private, head.as_bytes()).status
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap().trim()
}

#[test]
fn only_the_server_s_user_can_read_what_it_keeps_whatever_the_umask() {
    let redis = Redis::start();
    let mut server = used(&redis);
    server.terminate();
    // As an earlier version may have left it.
    for path in everything(&server.data_dir()) {
        let mode = if path.is_dir() { 0o777 } else { 0o666 };
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    let beside = server.config();
    fs::set_permissions(&beside, Permissions::from_mode(0o644)).unwrap();
    server.restart_with("umask 0");
    identify(&server, "wrong");
    identify(&server, "ada");
    assert_private(&server.data_dir());
    assert_eq!(
        beside.metadata().unwrap().mode() & 0o777,
        0o644,
        "not in data_dir"
    );
    server.terminate();
    assert_private(&server.data_dir());
}

#[test]
fn a_key_that_root_resets_counts_at_once_and_at_the_next_start() {
    let redis = Redis::start();
    let mut server = used(&redis);
    server.terminate();
    restart_as_nobody(&mut server);
    let mut keys = Vec::new();
    for _ in 0..2 {
        let reset = server.cli(&["admin-key", "reset"]);
        assert!(reset.status.success(), "{reset:?}");
        assert_eq!(text(&reset.stderr), "", "a server has taken it");
        keys.push(text(&reset.stdout).to_owned());
        assert_eq!(status(&server, keys.last().unwrap()), 200);
    }
    assert_eq!(status(&server, &keys[0]), 401, "the one before");
    assert_owner(&server.data_dir());
    server.terminate();
    restart_as_nobody(&mut server);
    assert_eq!(status(&server, &keys[1]), 200);
    server.terminate();
    let reset = server.cli(&["admin-key", "reset"]);
    assert!(text(&reset.stderr).contains("no server runs"), "{reset:?}");
    assert_owner(&server.data_dir());
    restart_as_nobody(&mut server);
    assert_eq!(status(&server, text(&reset.stdout)), 200);
}

#[test]
fn what_was_opened_with_the_old_key_ends() {
    let redis = Redis::start();
    let server = Server::without_key(&redis);
    let old = server.cli(&["admin-key", "reset"]);
    let mut client = Client::connect(&server.private);
    let head = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        server.private,
        text(&old.stdout)
    );
    client.send(head.as_bytes()).unwrap();
    assert_eq!(
        client.receive(true).unwrap().status,
        200,
        "the stream is open"
    );
    let reset = server.cli(&["admin-key", "reset"]);
    assert!(reset.status.success(), "{reset:?}");
    assert_eq!(status(&server, text(&old.stdout)), 401);
    // The end of a chunked body, after which nothing comes.
    assert!(client.rest().unwrap().ends_with(b"0\r\n\r\n"));
}

#[test]
fn a_reset_that_does_not_count_is_an_error_and_changes_nothing() {
    let redis = Redis::start();
    let mut server = used(&redis);
    let file = server.data_dir().join("admin-key");
    let before = fs::read_to_string(&file).unwrap();
    server.terminate();
    server.restart_with(&format!("export KENWELL_PRIVATE_ADMIN_KEY={ADMIN_KEY}"));
    let reset = server.cli(&["admin-key", "reset"]);
    assert_eq!(reset.status.code(), Some(1), "{reset:?}");
    assert!(
        text(&reset.stderr).contains("KENWELL_PRIVATE_ADMIN_KEY"),
        "{reset:?}"
    );
    assert_eq!(text(&reset.stdout), "", "no key that opens nothing");
    assert_eq!(status(&server, ADMIN_KEY), 200);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn a_data_dir_that_is_shared_on_purpose_is_a_warning() {
    if !is_root() {
        return;
    }
    let redis = Redis::start();
    let mut server = used(&redis);
    server.terminate();
    restart_as_nobody(&mut server);
    server.terminate();
    // As a volume that Kubernetes shares by its group: root's, and others may write to it.
    let data_dir = server.data_dir();
    chown(&data_dir, Some(0), Some(NOBODY)).unwrap();
    fs::set_permissions(&data_dir, Permissions::from_mode(0o2775)).unwrap();
    let kenwell = env!("CARGO_BIN_EXE_kenwell");
    server.restart_with(&format!(
        "exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups {kenwell} serve --config kenwell.toml"
    ));
    assert!(server.log().contains("fsGroup"), "{}", server.log());
    let reset = server.cli(&["admin-key", "reset"]);
    assert!(reset.status.success(), "{reset:?}");
    assert_eq!(status(&server, text(&reset.stdout)), 200);
    let key = data_dir.join("admin-key").metadata().unwrap();
    assert_eq!((key.uid(), key.mode() & 0o777), (NOBODY, 0o600));
    identify(&server, "ada");
}

#[test]
fn what_root_s_commands_write_belongs_to_the_owner_of_data_dir() {
    let redis = Redis::start();
    let mut server = used(&redis);
    server.terminate();
    let data_dir = server.data_dir();
    if is_root() {
        give_all(data_dir.parent().unwrap(), NOBODY);
    }
    // Everything that a command makes it makes anew.
    for path in everything(&data_dir.join("dead-letters")) {
        if path.extension().is_some_and(|end| end != "jsonl") {
            fs::remove_file(path).unwrap();
        }
    }
    fs::remove_file(data_dir.join("admin-key")).unwrap();
    let init = data_dir.join("made/kenwell.toml");
    fs::create_dir(init.parent().unwrap()).unwrap();
    if is_root() {
        chown(init.parent().unwrap(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let workspace = data_dir.join("workspace.json");
    fs::write(&workspace, "{\"sources\":[]}").unwrap();
    let imported = data_dir.join("made/imported.toml");
    redis.command::<()>(&["DEL", "user:wrong"]);
    for (words, succeeds) in [
        (&["dead-letters", "list"][..], true),
        (&["dead-letters", "retry"], true),
        (&["destinations", "list"], true),
        (&["destinations", "forget", "nowhere", "--yes"], false),
        (&["replay", "--from", "1h"], true),
        (&["journal", "stats"], true),
        (&["admin-key", "reset"], true),
        (
            &[
                "import",
                "rudderstack",
                workspace.to_str().unwrap(),
                "--output",
                imported.to_str().unwrap(),
            ],
            true,
        ),
        // It makes its file, and then has nowhere to listen.
        (
            &["serve", "--init", "--config", init.to_str().unwrap()],
            false,
        ),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kenwell"));
        command.args(words).env("KENWELL_CONFIG", server.config());
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        if words[0] == "serve" {
            command.env(
                "KENWELL_GATEWAY_LISTEN",
                taken.local_addr().unwrap().to_string(),
            );
        }
        let done = command.output().unwrap();
        assert_eq!(done.status.success(), succeeds, "{words:?}: {done:?}");
    }
    assert!(init.exists() && imported.exists());
    if is_root() {
        chown(&workspace, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    assert_owner(&data_dir);
    restart_as_nobody(&mut server);
    identify(&server, "ada");
    eventually("the events of the replay", || {
        let there: u64 = redis.command(&["EXISTS", "user:ada", "user:wrong"]);
        (there == 2).then_some(())
    });
}

#[test]
fn links_in_data_dir_lead_root_nowhere() {
    let redis = Redis::start();
    let mut server = used(&redis);
    server.terminate();
    redis.command::<()>(&["DEL", "user:wrong"]);
    let data_dir = server.data_dir();
    let precious = data_dir.parent().unwrap().join("precious");
    fs::write(&precious, "precious").unwrap();
    fs::set_permissions(&precious, Permissions::from_mode(0o644)).unwrap();
    let unharmed = |done: &std::process::Output| {
        let now = precious.metadata().unwrap();
        assert_eq!(
            fs::read_to_string(&precious).unwrap(),
            "precious",
            "{done:?}"
        );
        assert_eq!(
            (now.mode() & 0o777, now.uid()),
            (0o644, rustix::process::geteuid().as_raw())
        );
    };
    let reset = &["admin-key", "reset"][..];
    let retry = &["dead-letters", "retry"][..];
    let replay = &["replay", "--from", "1h"][..];
    for (name, words, makes_anew) in [
        ("admin-key.tmp", reset, true),
        ("admin-key", reset, false),
        ("dead-letters/profiles.jsonl.rest", retry, true),
        ("dead-letters/profiles.jsonl", retry, false),
        (
            "dead-letters/profiles.lock",
            &["dead-letters", "list"],
            false,
        ),
        ("dead-letters/profiles.retry-lock", retry, false),
        ("journal/lock", &["destinations", "list"], false),
        ("journal/cursors.list", replay, false),
        ("journal/profiles.cursor", replay, true),
        ("journal/end.mark", replay, false),
    ] {
        let path = data_dir.join(name);
        let aside = path.with_extension("aside");
        fs::rename(&path, &aside).ok();
        symlink(&precious, &path).unwrap();
        let done = server.cli(words);
        unharmed(&done);
        // What a command makes anew it puts in the link's place; everything else it refuses to follow.
        let is_refused = text(&done.stderr).contains("symbolic link");
        assert_eq!(
            (done.status.success(), is_refused),
            (makes_anew, !makes_anew),
            "{name}: {done:?}"
        );
        fs::remove_file(&path).ok();
        fs::rename(&aside, &path).ok();
    }
}

/// A library that, loaded before all others, makes `fsync` of a directory fail as on CIFS, vboxsf and the like.
fn fsync_fails_with(errno: &str, directory: &Path) -> PathBuf {
    let source = format!(
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <errno.h>\n#include <sys/stat.h>\n\
         int fsync(int file) {{\n\
         \tstruct stat it;\n\
         \tif (fstat(file, &it) == 0 && S_ISDIR(it.st_mode)) {{ errno = {errno}; return -1; }}\n\
         \tint (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, \"fsync\");\n\
         \treturn real(file);\n}}\n"
    );
    let (code, library) = (directory.join("shim.c"), directory.join("shim.so"));
    fs::write(&code, source).unwrap();
    let compiled = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &code])
        .arg("-ldl")
        .status();
    assert!(compiled.unwrap().success(), "cc, which Rust links with");
    library
}

#[test]
fn a_directory_that_cannot_be_synced_is_a_warning_and_one_that_fails_to_be_is_not() {
    let redis = Redis::start();
    let mut server = used(&redis);
    server.terminate();
    let directory = tempfile::tempdir().unwrap();
    for errno in ["EINVAL", "EBADF", "ENOTSUP", "EACCES"] {
        let library = fsync_fails_with(errno, directory.path());
        // From nothing: every file is made anew.
        fs::remove_dir_all(server.data_dir()).unwrap();
        let before = server.log().len();
        server.restart_with(&format!("export LD_PRELOAD={}", library.display()));
        for user in ["ada", "wrong"] {
            identify(&server, user);
        }
        let letters = server.data_dir().join("dead-letters/profiles.jsonl");
        eventually("the dead letter", || {
            let written = letters.metadata().is_ok_and(|file| file.len() > 0);
            written.then_some(())
        });
        server.terminate();
        let log = &server.log()[before..];
        assert_eq!(
            log.matches("cannot make the names of new files durable")
                .count(),
            1,
            "{log}"
        );
        assert!(log.contains("put data_dir on a local file system"), "{log}");
    }
    let library = fsync_fails_with("EIO", directory.path());
    fs::remove_dir_all(server.data_dir()).unwrap();
    let started = std::process::Command::new(env!("CARGO_BIN_EXE_kenwell"))
        .args(["serve", "--config"])
        .arg(server.config())
        .env("LD_PRELOAD", library)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&started.stderr);
    assert_eq!(started.status.code(), Some(1), "{said}");
    assert!(
        said.contains("data_dir") && said.contains("Input/output error"),
        "{said}"
    );
}
