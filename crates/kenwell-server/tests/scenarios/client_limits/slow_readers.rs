//! Who asks and never reads the answers is hung up on; who reads slowly is not.

use std::{thread, time::Instant};

use crate::{
    client_limits::{NeverReading, is_served, tables},
    support::{PATIENCE, Redis, Server, eventually},
};

#[test]
fn who_never_reads_is_ended_on_both_listeners() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis));
    let gateway = b"GET /sourceConfig?writeKey=WK HTTP/1.1\r\nHost: k\r\n\r\n";
    let private = b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let ending: Vec<_> = [
        (&server.gateway, &gateway[..]),
        (&server.private, &private[..]),
    ]
    .map(|(address, request)| {
        let mut stranger = NeverReading::connect(address, request).unwrap();
        thread::spawn(move || {
            let deadline = Instant::now() + 2 * PATIENCE;
            while stranger.goes_on() {
                assert!(Instant::now() < deadline, "it is held for ever");
            }
        })
    })
    .into();
    for ending in ending {
        ending.join().unwrap();
    }
    eventually("others to be served", || is_served(&server));
}
