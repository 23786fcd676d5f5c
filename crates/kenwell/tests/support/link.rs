//! A network between us and a server that cuts, swallows and holds back what passes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct Link {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    connections: Vec<Arc<Connection>>,
    /// How the next connections begin.
    begin: (Flow, Flow),
}

/// What happens to the bytes of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    #[default]
    Carry,
    /// Kept, until the connection carries again.
    Hold,
    /// Lost, and nobody is told. What comes after that is lost too.
    Swallow,
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
    to_server: Mutex<Direction>,
    to_client: Mutex<Direction>,
}

#[derive(Default)]
struct Direction {
    flow: Flow,
    held: Vec<u8>,
    has_lost: bool,
}

impl Link {
    /// Listens on a port of its own and connects whoever comes to `server`.
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (server, everything) = (server.to_owned(), Arc::clone(&shared));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(&server) else {
                    continue;
                };
                let mut shared = everything.lock().unwrap();
                let direction = |flow| {
                    Mutex::new(Direction {
                        flow,
                        ..Direction::default()
                    })
                };
                let connection = Arc::new(Connection {
                    client,
                    server: upstream,
                    to_server: direction(shared.begin.0),
                    to_client: direction(shared.begin.1),
                });
                shared.connections.push(Arc::clone(&connection));
                drop(shared);
                connection.carry();
            }
        });
        Self { port, shared }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().unwrap().connections.len()
    }

    /// What becomes of the bytes of the connections there are, on their way to the server and to the client.
    pub fn let_flow(&self, to_server: Flow, to_client: Flow) {
        for connection in &self.shared.lock().unwrap().connections {
            connection
                .to_server
                .lock()
                .unwrap()
                .turn(to_server, &connection.server);
            connection
                .to_client
                .lock()
                .unwrap()
                .turn(to_client, &connection.client);
        }
    }

    /// The same for those to come.
    pub fn let_begin(&self, to_server: Flow, to_client: Flow) {
        self.shared.lock().unwrap().begin = (to_server, to_client);
    }

    /// Closes all connections towards the client. The server still gets what is held, when it is let flow.
    pub fn cut(&self) {
        for connection in &self.shared.lock().unwrap().connections {
            let _closed = connection.client.shutdown(Shutdown::Both);
        }
    }

    /// How many bytes are held back from the server.
    pub fn held(&self) -> usize {
        let shared = self.shared.lock().unwrap();
        let held = |connection: &Arc<Connection>| connection.to_server.lock().unwrap().held.len();
        shared.connections.iter().map(held).sum()
    }
}

impl Direction {
    fn turn(&mut self, flow: Flow, mut to: &TcpStream) {
        self.flow = if self.has_lost { Flow::Swallow } else { flow };
        if self.flow == Flow::Carry {
            let _sent = to.write_all(&std::mem::take(&mut self.held));
        }
    }

    fn pass(&mut self, bytes: &[u8], mut to: &TcpStream) {
        match self.flow {
            Flow::Carry => {
                let _sent = to.write_all(bytes);
            }
            Flow::Hold => self.held.extend_from_slice(bytes),
            Flow::Swallow => self.has_lost = true,
        }
    }
}

impl Connection {
    fn carry(self: Arc<Self>) {
        let other = Arc::clone(&self);
        std::thread::spawn(move || {
            pass(&self.client, &self.server, &self.to_server);
            // What is held still has to arrive.
            if self.to_server.lock().unwrap().flow != Flow::Hold {
                let _closed = self.server.shutdown(Shutdown::Both);
            }
        });
        std::thread::spawn(move || {
            pass(&other.server, &other.client, &other.to_client);
            if other.to_client.lock().unwrap().flow == Flow::Carry {
                let _closed = other.client.shutdown(Shutdown::Both);
            }
        });
    }
}

fn pass(mut from: &TcpStream, to: &TcpStream, direction: &Mutex<Direction>) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        direction.lock().unwrap().pass(&bytes[..count], to);
    }
}
