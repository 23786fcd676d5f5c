//! The running server, for commands that talk to it: where it is, and with which key.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use http::Method;
use hyper::body::Incoming;
use kenwell::connection::Secret;
use serde_json::Value;

use super::config_option::ConfigOption;
use super::exit::Failure;
use super::output;
use super::send::{Answer, Endpoint, Request};
use crate::config::Config;
use crate::listener::local_address;

/// The variable that holds the admin key itself.
const KEY_VARIABLE: &str = "KENWELL_ADMIN_KEY";
/// Most bytes of a file that holds a key.
const MAX_KEY_BYTES: u64 = 4_096;
/// How long a call may take that goes through all dead letters; the server gives up earlier.
pub(super) const SLOW: Duration = Duration::from_secs(310);

/// Where the running server is reached.
#[derive(Debug, Args)]
pub(super) struct ServerOptions {
    /// The private listener of the running server [default: as configured]
    #[arg(
        long,
        value_name = "URL",
        env = "KENWELL_PRIVATE_URL",
        hide_env_values = true
    )]
    url: Option<String>,
    // As `help` and no comment, for which names would need backticks.
    #[arg(long, value_name = "PLACE")]
    #[arg(
        help = "Where its admin key is, as file:PATH or env:NAME [default: the variable KENWELL_ADMIN_KEY, or as configured]"
    )]
    admin_key: Option<String>,
    /// PEM file of the authority that signed the server's certificate [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// The private plane of a server, and the key to it.
#[derive(Clone)]
pub(super) struct Server {
    url: String,
    ca: Option<PathBuf>,
    authorization: Secret,
    /// What gave the key, in words.
    key_from: String,
}

impl ServerOptions {
    /// Whether a server is named, which then does the work wherever it is.
    pub(super) fn names_one(&self) -> bool {
        self.url.is_some()
    }

    /// The server that is named, or that of the configuration, which is only read for what is not given.
    pub(super) fn find(&self, config: &ConfigOption) -> Result<Server, Failure> {
        if let (Some(url), Some((key, key_from))) = (&self.url, self.key()?) {
            return Ok(self.server(url.clone(), &key, key_from));
        }
        let config = config.load().inspect_err(|_| {
            if self.url.is_none() {
                output::complain("note: without a configuration give --url and KENWELL_ADMIN_KEY");
            }
        })?;
        self.of(&config)
    }

    /// The server that is named, or that of this configuration.
    pub(super) fn of(&self, config: &Config) -> Result<Server, Failure> {
        let key = match self.key()? {
            Some(key) => Some(key),
            None => config.private.admin_key.clone().map(|key| {
                let from =
                    "the configuration (admin_key under [private], or KENWELL_PRIVATE_ADMIN_KEY)";
                (key, from.to_owned())
            }),
        };
        let Some((key, key_from)) = key else {
            return Err(Failure::failed(format!(
                "the running server has to do this, and its admin key is not known\n  \
                 fix: give the key that its first start printed as {KEY_VARIABLE}, or with --admin-key file:PATH; \
                 kenwell admin-key reset makes a new one"
            )));
        };
        let scheme = if config.private.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let listen = local_address(config.private.listen);
        let url = self.url.clone();
        let url = url.unwrap_or_else(|| format!("{scheme}://{listen}"));
        Ok(self.server(url, &key, key_from))
    }

    fn server(&self, url: String, key: &Secret, key_from: String) -> Server {
        Server {
            url,
            ca: self.ca.clone(),
            authorization: Secret::new(format!("Bearer {}", key.expose())),
            key_from,
        }
    }

    /// The key that was given, and by what.
    fn key(&self) -> Result<Option<(Secret, String)>, Failure> {
        let Some(place) = &self.admin_key else {
            let key = variable(KEY_VARIABLE);
            return Ok(key.map(|key| (key, KEY_VARIABLE.to_owned())));
        };
        let usage = |what: String| {
            let fix = "give --admin-key file:PATH or env:NAME; a key on the command line could be seen by others";
            Failure::Usage(format!("error: --admin-key: {what}\n  fix: {fix}"))
        };
        let from = format!("--admin-key {place}");
        if let Some(name) = place.strip_prefix("env:") {
            let key = variable(name).ok_or_else(|| usage(format!("{name} is not set")))?;
            return Ok(Some((key, from)));
        }
        let Some(path) = place.strip_prefix("file:") else {
            // It may be the key itself, and is not shown.
            return Err(usage("it is neither file:PATH nor env:NAME".to_owned()));
        };
        let key = read(Path::new(path)).map_err(|error| usage(format!("{path}: {error}")))?;
        Ok(Some((key, from)))
    }
}

/// The JSON of an answer; null when it has none.
fn json(text: &str) -> Result<Value, Failure> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    Ok(serde_json::from_str(text).map_err(anyhow::Error::from)?)
}

fn variable(name: &str) -> Option<Secret> {
    let text = std::env::var(name).ok()?;
    let key = text.trim();
    (!key.is_empty()).then(|| Secret::new(key))
}

fn read(path: &Path) -> std::io::Result<Secret> {
    let mut text = String::new();
    File::open(path)?
        .take(MAX_KEY_BYTES)
        .read_to_string(&mut text)?;
    Ok(Secret::new(text.trim()))
}

impl Server {
    /// Where it is, for people.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What the server answers to a GET below `/api/v1`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    /// Makes a call below `/api/v1`, and gives the JSON of its answer; null when it has none.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        json(&self.text(method, path, body).await?)
    }

    /// Likewise, as it was sent.
    pub(super) async fn text(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<String, Failure> {
        let endpoint = self.endpoint(path)?;
        let answer = self.request(&endpoint, method, body).send().await?;
        self.taken(answer)
    }

    /// Likewise, for what may take minutes.
    pub(super) async fn call_slowly(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let endpoint = self.endpoint(path)?;
        let request = self.request(&endpoint, method, body);
        let answer = request.send_within(SLOW).await?;
        json(&self.taken(answer)?)
    }

    /// Opens a stream below `/api/v1`.
    pub(super) async fn stream(&self, path: &str) -> Result<Incoming, Failure> {
        let endpoint = self.endpoint(path)?;
        match self.request(&endpoint, Method::GET, None).open().await? {
            Ok(body) => Ok(body),
            Err(answer) => Err(self.refused(&answer)),
        }
    }

    fn endpoint(&self, path: &str) -> Result<Endpoint, Failure> {
        let usage = |what: String| Failure::Usage(format!("error: {what}"));
        Endpoint::parse(&self.url, &format!("/api/v1{path}")).map_err(usage)
    }

    fn request<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        method: Method,
        body: Option<&Value>,
    ) -> Request<'a> {
        Request {
            endpoint,
            ca: self.ca.as_deref(),
            method,
            authorization: self.authorization.expose(),
            body: body.map(Value::to_string).unwrap_or_default(),
        }
    }

    fn taken(&self, answer: Answer) -> Result<String, Failure> {
        let is_ours = answer.status == 204 || answer.json().is_some();
        if answer.status / 100 == 2 && is_ours {
            return Ok(answer.body);
        }
        Err(self.refused(&answer))
    }

    fn refused(&self, answer: &Answer) -> Failure {
        let url = &self.url;
        if answer.status == 401 {
            let from = &self.key_from;
            return Failure::failed(format!(
                "{url} does not know the admin key of {from}\n  \
                 fix: give the key that the first start of that server printed as {KEY_VARIABLE}, or with --admin-key \
                 file:PATH; kenwell admin-key reset makes a new one"
            ));
        }
        let said = answer.json();
        let message = said
            .as_ref()
            .and_then(|it| it.pointer("/error/message")?.as_str());
        let message = message.unwrap_or("it does not say why; is this Kenwell's private listener?");
        Failure::failed(format!("{url} answered {}: {message}", answer.status))
    }
}
