//! What systemd is told: when events are accepted, when the configuration is read again, that we live, and that we stop.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use crate::support::{Redis, Server};

/// The next notice that begins so; others are passed over.
fn next(socket: &UnixDatagram, beginning: &str) -> String {
    let mut text = [0; 1024];
    loop {
        let length = socket.recv(&mut text).expect("systemd is not told");
        let notice = String::from_utf8_lossy(&text[..length]).into_owned();
        if notice.starts_with(beginning) {
            return notice;
        }
    }
}

#[test]
fn systemd_hears_of_start_reload_life_and_end() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    server.kill();
    let path = server.data_dir().join("notify.socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let name = path.display();
    server.restart_with(&format!("export NOTIFY_SOCKET={name} WATCHDOG_USEC=200000"));
    assert_eq!(next(&socket, "READY"), "READY=1\nSTATUS=accepting events");
    next(&socket, "WATCHDOG=1");

    let hang_up = || {
        let pid = server.pid().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &pid])
                .status()
                .unwrap()
                .success()
        );
    };
    hang_up();
    let reloading = next(&socket, "RELOADING=1");
    let (_, since) = reloading.split_once("MONOTONIC_USEC=").unwrap();
    assert!(since.parse::<u64>().unwrap() > 0);
    assert_eq!(next(&socket, "READY"), "READY=1\nSTATUS=accepting events");

    std::fs::write(server.config(), "nonsense = 1\n").unwrap();
    hang_up();
    next(&socket, "RELOADING=1");
    let ready = next(&socket, "READY");
    assert!(ready.contains("cannot be used"), "{ready}");
    assert!(server.terminate().success());
    next(&socket, "STOPPING=1");
}
