//! The few Redis commands the proof needs, by hand: a client of its own, so that a fault in Kenwell's
//! cannot hide here.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// The longest string taken as an answer.
const MAX_TEXT: usize = 1024 * 1024;
/// The most strings taken as one answer.
const MAX_LIST: usize = 1024;

/// One connection, one command at a time.
#[derive(Debug)]
pub(crate) struct Redis {
    stream: BufReader<TcpStream>,
}

impl Redis {
    /// Connects to `address`, host and port.
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to Redis at {address}"))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Number of keys (`DBSIZE`).
    pub(crate) async fn keys(&mut self) -> anyhow::Result<u64> {
        self.send(&["DBSIZE"]).await?;
        self.number(':').await
    }

    /// How many of them are Kenwell's own: markers, and the clocks of profiles. Redis looks at every key for that.
    pub(crate) async fn own_keys(&mut self) -> anyhow::Result<u64> {
        self.send(&["KEYS", "*kenwell:*"]).await?;
        let count = self.number('*').await?;
        for _ in 0..count {
            self.text().await?;
        }
        Ok(count)
    }

    /// All fields of a hash (`HGETALL`).
    pub(crate) async fn hash(&mut self, key: &str) -> anyhow::Result<BTreeMap<String, String>> {
        self.send(&["HGETALL", key]).await?;
        let count = usize::try_from(self.number('*').await?)?;
        anyhow::ensure!(count <= MAX_LIST, "{key} has {count} names and values");
        let mut fields = BTreeMap::new();
        for _ in 0..count / 2 {
            fields.insert(self.text().await?, self.text().await?);
        }
        Ok(fields)
    }

    async fn send(&mut self, words: &[&str]) -> anyhow::Result<()> {
        let words_text = words
            .iter()
            .flat_map(|word| [format!("${}\r\n", word.len()), format!("{word}\r\n")]);
        let command: String = std::iter::once(format!("*{}\r\n", words.len()))
            .chain(words_text)
            .collect();
        self.stream
            .write_all(command.as_bytes())
            .await
            .context("Redis closed the connection")
    }

    async fn number(&mut self, kind: char) -> anyhow::Result<u64> {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .await
            .context("Redis closed the connection")?;
        match line.trim_end().strip_prefix(kind) {
            Some(number) => number
                .parse()
                .with_context(|| format!("Redis answered {line:?}")),
            None => bail!("Redis answered {line:?}"),
        }
    }

    async fn text(&mut self) -> anyhow::Result<String> {
        let length = usize::try_from(self.number('$').await?)?;
        anyhow::ensure!(length <= MAX_TEXT, "Redis answered with {length} bytes");
        let mut bytes = vec![0; length + 2];
        self.stream
            .read_exact(&mut bytes)
            .await
            .context("Redis closed the connection")?;
        bytes.truncate(length);
        String::from_utf8(bytes).context("Redis answered with bytes that are no text")
    }
}
