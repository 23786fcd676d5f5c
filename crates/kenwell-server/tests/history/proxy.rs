//! A network between Kenwell and a Redis that cuts, delays, loses replies, holds bytes back, or answers
//! in words of its own.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{resp, support::free_port};

/// How long a refusal waits for the replies to what was asked before it.
const REPLIES: Duration = Duration::from_secs(2);

/// What happens to what passes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Pass,
    /// Every connection is cut, and nobody gets a new one.
    Closed,
    /// Each read waits this long.
    Delay(Duration),
    /// Commands arrive, replies do not.
    Swallow,
    /// Of a hundred times that replies come, the connection is cut instead this many times.
    Lossy(u8),
    /// Every command is answered with this error and goes no further.
    Refuse(&'static str),
}

pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    mode: Mutex<Mode>,
    pairs: Mutex<Vec<Arc<Pair>>>,
    random: Mutex<fastrand::Rng>,
}

/// A connection of Kenwell, and the one to Redis that belongs to it.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    /// What came from the client and has not gone on.
    commands: Mutex<Waiting>,
    /// Commands that went on and have no reply yet.
    open: AtomicUsize,
    /// Replies were lost: what follows would be taken for them.
    out_of_step: AtomicBool,
    over: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    holding: bool,
    client_gone: bool,
}

impl Proxy {
    /// Listens on a port of its own and connects whoever comes to `server`.
    pub(crate) fn before(server: String, seed: u64) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
        let shared = Arc::new(Shared {
            mode: Mutex::new(Mode::Pass),
            pairs: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        });
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                all.connect(client, &server);
            }
        });
        Self { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on.
    pub(crate) fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
        for pair in self.shared.pairs.lock().unwrap().iter() {
            if matches!(mode, Mode::Closed) || pair.out_of_step.load(SeqCst) {
                pair.cut();
            }
        }
    }

    /// Cuts every connection; new ones are let through.
    pub(crate) fn cut(&self) {
        for pair in self.shared.pairs.lock().unwrap().iter() {
            pair.cut();
        }
    }

    /// No more replies on the connections of this moment, though commands still pass.
    pub(crate) fn half_close(&self) {
        for pair in self.shared.pairs.lock().unwrap().iter() {
            pair.out_of_step.store(true, SeqCst);
            pair.client.shutdown(Shutdown::Write).ok();
        }
    }

    /// Keeps what the connections of this moment send from now on.
    pub(crate) fn hold(&self) {
        for pair in self.shared.pairs.lock().unwrap().iter() {
            pair.commands.lock().unwrap().holding = true;
        }
    }

    /// Delivers what was kept, also that of connections that were given up.
    pub(crate) fn release(&self) {
        for pair in self.shared.pairs.lock().unwrap().iter() {
            let mut commands = pair.commands.lock().unwrap();
            if !std::mem::take(&mut commands.holding) {
                continue;
            }
            pair.forward(&mut commands);
            if commands.client_gone {
                pair.server.shutdown(Shutdown::Write).ok();
            }
        }
    }
}

impl Shared {
    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap()
    }

    fn connect(self: &Arc<Self>, client: TcpStream, server: &str) {
        if matches!(self.mode(), Mode::Closed) {
            return;
        }
        let Ok(server) = TcpStream::connect(server) else {
            return;
        };
        let pair = Arc::new(Pair {
            client,
            server,
            commands: Mutex::default(),
            open: AtomicUsize::new(0),
            out_of_step: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let mut pairs = self.pairs.lock().unwrap();
        pairs.retain(|pair| !pair.over.load(SeqCst));
        pairs.push(Arc::clone(&pair));
        drop(pairs);
        let (shared, other) = (Arc::clone(self), Arc::clone(&pair));
        thread::spawn(move || {
            shared.carry_commands(&other);
            other.client_is_gone();
        });
        let shared = Arc::clone(self);
        thread::spawn(move || {
            shared.carry_replies(&pair);
            pair.cut();
        });
    }

    fn carry_commands(&self, pair: &Pair) {
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = (&pair.client).read(&mut chunk) {
            let mode = self.mode();
            if let Mode::Delay(time) = mode {
                thread::sleep(time);
            }
            let mut commands = pair.commands.lock().unwrap();
            commands.bytes.extend_from_slice(&chunk[..count]);
            if commands.holding {
                continue;
            }
            let Mode::Refuse(words) = mode else {
                pair.forward(&mut commands);
                continue;
            };
            let (count, end) = resp::whole(&commands.bytes);
            commands.bytes.drain(..end);
            drop(commands);
            let refusals = format!("-{words}\r\n").repeat(count);
            if !pair.is_answered() || (&pair.client).write_all(refusals.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn carry_replies(&self, pair: &Pair) {
        let (mut chunk, mut bytes) = (vec![0; 64 * 1024], Vec::new());
        while let Ok(count @ 1..) = (&pair.server).read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..count]);
            let (count, end) = resp::whole(&bytes);
            let replies: Vec<u8> = bytes.drain(..end).collect();
            match self.mode() {
                Mode::Delay(time) => thread::sleep(time),
                Mode::Swallow => pair.out_of_step.store(true, SeqCst),
                Mode::Lossy(percent) => {
                    if self.random.lock().unwrap().u8(..100) < percent {
                        return;
                    }
                }
                Mode::Pass | Mode::Closed | Mode::Refuse(_) => {}
            }
            if !pair.out_of_step.load(SeqCst) {
                let carried = (&pair.client).write_all(&replies);
                if carried.is_err() && !pair.commands.lock().unwrap().holding {
                    return;
                }
            }
            pair.open.fetch_sub(count, SeqCst);
        }
    }
}

impl Pair {
    /// Sends the whole commands that wait on to Redis.
    fn forward(&self, commands: &mut Waiting) {
        let (count, end) = resp::whole(&commands.bytes);
        self.open.fetch_add(count, SeqCst);
        let bytes: Vec<u8> = commands.bytes.drain(..end).collect();
        // Fails when Redis is gone, and then the replies end, too.
        (&self.server).write_all(&bytes).ok();
    }

    /// Waits until all that went on has its reply, so that a refusal overtakes none.
    fn is_answered(&self) -> bool {
        let deadline = Instant::now() + REPLIES;
        while self.open.load(SeqCst) > 0 {
            if self.over.load(SeqCst) || Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    fn client_is_gone(&self) {
        let mut commands = self.commands.lock().unwrap();
        commands.client_gone = true;
        if !commands.holding {
            self.cut();
        }
    }

    fn cut(&self) {
        self.over.store(true, SeqCst);
        // Either may be closed already.
        self.client.shutdown(Shutdown::Both).ok();
        self.server.shutdown(Shutdown::Both).ok();
    }
}
