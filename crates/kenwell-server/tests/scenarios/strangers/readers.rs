//! Who asks and never reads the answers is hung up on; who reads slowly is not.

use std::thread;

use crate::{
    strangers::{is_ended, is_served, never_reading, tables},
    support::{Redis, Server, eventually},
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
        let (address, request) = (address.clone(), request.to_vec());
        thread::spawn(move || is_ended(never_reading(&address, &request)))
    })
    .into();
    for ending in ending {
        assert!(ending.join().unwrap(), "it is held for ever");
    }
    eventually("others to be served", || is_served(&server));
}
