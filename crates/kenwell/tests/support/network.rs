//! A network between us and a server that can hold what the first connection sends, and deliver it
//! late, even after that connection was given up.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct Network {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    holding: bool,
    held: Vec<u8>,
    /// The server's side of the first connection.
    first: Option<TcpStream>,
}

impl Network {
    /// Listens on a port of its own and connects whoever comes to `server`.
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let (server, shared) = (server.to_owned(), Arc::clone(&state));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(&server) else {
                    return;
                };
                let mut state = shared.lock().unwrap();
                let is_first = state.first.is_none();
                state
                    .first
                    .get_or_insert_with(|| upstream.try_clone().unwrap());
                carry(client, upstream, is_first.then(|| Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From now on keeps what the first connection sends.
    pub fn hold(&self) {
        self.state.lock().unwrap().holding = true;
    }

    pub fn holds_bytes(&self) -> bool {
        !self.state.lock().unwrap().held.is_empty()
    }

    /// Hands the server what was kept, and waits until it has executed or refused it.
    pub fn deliver_late(&self) {
        let mut state = self.state.lock().unwrap();
        let held = std::mem::take(&mut state.held);
        let first = state.first.as_mut().unwrap();
        // Either may fail if the server has closed the connection, and then it is done with it.
        let _sent = first
            .write_all(&held)
            .and_then(|()| first.shutdown(Shutdown::Write));
        while first.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
    }
}

/// Carries bytes both ways. What goes to the server passes the gate, if there is one.
fn carry(client: TcpStream, upstream: TcpStream, gate: Option<Arc<Mutex<State>>>) {
    let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    let closed = gate.clone();
    std::thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let mut state = gate.as_ref().map(|gate| gate.lock().unwrap());
            match &mut state {
                Some(state) if state.holding => state.held.extend_from_slice(&bytes[..count]),
                _ => to.write_all(&bytes[..count]).unwrap_or_default(),
            }
        }
    });
    let (mut from, mut to) = (upstream, client);
    std::thread::spawn(move || {
        let mut bytes = [0; 8192];
        let holding = || {
            closed
                .as_ref()
                .is_some_and(|gate| gate.lock().unwrap().holding)
        };
        while !holding()
            && let Ok(count @ 1..) = from.read(&mut bytes)
        {
            to.write_all(&bytes[..count]).unwrap_or_default();
        }
    });
}
