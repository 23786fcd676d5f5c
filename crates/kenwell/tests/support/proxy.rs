//! A proxy before a Redis that understands commands, and does with each what a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

/// What becomes of a command.
pub enum Act {
    /// Executed, and the answer comes back.
    Pass,
    /// The same, after a while.
    Delay(Duration),
    /// Never executed; the proxy answers with this line.
    Answer(String),
    /// Never executed; the proxy answers with these bytes, and then with the second ones again and again, for
    /// as long as the client takes them.
    Flood(Vec<u8>, Vec<u8>),
    /// Executed; of the answer comes what this makes of it.
    Change(fn(Vec<u8>) -> Vec<u8>),
    /// Executed, but the connection ends before the answer comes.
    CutAfter,
    /// The connection ends.
    CutBefore,
    /// Executed; neither this answer nor any later one comes, and the connection stays.
    Stall,
    /// Kept on the way, with all that follows on its connection, until [`Proxy::release`]; whatever becomes
    /// of the client meanwhile.
    Hold,
}

/// What is kept on the way to the server.
type Held = Arc<Mutex<Vec<(TcpStream, Vec<u8>)>>>;

type Rule = Box<dyn FnMut(&[Vec<u8>]) -> Act + Send>;

/// The proxy; it ends with the test.
pub struct Proxy {
    port: u16,
    rule: Arc<Mutex<Rule>>,
    seen: Arc<Mutex<Vec<String>>>,
    speed: Arc<Mutex<Option<usize>>>,
    held: Held,
}

impl Proxy {
    /// Listens on a port of its own and connects whoever comes to `server`. Everything passes.
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            rule: Arc::new(Mutex::new(Box::new(|_| Act::Pass))),
            seen: Arc::default(),
            speed: Arc::default(),
            held: Held::default(),
        };
        let held = Arc::clone(&proxy.held);
        let (server, rule) = (server.to_owned(), Arc::clone(&proxy.rule));
        let (seen, speed) = (Arc::clone(&proxy.seen), Arc::clone(&proxy.speed));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(&server) else {
                    continue;
                };
                client.set_nodelay(true).unwrap();
                upstream.set_nodelay(true).unwrap();
                let (rule, seen, speed) =
                    (Arc::clone(&rule), Arc::clone(&seen), Arc::clone(&speed));
                let held = Arc::clone(&held);
                std::thread::spawn(move || serve(&client, &upstream, &rule, &seen, speed, &held));
            }
        });
        proxy
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What becomes of each command from now on. It is given with its arguments.
    pub fn rule(&self, rule: impl FnMut(&[Vec<u8>]) -> Act + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// The most bytes a second from a client to the server.
    pub fn limit_speed(&self, bytes: usize) {
        *self.speed.lock().unwrap() = Some(bytes);
    }

    /// How many connections something is kept of.
    pub fn held(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    /// Hands the server what was kept, and waits until it has executed it or closed the connection.
    pub fn release(&self) {
        for (mut upstream, bytes) in std::mem::take(&mut *self.held.lock().unwrap()) {
            // Either fails when the server has closed the connection, and then it is done with it.
            let _sent = upstream
                .write_all(&bytes)
                .and_then(|()| upstream.shutdown(std::net::Shutdown::Write));
            while upstream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
        }
    }

    /// The names of the commands that came.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Whether a command is this one, whatever its case.
pub fn is(command: &[Vec<u8>], name: &str) -> bool {
    command
        .first()
        .is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}

struct Slow {
    stream: TcpStream,
    speed: Arc<Mutex<Option<usize>>>,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let speed = *self.speed.lock().unwrap();
        let Some(speed) = speed else {
            return self.stream.read(buffer);
        };
        let end = buffer.len().min(speed / 50 + 1);
        let count = self.stream.read(&mut buffer[..end])?;
        let micros = count.saturating_mul(1_000_000) / speed.max(1);
        sleep(Duration::from_micros(u64::try_from(micros).unwrap()));
        Ok(count)
    }
}

fn serve(
    client: &TcpStream,
    upstream: &TcpStream,
    rule: &Mutex<Rule>,
    seen: &Mutex<Vec<String>>,
    speed: Arc<Mutex<Option<usize>>>,
    held: &Held,
) -> Option<()> {
    let slow = Slow {
        stream: client.try_clone().ok()?,
        speed,
    };
    let mut from_client = BufReader::with_capacity(64 * 1024, slow);
    let mut from_server = BufReader::new(upstream.try_clone().ok()?);
    let (mut to_client, mut to_server) = (client, upstream);
    loop {
        let (bytes, words) = command(&mut from_client)?;
        let name = words
            .first()
            .map(|word| String::from_utf8_lossy(word).to_uppercase());
        seen.lock().unwrap().extend(name);
        let act = (rule.lock().unwrap())(&words);
        match act {
            Act::Answer(line) => {
                to_client
                    .write_all(format!("-{line}\r\n").as_bytes())
                    .ok()?;
                continue;
            }
            Act::Flood(begin, more) => {
                to_client.write_all(&begin).ok()?;
                while !more.is_empty() {
                    to_client.write_all(&more).ok()?;
                }
                continue;
            }
            Act::CutBefore => break,
            Act::Hold => {
                let upstream = upstream.try_clone().ok()?;
                held.lock().unwrap().push((upstream, bytes));
                let place = held.lock().unwrap().len() - 1;
                while let Some((bytes, _)) = command(&mut from_client) {
                    held.lock().unwrap().get_mut(place)?.1.extend(bytes);
                }
                return None;
            }
            Act::Delay(time) => sleep(time),
            _ => {}
        }
        to_server.write_all(&bytes).ok()?;
        let answer = reply(&mut from_server)?;
        match act {
            Act::CutAfter => break,
            Act::Change(change) => to_client.write_all(&change(answer)).ok()?,
            Act::Stall => {
                while command(&mut from_client).is_some() {}
                break;
            }
            _ => to_client.write_all(&answer).ok()?,
        }
    }
    client.shutdown(std::net::Shutdown::Both).ok()
}

fn line(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line).ok()?;
    line.ends_with(b"\r\n").then_some(line)
}

fn number(line: &[u8]) -> Option<i64> {
    std::str::from_utf8(&line[1..])
        .ok()?
        .trim_end()
        .parse()
        .ok()
}

/// One command: as it came, and its words.
fn command(from: &mut impl BufRead) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut bytes = line(from)?;
    let mut words = Vec::new();
    for _word in 0..number(&bytes)? {
        let head = line(from)?;
        let mut word = vec![0; usize::try_from(number(&head)?).ok()? + 2];
        from.read_exact(&mut word).ok()?;
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&word);
        word.truncate(word.len() - 2);
        words.push(word);
    }
    Some((bytes, words))
}

/// One answer, as it came.
fn reply(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut bytes = line(from)?;
    let count = match bytes[0] {
        b'$' | b'*' => number(&bytes)?,
        _ => return Some(bytes),
    };
    let Ok(count) = usize::try_from(count) else {
        return Some(bytes);
    };
    if bytes[0] == b'$' {
        let mut text = vec![0; count + 2];
        from.read_exact(&mut text).ok()?;
        bytes.extend(text);
    } else {
        for _item in 0..count {
            bytes.extend(reply(from)?);
        }
    }
    Some(bytes)
}
