//! The recipes of docs/redis.md: each way to reach a Redis writes a profile, reads it back, and
//! recovers from a restart.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile::{self, Layout};
use kenwell::{Class, Error};
use support::certificates::Certificates;
use support::server::Server;
use support::stunnel::Stunnel;

/// The line of the guide that makes a user with the least rights.
fn least_rights() -> String {
    let guide = include_str!("../../../docs/redis.md");
    let line = guide.lines().find(|line| line.starts_with("ACL SETUSER "));
    line.unwrap().to_owned()
}

/// Writes and reads a profile.
async fn works(connection: &Connection) -> Result<(), Error> {
    let layout = Layout::default();
    let event = br#"{"userId":"u1","traits":{"plan":{"name":"pro"}}}"#;
    let update = profile::update(event, &layout).unwrap();
    profile::apply(connection, &[update]).await.remove(0)?;
    let fields = profile::read(connection, &layout, "u1").await?;
    assert_eq!(fields, Some(vec![(b"plan.name".to_vec(), b"pro".to_vec())]));
    Ok(())
}

/// The same before and after the server was killed.
async fn behaves(server: &mut Server, settings: Settings) {
    let connection = Connection::new(settings).unwrap();
    works(&connection).await.unwrap();
    server.kill();
    let error = works(&connection).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient, "{error}");
    server.revive();
    works(&connection).await.unwrap();
}

fn url(text: &str) -> Settings {
    Settings::from_url(text).unwrap()
}

#[tokio::test]
async fn over_tcp_in_database_five_and_through_a_socket() {
    let mut server = Server::start(&[]);
    let address = server.address();
    behaves(&mut server, url(&format!("redis://{address}"))).await;
    behaves(&mut server, url(&format!("redis://{address}/5"))).await;
    assert_eq!(server.command("EXISTS user:u1"), ":0");
    let socket = server.socket();
    behaves(&mut server, url(&format!("unix://{socket}?db=5"))).await;
}

#[tokio::test]
async fn with_a_password_that_needs_encoding() {
    let mut server = Server::start(&["--requirepass", "p@ss:/?#%"]);
    let address = server.address();
    behaves(
        &mut server,
        url(&format!("redis://:p%40ss%3A%2F%3F%23%25@{address}")),
    )
    .await;
    let wrong = Connection::new(url(&format!("redis://:SECRET@{address}"))).unwrap();
    let error = works(&wrong).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("WRONGPASS") && !text.contains("SECRET"),
        "{text}"
    );
}

#[tokio::test]
async fn as_a_user_with_the_least_rights() {
    let mut server = Server::start(&[]);
    let address = server.address();
    let line = least_rights();
    assert_eq!(server.command(&line), "+OK", "{line}");
    // Redis before 7.2 does not know it, and says so.
    server.command("ACL SETUSER kenwell +client|setinfo");
    let user = url(&format!("redis://kenwell:PASSWORD@{address}/1"));
    let connection = Connection::new(user.clone()).unwrap();
    works(&connection).await.unwrap();
    // Nothing is refused on the way, not even what would be done without.
    connection.ping().await.unwrap();
    assert_eq!(server.command("ACL LOG"), "*0");
    // Each right is needed.
    for right in ["hset", "hgetall", "select"] {
        assert_eq!(server.command(&line), "+OK");
        assert_eq!(
            server.command(&format!("ACL SETUSER kenwell -{right}")),
            "+OK"
        );
        let error = works(&Connection::new(user.clone()).unwrap())
            .await
            .unwrap_err();
        assert_eq!(error.class(), Class::Configuration, "{right}: {error}");
    }
    server.kill();
}

#[tokio::test]
async fn over_tls_and_with_certificates_on_both_sides() {
    let all = Certificates::new();
    all.issue("me", "/CN=kenwell", "ca", "extendedKeyUsage=clientAuth");
    let path = |name: &str| all.path(name).to_str().unwrap().to_owned();
    for clients in ["no", "yes"] {
        let mut server =
            Server::start_with_certificate(&all, "server", &["--tls-auth-clients", clients]);
        let mut settings = url(&format!("rediss://localhost:{}", server.tls_port()));
        settings.ca_certificate = Some(path("ca.pem"));
        if clients == "yes" {
            settings.client_certificate = Some(path("me.pem"));
            settings.client_key = Some(Secret::new(path("me.key")));
        }
        behaves(&mut server, settings).await;
    }
    let mut server = Server::start_with_tls(&all);
    let mut settings = url(&format!("rediss://127.0.0.1:{}", server.tls_port()));
    settings.skip_verify = true;
    behaves(&mut server, settings).await;
}

#[tokio::test]
async fn through_stunnel_with_the_certificates_of_its_recipe() {
    let all = Certificates::new();
    all.self_signed("recipe-ca", "/CN=localhost", "");
    all.issue_with("rsa:2048", "recipe", "/CN=localhost", "recipe-ca", "");
    let mut server = Server::start(&[]);
    let stunnel = Stunnel::start(&all, "recipe", &server.address());
    let mut settings = url(&format!("rediss://localhost:{}", stunnel.port()));
    settings.ca_certificate = Some(all.text("recipe-ca.pem"));
    behaves(&mut server, settings).await;
}
