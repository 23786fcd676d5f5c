//! One HTTP request to a server.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{Method, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::exit::Failure;
use super::tls;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of an answer that are read.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Where to send to.
pub(super) struct Endpoint {
    secure: bool,
    authority: http::uri::Authority,
    path: String,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// The body, if it is JSON.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.body).ok()
    }
}

impl Endpoint {
    /// `path` below the URL that a person typed.
    ///
    /// # Errors
    /// What is wrong with the URL, and the fix.
    pub(super) fn parse(url: &str, path: &str) -> Result<Self, String> {
        const FIX: &str = "\n  fix: write --url like http://127.0.0.1:8080";
        let wrong = |what: &str| format!("\"{url}\" {what}{FIX}");
        let uri: http::Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("is not an http:// or https:// URL")),
        };
        match uri.authority() {
            Some(authority) if !authority.as_str().contains('@') => Ok(Self {
                secure,
                authority: authority.clone(),
                path: format!("{}{path}", uri.path().trim_end_matches('/')),
            }),
            _ => Err(wrong("is not an http:// or https:// URL")),
        }
    }

    fn socket(&self) -> String {
        let port = if self.secure { 443 } else { 80 };
        format!(
            "{}:{}",
            self.authority.host(),
            self.authority.port_u16().unwrap_or(port)
        )
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// A call whose body is JSON, or empty. With `https` the server must show a certificate of the authorities in the file
/// `ca`, or of the system's.
pub(super) struct Request<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) ca: Option<&'a Path>,
    pub(super) method: Method,
    pub(super) authorization: &'a str,
    pub(super) body: String,
}

impl Request<'_> {
    /// Makes the call.
    pub(super) async fn send(self) -> Result<Answer, Failure> {
        self.send_within(ANSWER_TIMEOUT).await
    }

    /// Makes a call whose answer may take so long.
    pub(super) async fn send_within(self, limit: Duration) -> Result<Answer, Failure> {
        let endpoint = self.endpoint;
        let stream = self.connect().await?;
        let answer = async { whole(self.begin(stream).await?, endpoint).await };
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::failed(format!(
                "{endpoint} did not answer within {limit:?}"
            ))),
        }
    }

    /// Makes a call that is answered with a stream, and gives that; or the answer that is none.
    pub(super) async fn open(self) -> Result<Result<Incoming, Answer>, Failure> {
        let endpoint = self.endpoint;
        let stream = self.connect().await?;
        let answer = async {
            let response = self.begin(stream).await?;
            if response.status().is_success() {
                return Ok(Ok(response.into_body()));
            }
            whole(response, endpoint).await.map(Err)
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(answer) => answer.map_err(Failure::Failed),
            Err(_) => Err(Failure::failed(format!(
                "{endpoint} did not answer within {ANSWER_TIMEOUT:?}"
            ))),
        }
    }

    async fn connect(&self) -> Result<Either<TcpStream, TlsStream<TcpStream>>, Failure> {
        let endpoint = self.endpoint;
        let client = endpoint.secure.then(|| tls::client(self.ca));
        let client = client.transpose().map_err(Failure::Usage)?;
        let connecting = async {
            let stream = TcpStream::connect(endpoint.socket()).await.map_err(|error| {
                format!(
                    "cannot reach {endpoint}: {error}\n  fix: is Kenwell running? Start it (kenwell serve, or kenwell dev), or name another one with --url"
                )
            })?;
            match client {
                None => Ok(Either::Left(stream)),
                Some(client) => {
                    let secured = tls::secure(client, endpoint.authority.host(), stream).await;
                    let secured = secured.map_err(|why| format!("{endpoint}: {why}"));
                    secured.map(Either::Right)
                }
            }
        };
        tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| {
                Failure::failed(format!(
                    "{endpoint}: no connection within {CONNECT_TIMEOUT:?}"
                ))
            })?
            .map_err(Failure::failed)
    }

    /// Sends it, and gives the answer's head. The connection ends with the answer's body.
    async fn begin(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> anyhow::Result<Response<Incoming>> {
        let endpoint = self.endpoint;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = http::Request::builder()
            .method(self.method)
            .uri(&endpoint.path)
            .header(http::header::HOST, endpoint.authority.as_str())
            .header(http::header::AUTHORIZATION, self.authorization)
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::CONNECTION, "close")
            .body(Full::new(Bytes::from(self.body)))?;
        // What goes wrong with it is told by the answer.
        drop(tokio::spawn(connection));
        sender
            .send_request(request)
            .await
            .with_context(|| format!("{endpoint} does not speak HTTP"))
    }
}

async fn whole(response: Response<Incoming>, endpoint: &Endpoint) -> anyhow::Result<Answer> {
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MAX_ANSWER)
        .collect()
        .await
        .map_err(|error| anyhow::anyhow!("{endpoint}: the answer broke off: {error}"))?
        .to_bytes();
    Ok(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn urls_lead_to_sockets_and_paths() {
        let parsed = |url| {
            let endpoint = Endpoint::parse(url, "/v1/identify").unwrap();
            (endpoint.socket(), endpoint.to_string())
        };
        let (socket, shown) = parsed("http://127.0.0.1:8080");
        assert_eq!(
            (socket.as_str(), shown.as_str()),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/v1/identify")
        );
        assert_eq!(
            parsed("http://host/below/").1,
            "http://host/below/v1/identify"
        );
        assert_eq!(parsed("http://host").0, "host:80");
        assert_eq!(parsed("https://host").0, "host:443");
        assert_eq!(parsed("https://host").1, "https://host/v1/identify");
        assert_eq!(parsed("http://[::1]:9").0, "[::1]:9");
    }

    #[test]
    fn other_urls_are_refused_with_a_fix() {
        for url in [
            "https://",
            "host:8080",
            "127.0.0.1",
            "http://",
            "ftp://h",
            "http://u:p@h",
            "",
        ] {
            let error = Endpoint::parse(url, "/").map(|_| ()).unwrap_err();
            assert!(error.contains("fix: "), "{url}: {error}");
        }
    }
}
