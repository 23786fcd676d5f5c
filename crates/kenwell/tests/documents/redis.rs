//! A Redis with RedisJSON, and what its documents are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::flavour::redis_json;
use crate::support::server::Server;

/// A server that has the module.
pub fn start(options: &[&str]) -> Server {
    let module = redis_json();
    let mut all = vec!["--loadmodule", module.as_str()];
    all.extend(options);
    Server::start(&all)
}

/// A connection that is not the one under test.
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub fn of(server: &Server) -> Self {
        Self(BufReader::new(
            TcpStream::connect(server.address()).unwrap(),
        ))
    }

    /// A command's reply: a text, `None` for nil, or the line of any other reply with its first byte.
    pub fn ask(&mut self, words: &[&[u8]]) -> Option<String> {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend(format!("${}\r\n", word.len()).into_bytes());
            command.extend([word, &b"\r\n"[..]].concat());
        }
        self.0.get_mut().write_all(&command).unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let line = line.trim_end();
        let Some(length) = line.strip_prefix('$') else {
            return Some(line.to_owned());
        };
        let length: usize = length.parse().ok()?;
        let mut text = vec![0; length + 2];
        self.0.read_exact(&mut text).unwrap();
        text.truncate(length);
        Some(String::from_utf8(text).unwrap())
    }

    pub fn set(&mut self, key: &str, json: &str) {
        let reply = self.ask(&[b"JSON.SET", key.as_bytes(), b"$", json.as_bytes()]);
        assert_eq!(reply.as_deref(), Some("+OK"), "{json}");
    }

    pub fn text(&mut self, key: &str) -> Option<String> {
        self.ask(&[b"JSON.GET", key.as_bytes()])
    }

    pub fn document(&mut self, key: &str) -> Option<Value> {
        let text = self.text(key)?;
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }
}
