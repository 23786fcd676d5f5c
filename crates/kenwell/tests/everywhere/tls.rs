//! One server, over TLS.

use std::cell::RefCell;

use kenwell::connection::{Secret, Settings};

use crate::everywhere::behaviour::{Place, behaves};
use crate::everywhere::plain::{at, url};
use crate::support::certificates::Certificates;
use crate::support::flavour::Flavour;
use crate::support::server::Server;
use crate::support::stunnel::Stunnel;

fn path(certificates: &Certificates, name: &str) -> String {
    certificates.path(name).to_str().unwrap().to_owned()
}

/// The settings with another authority, and what is said about that.
fn with_wrong_authority(settings: &Settings) -> (Settings, Vec<&'static str>) {
    let mut wrong = settings.clone();
    wrong.ca_certificate = Some(Certificates::new().authority());
    (wrong, vec!["none of the authorities in ca_certificate"])
}

/// The settings with another name, and what is said about that.
fn with_wrong_name(settings: &Settings) -> (Settings, Vec<&'static str>) {
    let mut wrong = settings.clone();
    wrong.server_name = Some("else".to_owned());
    (wrong, vec!["set server_name"])
}

pub(crate) async fn authority(_redis: Flavour) {
    let all = Certificates::new();
    let server = Server::start_with_tls(&all);
    let mut settings = url(&format!("rediss://localhost:{}", server.tls_port()));
    settings.ca_certificate = Some(path(&all, "ca.pem"));
    let mut strangers = settings.clone();
    strangers.ca_certificate = None;
    let wrong = vec![
        with_wrong_authority(&settings),
        with_wrong_name(&settings),
        (strangers, vec!["set `ca_certificate`"]),
    ];
    at(server, settings, wrong, |_| {}).await;
}

/// The certificates are made as the recipes for RudderStack's Redis destination say.
pub(crate) async fn stunnel(flavour: Flavour) {
    let all = Certificates::new();
    all.self_signed("recipe-ca", "/CN=localhost", "");
    all.issue_with("rsa:2048", "recipe", "/CN=localhost", "recipe-ca", "");
    let server = Server::of(flavour, &[]);
    let stunnel = Stunnel::start(&all, "recipe", &server.address());
    let mut settings = url(&format!("rediss://localhost:{}", stunnel.port()));
    settings.ca_certificate = Some(all.text("recipe-ca.pem"));
    let wrong = vec![with_wrong_authority(&settings), with_wrong_name(&settings)];
    let server = RefCell::new(server);
    let place = Place {
        settings,
        lose: Box::new(|| server.borrow_mut().kill()),
        restore: Box::new(|| server.borrow_mut().revive()),
        wrong,
    };
    behaves(place).await;
}

pub(crate) async fn both_sides(_redis: Flavour) {
    let all = Certificates::new();
    all.issue("me", "/CN=kenwell", "ca", "extendedKeyUsage=clientAuth");
    all.self_signed("stranger", "/CN=kenwell", "");
    let server = Server::start_with_certificate(&all, "server", &["--tls-auth-clients", "yes"]);
    let with = |name: &str| {
        let mut settings = url(&format!("rediss://localhost:{}", server.tls_port()));
        settings.ca_certificate = Some(path(&all, "ca.pem"));
        settings.client_certificate = Some(path(&all, &format!("{name}.pem")));
        settings.client_key = Some(Secret::new(path(&all, &format!("{name}.key"))));
        settings
    };
    let settings = with("me");
    let mut nobody = settings.clone();
    (nobody.client_certificate, nobody.client_key) = (None, None);
    let wrong = vec![
        (nobody, vec!["set client_certificate and client_key"]),
        (with("stranger"), vec!["refused client_certificate"]),
    ];
    at(server, settings, wrong, |_| {}).await;
}

pub(crate) async fn unverified(_redis: Flavour) {
    let all = Certificates::new();
    let server = Server::start_with_tls(&all);
    let mut settings = url(&format!("rediss://127.0.0.1:{}", server.tls_port()));
    settings.skip_verify = true;
    let mut verified = settings.clone();
    verified.skip_verify = false;
    let wrong = vec![(verified, vec!["ca_certificate"])];
    at(server, settings, wrong, |_| {}).await;
}
