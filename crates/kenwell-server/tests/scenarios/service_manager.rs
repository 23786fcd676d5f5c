//! What systemd is told: when events are accepted, when the configuration is read again, that we live, and that we stop.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use crate::support::{PATIENCE, Redis, Server};

/// What is told, read at once as by systemd: nothing is told that finds no room.
fn notices(socket: UnixDatagram) -> Receiver<String> {
    let (send, notices) = channel();
    std::thread::spawn(move || {
        let mut text = [0; 1024];
        while let Ok(length) = socket.recv(&mut text) {
            let notice = String::from_utf8_lossy(&text[..length]).into_owned();
            if send.send(notice).is_err() {
                return;
            }
        }
    });
    notices
}

/// The next notice that begins so; others are passed over.
fn next(notices: &Receiver<String>, beginning: &str) -> String {
    loop {
        let notice = notices.recv_timeout(PATIENCE).expect("systemd is not told");
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
    let notices = notices(UnixDatagram::bind(&path).unwrap());
    let name = path.display();
    server.restart_with(&format!("export NOTIFY_SOCKET={name} WATCHDOG_USEC=200000"));
    assert_eq!(next(&notices, "READY"), "READY=1\nSTATUS=accepting events");
    next(&notices, "WATCHDOG=1");

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
    let reloading = next(&notices, "RELOADING=1");
    let (_, since) = reloading.split_once("MONOTONIC_USEC=").unwrap();
    assert!(since.parse::<u64>().unwrap() > 0);
    assert_eq!(next(&notices, "READY"), "READY=1\nSTATUS=accepting events");

    std::fs::write(server.config(), "nonsense = 1\n").unwrap();
    hang_up();
    next(&notices, "RELOADING=1");
    let ready = next(&notices, "READY");
    assert!(ready.contains("cannot be used"), "{ready}");
    assert!(server.terminate().success());
    next(&notices, "STOPPING=1");
}
