//! Passwords, names, certificates and keys that are replaced on disk while a connection is in use.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::certificates::Certificates;
use crate::support::load::update;
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile::{self, Layout};
use kenwell::{Class, Error};
use tempfile::TempDir;

/// A folder with files that tests write secrets into.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

async fn write(connection: &Connection) -> Result<(), Error> {
    let one = [update("u1", r#"{"a":1}"#)];
    profile::apply(connection, &one).await.remove(0)
}

/// Closes all connections at the server, and waits until ours is known to be gone.
async fn cut(server: &Server, connection: &Connection) -> Error {
    server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        match write(connection).await {
            Err(error) if error.class() == Class::Configuration => return error,
            _ => assert!(Instant::now() < deadline, "nothing was refused"),
        }
    }
}

#[tokio::test]
async fn a_password_in_a_file_is_read_again_at_each_login() {
    let (server, files) = (Server::start(&[]), Files::new());
    let admit = |password: &str| {
        let rule = ["ACL", "SETUSER", "kenwell", "on", "resetpass", password];
        assert_eq!(server.cli(&[&rule[..], &["~*", "+@all"]].concat()), "OK");
    };
    admit(">one");
    let path = files.put("password", "one\n");
    let mut settings = server.settings();
    settings.username = Some("kenwell".to_owned());
    settings.password = Some(Secret::file(&path).unwrap());
    let connection = Connection::new(settings).unwrap();
    write(&connection).await.unwrap();

    // An open connection stays logged in; a new one is refused as long as the file is old.
    admit(">two");
    write(&connection).await.unwrap();
    let said = cut(&server, &connection).await.to_string();
    let file = path.display().to_string();
    for words in ["WRONGPASS", "correct `password`", &file, "`username`"] {
        assert!(said.contains(words), "{said}");
    }
    files.put("password", "two\n");
    write(&connection).await.unwrap();
    write(&connection.another()).await.unwrap();

    // A file that is away for a moment is an error with its name, and no end.
    cut_without_file(&server, &connection, &path).await;
    files.put("password", "");
    let said = write(&connection).await.unwrap_err().to_string();
    assert!(said.contains("`password`: it is empty"), "{said}");
    files.put("password", "two");
    write(&connection).await.unwrap();
}

async fn cut_without_file(server: &Server, connection: &Connection, path: &PathBuf) {
    fs::remove_file(path).unwrap();
    let said = cut(server, connection).await.to_string();
    let file = path.display().to_string();
    for words in ["`password`: cannot read", &file] {
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn a_name_in_a_file_changes_together_with_its_password() {
    let (server, files) = (Server::start(&[]), Files::new());
    let admit = |name: &str| {
        let rule = ["ACL", "SETUSER", name, "on", ">pw", "~*", "+@all"];
        assert_eq!(server.cli(&rule), "OK");
    };
    admit("lease-1");
    let mut settings = server.settings();
    settings.username_file = Some(files.put("username", "lease-1\n"));
    settings.password = Some(Secret::file(files.put("password", "pw")).unwrap());
    settings.validate().unwrap();
    let connection = Connection::new(settings.clone()).unwrap();
    write(&connection).await.unwrap();
    admit("lease-2");
    // Redis closes the connections of a user who is gone.
    assert_eq!(server.cli(&["ACL", "DELUSER", "lease-1"]), "1");
    files.put("username", "lease-2\n");
    let deadline = Instant::now() + Duration::from_mins(1);
    while write(&connection).await.is_err() {
        assert!(Instant::now() < deadline, "the new name is not used");
    }
    let twice = Settings {
        username: Some("lease-2".to_owned()),
        ..settings
    };
    let said = twice.validate().unwrap_err().to_string();
    assert!(
        said.contains("username") && said.contains("twice"),
        "{said}"
    );
}

#[tokio::test]
async fn sentinels_may_have_a_password_in_a_file() {
    let (sentinels, files) = (Sentinels::start(), Files::new());
    sentinels.all_obey(&["ACL", "SETUSER", "default", "resetpass", ">one"]);
    let path = files.put("sentinel-password", "wrong");
    let mut settings = sentinels.settings();
    settings.sentinel_password = Some(Secret::file(&path).unwrap());
    let connection = Connection::new(settings).unwrap();
    let error = write(&connection).await.unwrap_err();
    assert_eq!(error.class(), Class::Configuration);
    let said = error.to_string();
    for words in ["correct `sentinel_password`", "sentinel-password)"] {
        assert!(said.contains(words), "{said}");
    }
    files.put("sentinel-password", "one");
    write(&connection).await.unwrap();
}

#[tokio::test]
async fn certificates_in_files_are_read_again_at_each_connection() {
    let (old, new, files) = (Certificates::new(), Certificates::new(), Files::new());
    for all in [&old, &new] {
        all.issue("me", "/CN=kenwell", "ca", "extendedKeyUsage=clientAuth");
    }
    let put = |all: &Certificates, name: &str| files.put(name, &all.text(name));
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let mut server = Server::start_with_certificate(&old, "server", &["--tls-auth-clients", "yes"]);
    let settings = Settings {
        secure: true,
        ca_certificate: Some(text(put(&old, "ca.pem"))),
        client_certificate: Some(text(put(&old, "me.pem"))),
        client_key: Some(Secret::file(put(&old, "me.key")).unwrap()),
        ..Settings::new(format!("localhost:{}", server.tls_port()))
    };
    let connection = Connection::new(settings).unwrap();
    write(&connection).await.unwrap();

    server.kill();
    server.present(&new, "server");
    server.revive();
    let said = cut(&server, &connection).await.to_string();
    assert!(said.contains("ca_certificate"), "{said}");
    put(&new, "ca.pem");
    let said = cut(&server, &connection).await.to_string();
    assert!(said.contains("refused client_certificate"), "{said}");
    put(&new, "me.pem");
    let said = cut(&server, &connection).await.to_string();
    assert!(said.contains("client_key"), "{said}");
    put(&new, "me.key");
    write(&connection).await.unwrap();
    let stored = profile::read(&connection.another(), &Layout::default(), "u1").await;
    assert!(stored.unwrap().is_some());
}
