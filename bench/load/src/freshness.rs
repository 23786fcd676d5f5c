//! When events become visible in Redis, to the microsecond: Redis itself tells, on a connection of its own.
//!
//! `CLIENT TRACKING` makes Redis say when a key changes that this client has asked for. So a look at a key that
//! does not exist yet, before its event is sent, is answered a second time when it exists, and nothing needs to be
//! polled. It costs Redis one `EXISTS` for each event that is watched, and a look into a small table for each `HSET`.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// The longest wait for Redis to say anything more.
const SILENCE: Duration = Duration::from_mins(1);

/// Events, by their number, and when each was visible.
pub(crate) type VisibleTimes = HashMap<u64, Instant>;

/// Watches some of the events.
#[derive(Debug)]
pub(crate) struct Watch {
    connection: TcpStream,
    /// Events of which Redis was asked.
    asked: mpsc::Sender<(u64, String)>,
    reader: JoinHandle<anyhow::Result<VisibleTimes>>,
}

impl Watch {
    /// Connects to `address`, host and port, of a Redis from 6.0 on.
    ///
    /// # Errors
    /// When Redis cannot be reached or does not do so.
    pub(crate) fn begin(address: &str) -> anyhow::Result<Self> {
        let mut connection = TcpStream::connect(address)
            .with_context(|| format!("cannot connect to Redis at {address}"))?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(SILENCE))?;
        let mut replies = Replies(BufReader::new(connection.try_clone()?));
        connection.write_all(b"HELLO 3\r\nCLIENT TRACKING ON\r\n")?;
        // What Redis says of itself first has no such line.
        while replies.line()? != "+OK" {}
        let (asked, waiting) = mpsc::channel();
        let reader = thread::Builder::new()
            .name("freshness".to_owned())
            .spawn(move || read(&mut replies, &waiting))
            .context("cannot start a thread")?;
        Ok(Self {
            connection,
            asked,
            reader,
        })
    }

    /// Watches an event that was not sent yet, whose user has this key, which does not exist.
    ///
    /// # Errors
    /// When Redis has closed the connection.
    pub(crate) fn event(&self, number: u64, key: String) -> anyhow::Result<()> {
        let command = format!("EXISTS {key}\r\n");
        // In this order: the reader looks for the event when the reply is there.
        self.asked.send((number, key)).context("the reader ended")?;
        (&self.connection)
            .write_all(command.as_bytes())
            .context("Redis closed the connection")
    }

    /// When each was visible. To be asked when all are.
    ///
    /// # Errors
    /// When Redis did not tell of every one.
    pub(crate) fn end(mut self) -> anyhow::Result<VisibleTimes> {
        self.connection.write_all(b"PING\r\n")?;
        match self.reader.join() {
            Ok(times) => times.context("cannot watch events in Redis"),
            Err(_panic) => bail!("the reader of events panicked"),
        }
    }
}

/// Reads until the reply to `PING`, which comes after everything else.
fn read(
    replies: &mut Replies,
    asked: &mpsc::Receiver<(u64, String)>,
) -> anyhow::Result<VisibleTimes> {
    let (mut waiting, mut visible) = (HashMap::new(), VisibleTimes::new());
    loop {
        let line = replies.line()?;
        let now = Instant::now();
        match line.as_str() {
            ":0" => {
                let (number, key) = asked.recv()?;
                waiting.insert(key, number);
            }
            // It was faster than the question.
            ":1" => {
                let (number, _) = asked.recv()?;
                visible.insert(number, now);
            }
            ">2" => {
                for key in replies.invalidated()? {
                    if let Some(number) = waiting.remove(&key) {
                        visible.insert(number, now);
                    }
                }
            }
            "+PONG" => break,
            other => bail!("Redis answered {other:?}"),
        }
    }
    anyhow::ensure!(
        waiting.is_empty(),
        "Redis did not tell of {} events",
        waiting.len()
    );
    Ok(visible)
}

/// What Redis says, line by line: none of the texts that we get has a line break.
struct Replies(BufReader<TcpStream>);

impl Replies {
    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line)?;
        anyhow::ensure!(read > 0, "Redis closed the connection");
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    fn text(&mut self) -> anyhow::Result<String> {
        self.line()?; // its length
        self.line()
    }

    /// The keys of a message that says which keys have changed; none when Redis was emptied.
    fn invalidated(&mut self) -> anyhow::Result<Vec<String>> {
        let kind = self.text()?;
        anyhow::ensure!(kind == "invalidate", "Redis told of {kind:?}");
        let count = self.line()?;
        let count = count.strip_prefix('*').map_or(Ok(0), str::parse::<usize>)?;
        (0..count).map(|_| self.text()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::TcpListener,
        process::{Child, Command, Stdio},
    };

    use super::*;

    /// A Redis that ends with the test.
    struct Server {
        child: Child,
        address: String,
    }

    impl Server {
        fn start() -> Self {
            let probe = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = probe.local_addr().unwrap();
            drop(probe);
            let child = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--port"])
                .arg(address.port().to_string())
                .stdout(Stdio::null())
                .spawn()
                .expect("redis-server is needed: apt-get install redis-server");
            let address = address.to_string();
            let server = Self { child, address };
            let deadline = Instant::now() + Duration::from_mins(1);
            while TcpStream::connect(&server.address).is_err() {
                assert!(Instant::now() < deadline, "redis-server did not start");
                thread::sleep(Duration::from_millis(10));
            }
            server
        }

        fn set(&self, key: &str) {
            let mut connection = TcpStream::connect(&self.address).unwrap();
            write!(connection, "SET {key} value\r\n").unwrap();
            let mut replies = Replies(BufReader::new(connection));
            assert_eq!(replies.line().unwrap(), "+OK");
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }

    #[test]
    fn redis_tells_of_keys_that_come_and_of_those_that_were_there() {
        let server = Server::start();
        server.set("early");
        let watch = Watch::begin(&server.address).unwrap();
        watch.event(1, "late".to_owned()).unwrap();
        watch.event(2, "early".to_owned()).unwrap();
        let before = Instant::now();
        server.set("late");
        let visible = watch.end().unwrap();
        assert_eq!(visible.len(), 2);
        assert!(visible[&1] >= before);
    }

    #[test]
    fn an_event_that_never_comes_is_an_error() {
        let server = Server::start();
        let watch = Watch::begin(&server.address).unwrap();
        watch.event(1, "never".to_owned()).unwrap();
        let error = watch.end().unwrap_err();
        assert!(format!("{error:#}").contains("1 events"), "{error:#}");
    }
}
