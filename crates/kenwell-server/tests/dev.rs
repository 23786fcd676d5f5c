//! `kenwell dev` with a real Redis: two commands to a profile, clean stops, and what a kill leaves.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

#[path = "../../kenwell/tests/support/ports.rs"]
#[expect(unreachable_pub, reason = "tests of the library use it, too")]
mod ports;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use ports::free_port;

const DEADLINE: Duration = Duration::from_mins(1);

/// A running `kenwell dev`; killed, with its Redis stopped, when a test fails.
struct Dev {
    child: Child,
    url: String,
    write_key: String,
    /// What stands behind "Redis".
    redis: String,
    link: String,
}

impl Dev {
    fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[], |_| ())
    }

    fn start_with(directory: &Path, more: &[&str], change: impl Fn(&mut Command)) -> Self {
        assert!(
            Command::new("redis-server")
                .arg("--version")
                .output()
                .is_ok(),
            "this test needs redis-server: apt-get install redis-server"
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_kenwell"));
        change(&mut command);
        let mut child = command
            .current_dir(directory)
            .args([
                "dev",
                "--gateway-listen",
                "127.0.0.1:0",
                "--private-listen",
                "127.0.0.1:0",
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(directory.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            said.push(line.unwrap());
            if said.last().unwrap().starts_with("Ctrl-C") {
                break;
            }
        }
        let word = |label: &str| {
            let line = said.iter().find(|line| line.starts_with(label));
            let line = line.unwrap_or_else(|| panic!("no {label}: {said:?} {}", errors(directory)));
            line[label.len()..].trim().to_owned()
        };
        Self {
            url: word("Data plane"),
            write_key: word("Write key"),
            redis: word("Redis"),
            link: word("Open"),
            child,
        }
    }

    fn redis_port(&self) -> u16 {
        let port = self.redis.strip_prefix("redis-cli -p ").unwrap();
        port.parse().unwrap()
    }

    fn identify(&self, directory: &Path, user: &str, traits: &[&str]) {
        let mut arguments = vec![
            "identify",
            user,
            "--write-key",
            &self.write_key,
            "--url",
            &self.url,
        ];
        arguments.extend(traits);
        let output = kenwell(directory, &arguments);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, b"ok\n");
    }

    fn stop(mut self) -> ExitStatus {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap()
    }

    /// As a machine that loses its mind does it: Redis is left behind.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() && std::thread::panicking() {
            signal(self.child.id(), "TERM");
            self.child.wait().unwrap();
        }
    }
}

fn errors(directory: &Path) -> String {
    fs::read_to_string(directory.join("stderr")).unwrap()
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}

fn kenwell(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kenwell"))
        .current_dir(directory)
        .args(arguments)
        .output()
        .unwrap()
}

/// The profile, once `expected` is in it.
fn wait_for_profile(directory: &Path, user: &str, expected: &str) {
    let arguments = ["profile", "get", user, "--config", "data/kenwell.toml"];
    let start = Instant::now();
    loop {
        let output = kenwell(directory, &arguments);
        if String::from_utf8_lossy(&output.stdout).contains(expected) {
            return;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "no {expected}: {output:?} {}",
            errors(directory)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends one command to Redis, and gives the answer as it came.
fn redis(port: u16, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn redis_pid(port: u16) -> u32 {
    let answer = redis(port, "INFO server").unwrap();
    let line = answer
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"));
    line.unwrap().parse().unwrap()
}

#[test]
fn one_command_starts_everything_and_the_next_start_goes_on_where_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let dev = Dev::start(directory);
    let (write_key, redis_port) = (dev.write_key.clone(), dev.redis_port());
    dev.identify(
        directory,
        "ada",
        &["name=Ada Lovelace", "plan.tier=pro", "logins=42"],
    );
    wait_for_profile(
        directory,
        "ada",
        "logins     42\n  name       Ada Lovelace\n  plan.tier  pro\n",
    );
    let absent = kenwell(
        directory,
        &["profile", "get", "bob", "--config", "data/kenwell.toml"],
    );
    assert_eq!(absent.status.code(), Some(3), "{absent:?}");
    let second = kenwell(directory, &["dev"]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let stats = kenwell(
        directory,
        &["journal", "stats", "--config", "data/kenwell.toml"],
    );
    assert!(
        String::from_utf8_lossy(&stats.stdout).contains("records   1"),
        "{stats:?}"
    );
    assert_eq!(dev.stop().code(), Some(0));
    assert!(redis(redis_port, "PING").is_err(), "Redis has stopped too");

    // Its port could be taken by somebody else meanwhile; one of the tests' own cannot.
    let config = directory.join("data/kenwell.toml");
    let (before, redis_port) = (format!("127.0.0.1:{redis_port}"), free_port());
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace(&before, &format!("127.0.0.1:{redis_port}"));
    fs::write(&config, text).unwrap();
    let dev = Dev::start(directory);
    assert_eq!((&dev.write_key, dev.redis_port()), (&write_key, redis_port));
    wait_for_profile(directory, "ada", "Ada Lovelace");
    assert_eq!(dev.stop().code(), Some(0));
}

/// A terminal signals all that runs in it, and npx and uvx send on what they get.
#[test]
fn ctrl_c_that_comes_twice_by_a_launcher_is_one_and_leaves_no_redis() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut dev = Dev::start(directory);
    let (pid, port) = (dev.child.id(), dev.redis_port());
    let both = format!("kill -INT {pid}; kill -TERM {pid}");
    let sent = Command::new("sh").args(["-c", &both]).status().unwrap();
    assert!(sent.success());
    let ended = dev.child.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{}", errors(directory));
    assert!(redis(port, "PING").is_err(), "Redis was left behind");
}

#[test]
fn what_a_kill_leaves_is_cleaned_up_by_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let dev = Dev::start(directory);
    dev.identify(directory, "ada", &["x=1"]);
    wait_for_profile(directory, "ada", "x  1");
    let orphan = redis_pid(dev.redis_port());
    dev.kill();
    let dev = Dev::start(directory);
    assert_ne!(redis_pid(dev.redis_port()), orphan);
    assert!(
        errors(directory).contains("killed run"),
        "{}",
        errors(directory)
    );
    wait_for_profile(directory, "ada", "x  1");
    assert_eq!(dev.stop().code(), Some(0));
}

#[test]
fn a_redis_that_dies_is_started_again_and_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let dev = Dev::start(directory);
    signal(redis_pid(dev.redis_port()), "KILL");
    dev.identify(directory, "ada", &["x=1"]);
    wait_for_profile(directory, "ada", "x  1");
    assert!(errors(directory).contains("ERROR"), "{}", errors(directory));
    assert_eq!(dev.stop().code(), Some(0));
}

#[test]
fn dead_letters_are_written_once_their_cause_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let dev = Dev::start(directory);
    assert!(
        redis(dev.redis_port(), "SET user:ada x")
            .unwrap()
            .starts_with("+OK")
    );
    dev.identify(directory, "ada", &["x=1"]);
    dev.identify(directory, "bob", &["x=2"]);
    wait_for_profile(directory, "bob", "x  2");
    let letters = |verb| {
        kenwell(
            directory,
            &["dead-letters", verb, "--config", "data/kenwell.toml"],
        )
    };

    // It may come after what another lane has written.
    let start = Instant::now();
    let said = loop {
        let said = String::from_utf8(letters("list").stdout).unwrap();
        if said.contains("user:ada") {
            break said;
        }
        assert!(start.elapsed() < DEADLINE, "no letter: {said}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(said.contains("WRONGTYPE"), "{said}");
    assert!(said.ends_with("profiles: 1 dead letter\n"), "{said}");
    let retried = letters("retry");
    assert_eq!(retried.status.code(), Some(1), "{retried:?}");
    assert!(
        String::from_utf8_lossy(&retried.stdout).contains("0 written"),
        "{retried:?}"
    );

    assert!(
        redis(dev.redis_port(), "DEL user:ada")
            .unwrap()
            .starts_with(":1")
    );
    let retried = letters("retry");
    assert_eq!(retried.status.code(), Some(0), "{retried:?}");
    assert!(
        String::from_utf8_lossy(&retried.stdout).contains("1 written"),
        "{retried:?}"
    );
    assert_eq!(letters("list").stdout, b"profiles: 0 dead letters\n");
    wait_for_profile(directory, "ada", "x  1");
    assert_eq!(dev.stop().code(), Some(0));
}

#[test]
fn a_start_that_fails_stops_redis_again() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // An address that no machine has (TEST-NET-1).
    let output = kenwell(directory, &["dev", "--gateway-listen", "192.0.2.1:8080"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let socket = directory.join("data/redis/redis.sock");
    assert!(std::os::unix::net::UnixStream::connect(socket).is_err());
}

#[test]
fn a_server_that_npm_has_brought_is_found_without_a_path() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let installed = Command::new("sh")
        .args(["-c", "command -v redis-server"])
        .output()
        .unwrap();
    let installed = String::from_utf8(installed.stdout).unwrap();
    let bin = directory.join("node_modules/.bin");
    fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(installed.trim(), bin.join("valkey-server")).unwrap();
    let below = directory.join("app");
    fs::create_dir(&below).unwrap();
    let dev = Dev::start_with(&below, &[], |command| {
        command.env("PATH", "/nowhere");
    });
    let said = errors(&below);
    assert!(said.contains("node_modules/.bin/valkey-server"), "{said}");
    dev.identify(&below, "ada", &["x=1"]);
    wait_for_profile(&below, "ada", "x  1");
    assert_eq!(dev.stop().code(), Some(0));
}

#[test]
fn a_redis_that_runs_already_is_used_and_left_running() {
    let directory = tempfile::tempdir().unwrap();
    let (theirs, ours) = (
        directory.path().join("theirs"),
        directory.path().join("ours"),
    );
    fs::create_dir(&theirs).unwrap();
    fs::create_dir(&ours).unwrap();
    let other = Dev::start(&theirs);
    let port = other.redis_port();
    let url = format!("redis://127.0.0.1:{port}/3");
    let dev = Dev::start_with(&ours, &["--redis", &url], |_| ());
    dev.identify(&ours, "ada", &["x=1"]);
    wait_for_profile(&ours, "ada", "x  1");
    let elsewhere = kenwell(
        &theirs,
        &["profile", "get", "ada", "--config", "data/kenwell.toml"],
    );
    assert_eq!(
        elsewhere.status.code(),
        Some(3),
        "another database: {elsewhere:?}"
    );
    assert_eq!(dev.stop().code(), Some(0));
    assert!(redis(port, "PING").unwrap().starts_with("+PONG"));
    // Kept, also without the option.
    let dev = Dev::start(&ours);
    assert_eq!(
        dev.redis,
        format!("127.0.0.1:{port}, as the configuration says")
    );
    wait_for_profile(&ours, "ada", "x  1");
    assert_eq!(dev.stop().code(), Some(0));
    assert_eq!(other.stop().code(), Some(0));
    let wrong = kenwell(&ours, &["dev", "--redis", "http://127.0.0.1"]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

/// Asks for a path, and gives the answer as it came.
fn get(address: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_printed_link_signs_in_once() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let dev = Dev::start(directory);
    let (address, path) = dev.link.split_once("/sign-in").unwrap();
    let (address, path) = (
        address.strip_prefix("http://").unwrap(),
        format!("/sign-in{path}"),
    );
    let token = path.split_once("token=").unwrap().1;
    // Who looks at it ahead, or has another one, uses nothing up.
    let ahead = get(address, &path, "Sec-Purpose: prefetch;prerender\r\n");
    assert!(
        ahead.starts_with("HTTP/1.1 204") && !ahead.contains("set-cookie"),
        "{ahead}"
    );
    for wrong in ["/sign-in", "/sign-in?token=", "/sign-in?token=guess"] {
        let refused = get(address, wrong, "");
        assert!(
            refused.starts_with("HTTP/1.1 401") && !refused.contains("set-cookie"),
            "{refused}"
        );
    }
    // Also from a terminal that is a page of another site.
    let signed_in = get(address, &path, "Sec-Fetch-Site: cross-site\r\n");
    assert!(signed_in.starts_with("HTTP/1.1 200"), "{signed_in}");
    assert!(signed_in.contains("url=/#/first-event"), "{signed_in}");
    let cookie = signed_in
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.unwrap();
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"),
        "{cookie}"
    );
    let session = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    let known = get(address, "/api/v1/session", &session);
    assert!(
        known.starts_with("HTTP/1.1 200") && known.contains("csrf_token"),
        "{known}"
    );

    let again = get(address, &path, "");
    assert!(
        again.starts_with("HTTP/1.1 401") && again.contains("used already"),
        "{again}"
    );
    assert!(
        !again.contains("set-cookie") && !again.contains(token),
        "{again}"
    );
    // The browser that it has signed in finds the way all the same.
    let back = get(address, &path, &session);
    assert!(
        back.starts_with("HTTP/1.1 200") && !back.contains("set-cookie"),
        "{back}"
    );
    // Once, though it was opened three times.
    let audit = get(address, "/api/v1/audit", &session);
    assert_eq!(
        audit.matches("sign_in_by_link\",\"about").count(),
        1,
        "{audit}"
    );
    assert!(!audit.contains(token), "{audit}");
    assert!(!errors(directory).contains(token), "it is in no log");
    assert_eq!(dev.stop().code(), Some(0));
}
