//! One server, without TLS.

use std::cell::RefCell;

use kenwell::connection::{Connection, Secret, Settings};
use kenwell::{Class, profile};

use crate::everywhere::behaviour::{Place, behaves, with_wrong_password, without_password};
use crate::support::flavour::Flavour;
use crate::support::load::update;
use crate::support::server::Server;

pub(crate) fn url(text: &str) -> Settings {
    Settings::from_url(text).unwrap()
}

/// The suite for a server that is killed and comes back with `prepare` done to it.
pub(crate) async fn at(
    server: Server,
    settings: Settings,
    wrong: Vec<(Settings, Vec<&'static str>)>,
    prepare: impl Fn(&Server),
) {
    prepare(&server);
    let server = RefCell::new(server);
    let place = Place {
        settings,
        lose: Box::new(|| server.borrow_mut().kill()),
        restore: Box::new(|| {
            server.borrow_mut().revive();
            prepare(&server.borrow());
        }),
        wrong,
    };
    behaves(place).await;
}

pub(crate) async fn tcp(flavour: Flavour) {
    let server = Server::of(flavour, &[]);
    let settings = url(&format!("redis://{}", server.address()));
    let mut other_kind = settings.clone();
    other_kind.cluster_mode = true;
    let wrong = vec![(other_kind, vec!["cluster_mode = false"])];
    at(server, settings, wrong, |_| {}).await;
}

pub(crate) async fn socket(flavour: Flavour) {
    let server = Server::of(flavour, &[]);
    let settings = url(&format!("unix://{}?db=5", server.socket()));
    at(server, settings, Vec::new(), |_| {}).await;
}

pub(crate) async fn database(flavour: Flavour) {
    let server = Server::of(flavour, &["--databases", "6"]);
    let address = server.address();
    let wrong = vec![(
        url(&format!("redis://{address}/6")),
        vec!["SELECT", "out of range"],
    )];
    let settings = url(&format!("redis://{address}/5"));
    let five = Connection::new(settings.clone()).unwrap();
    let written = profile::apply(&five, &[update("u1", r#"{"a":1}"#)]).await;
    assert!(written[0].is_ok(), "{written:?}");
    assert_eq!(server.cli(&["EXISTS", "user:u1"]), "0");
    assert_eq!(server.cli(&["-n", "5", "EXISTS", "user:u1"]), "1");
    at(server, settings, wrong, |_| {}).await;
}

pub(crate) async fn password(flavour: Flavour) {
    let server = Server::of(flavour, &["--requirepass", "p@ss:/?#%"]);
    let address = server.address();
    let settings = url(&format!("redis://:p%40ss%3A%2F%3F%23%25@{address}"));
    let wrong = vec![with_wrong_password(&settings), without_password(&settings)];
    at(server, settings, wrong, |_| {}).await;
}

/// The password changes while the server is away, and in its file while a connection is open.
pub(crate) async fn rotated(flavour: Flavour) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let server = Server::of(flavour, &[]);
    std::fs::write(&file, "first\n").unwrap();
    let turn = |server: &Server| {
        let current = std::fs::read_to_string(&file).unwrap();
        let next = format!("{}+", current.trim_end());
        assert_eq!(server.cli(&["CONFIG", "SET", "requirepass", &next]), "OK");
        std::fs::write(&file, next).unwrap();
    };
    let mut settings = server.settings();
    settings.password = Some(Secret::file(&file).unwrap());
    let wrong = vec![without_password(&settings)];
    at(server, settings, wrong, turn).await;
}

/// The line of the guide that makes a user with the least rights.
fn least_rights_line() -> String {
    let guide = include_str!("../../../../docs/redis.md");
    let line = guide.lines().find(|line| line.starts_with("ACL SETUSER "));
    line.unwrap().to_owned()
}

pub(crate) async fn least_rights(flavour: Flavour) {
    let server = Server::of(flavour, &[]);
    let line = least_rights_line();
    let admit = |server: &Server| {
        let reply = server.command(&line);
        assert_eq!(reply, "+OK", "{line}");
        // Servers before 7.2 do not know it, and say so.
        server.command("ACL SETUSER kenwell +client|setinfo");
    };
    admit(&server);
    let settings = url(&format!("redis://kenwell:PASSWORD@{}/1", server.address()));
    // Each right is needed.
    for right in ["hset", "hgetall", "select"] {
        server.command(&format!("ACL SETUSER kenwell -{right}"));
        let connection = Connection::new(settings.clone()).unwrap();
        let results = profile::apply(&connection, &[update("u1", r#"{"a":1}"#)]).await;
        let read = profile::read(&connection, &profile::Layout::default(), "u1").await;
        let error = results[0].clone().and(read.map(drop)).unwrap_err();
        assert_eq!(error.class(), Class::Configuration, "{right}: {error}");
        assert!(error.to_string().contains("NOPERM"), "{right}: {error}");
        admit(&server);
    }
    // Otherwise nothing is refused on the way, not even what would be done without.
    server.command("ACL LOG RESET");
    let connection = Connection::new(settings.clone()).unwrap();
    connection.ping().await.unwrap();
    if flavour != Flavour::Redis62 {
        assert_eq!(server.command("ACL LOG"), "*0");
    }
    let mut nobody = with_wrong_password(&settings);
    nobody.0.username = Some("nobody".to_owned());
    nobody.1.push("`username`");
    let wrong = vec![with_wrong_password(&settings), nobody];
    at(server, settings, wrong, admit).await;
}
