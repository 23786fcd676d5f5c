//! `kenwell dev` with a real Redis: two commands to a profile, clean stops, and what a kill leaves.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_mins(1);

/// A running `kenwell dev`; killed, with its Redis stopped, when a test fails.
struct Dev {
    child: Child,
    url: String,
    write_key: String,
    redis_port: u16,
}

impl Dev {
    fn start(directory: &Path) -> Self {
        assert!(
            Command::new("redis-server")
                .arg("--version")
                .output()
                .is_ok(),
            "this test needs redis-server: apt-get install redis-server"
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_kenwell"))
            .current_dir(directory)
            .args([
                "dev",
                "--gateway-listen",
                "127.0.0.1:0",
                "--private-listen",
                "127.0.0.1:0",
            ])
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
            line.split_whitespace().last().unwrap().to_owned()
        };
        Self {
            url: word("Data plane"),
            write_key: word("Write key"),
            redis_port: word("Redis").parse().unwrap(),
            child,
        }
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
    let (write_key, redis_port) = (dev.write_key.clone(), dev.redis_port);
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

    let dev = Dev::start(directory);
    assert_eq!((&dev.write_key, dev.redis_port), (&write_key, redis_port));
    wait_for_profile(directory, "ada", "Ada Lovelace");
    assert_eq!(dev.stop().code(), Some(0));
}

#[test]
fn what_a_kill_leaves_is_cleaned_up_by_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let dev = Dev::start(directory);
    dev.identify(directory, "ada", &["x=1"]);
    wait_for_profile(directory, "ada", "x  1");
    let orphan = redis_pid(dev.redis_port);
    dev.kill();
    let dev = Dev::start(directory);
    assert_ne!(redis_pid(dev.redis_port), orphan);
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
    signal(redis_pid(dev.redis_port), "KILL");
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
        redis(dev.redis_port, "SET user:ada x")
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

    let listed = letters("list");
    let said = String::from_utf8_lossy(&listed.stdout);
    assert!(
        said.contains("user:ada") && said.contains("WRONGTYPE"),
        "{listed:?}"
    );
    assert!(said.ends_with("profiles: 1 dead letter\n"), "{listed:?}");
    let retried = letters("retry");
    assert_eq!(retried.status.code(), Some(1), "{retried:?}");
    assert!(
        String::from_utf8_lossy(&retried.stdout).contains("0 written"),
        "{retried:?}"
    );

    assert!(
        redis(dev.redis_port, "DEL user:ada")
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
fn without_redis_it_says_how_to_install_it() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kenwell"))
        .current_dir(directory.path())
        .arg("dev")
        .env("PATH", directory.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("apt-get install redis-server"), "{said}");
}
