//! Signing in and out, with the page and without.

use std::process::Command;

use super::support::{Browser, JSON, code, ok, send};
use crate::support::{ADMIN_KEY, Redis, Server, eventually};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[test]
fn the_form_opens_a_session_and_the_page_works_with_it() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let page = send(&server.private, "GET", "/", "", "");
    assert_eq!(page.status, 401);
    assert!(page.text().contains("action=\"/login\"") && page.text().contains("name=\"key\""));
    let wrong = send(&server.private, "POST", "/login", FORM, "key=kwa_no%3Cb%3E");
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("not the admin key") && !wrong.text().contains("kwa_no"));
    let own = format!("{FORM}Origin: http://{}\r\n", server.private);
    let right = send(
        &server.private,
        "POST",
        "/login",
        &own,
        &format!("key={ADMIN_KEY}"),
    );
    assert_eq!((right.status, right.header("location")), (303, Some("/")));
    let cookie = right.header("set-cookie").unwrap();
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"),
        "{cookie}"
    );
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    let console = send(&server.private, "GET", "/", &cookie, "");
    assert_eq!(console.status, 200);
    assert!(console.text().contains("<title>Kenwell</title>"));
    let foreign = format!("{FORM}Origin: https://evil.example\r\n");
    let forged = send(
        &server.private,
        "POST",
        "/login",
        &foreign,
        &format!("key={ADMIN_KEY}"),
    );
    assert_eq!(forged.status, 403);
}

#[test]
fn a_session_ends_when_its_owner_says_so() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let browser = Browser::sign_in(&server);
    let session = ok(&browser.ask("GET", "/api/v1/session", ""));
    assert_eq!(session["csrf_token"], browser.token.as_str());
    assert!(session["expires_at"].as_str().unwrap().ends_with('Z'));
    let gone = browser.ask("DELETE", "/api/v1/session", "");
    assert_eq!(gone.status, 204);
    assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(browser.ask("GET", "/api/v1/overview", "").status, 401);
}

#[test]
fn guessing_is_slowed_down_and_the_key_itself_still_works_for_programs() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let guess = || {
        send(
            &server.private,
            "POST",
            "/api/v1/session",
            JSON,
            "{\"key\":\"kwa_guess\"}",
        )
    };
    let refused = (0..100)
        .map(|_| guess())
        .find(|reply| reply.status != 401)
        .unwrap();
    assert_eq!(
        (refused.status, &*code(&refused)),
        (429, "too_many_attempts")
    );
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    // A try that has come back is used up, so that the right key has none on its slow way here.
    let form = (0..100).find_map(|_| {
        guess();
        let key = format!("key={ADMIN_KEY}");
        let form = send(&server.private, "POST", "/login", FORM, &key);
        (form.status == 429).then_some(form)
    });
    let form = form.expect("the right key has to wait too");
    assert!(form.header("retry-after").is_some() && form.text().contains("Wait"));
    assert_eq!(server.ask("GET", "/api/v1/overview", "").status, 200);
    assert!(!server.log().contains("kwa_guess"));
}

/// The status of a request with this key from another address of this machine.
fn from_elsewhere(server: &Server, key: &str) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--interface", "127.0.0.2"])
        .args(["--output", "/dev/null", "--write-out", "%{http_code}"])
        .args(["--header", &format!("Authorization: Bearer {key}")])
        .arg(format!("http://{}/api/v1/overview", server.private))
        .output()
        .expect("these tests need curl; install it with: apt-get install curl");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn guessing_with_bearer_tokens_is_slowed_down_and_logged() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let ask = |header: &str| send(&server.private, "GET", "/api/v1/overview", header, "");
    for _ in 0..30 {
        assert_eq!(
            server.ask("GET", "/api/v1/overview", "").status,
            200,
            "it is no guess"
        );
    }
    let schemes = ["Bearer kwa_guess", "Basic a3dhOg==", "kwa_guess"];
    let mut guesses = (0..30).zip(schemes.iter().cycle());
    let refused = guesses.find_map(|(number, guess)| {
        let reply = ask(&format!("Authorization: {guess}\r\n"));
        (reply.status != 401).then_some((number, reply))
    });
    let (number, refused) = refused.unwrap();
    assert!(number >= 10, "{number}");
    assert_eq!(
        (refused.status, &*code(&refused)),
        (429, "too_many_attempts")
    );
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    // A try that has come back is used up, so that the right key has none on its slow way here.
    let right = format!("Authorization: Bearer {ADMIN_KEY}\r\n");
    let waits = (0..100).any(|_| {
        ask("Authorization: Bearer kwa_guess\r\n");
        ask(&right).status == 429
    });
    assert!(
        waits,
        "even the right key waits, or it could be told from guesses"
    );
    assert_eq!(from_elsewhere(&server, ADMIN_KEY), "200", "others come in");
    assert_eq!(from_elsewhere(&server, "kwa_guess"), "401");
    Browser::sign_in(&server);
    let log = server.log();
    assert!(log.contains("a request with a wrong admin key") && log.contains("peer=127.0.0.1"));
    assert!(
        log.contains("too many wrong admin keys; refused for"),
        "{log}"
    );
    assert!(!log.contains("kwa_guess"));
}

/// What is printed at the first start, once all of it is.
fn shown(server: &Server) -> String {
    eventually("the key to be shown", || {
        let said = server.said();
        said.contains("makes a new one").then_some(said)
    })
}

#[test]
fn a_key_is_made_at_the_first_start_shown_once_and_can_be_replaced() {
    let redis = Redis::start();
    let server = Server::without_key(&redis);
    let shown = shown(&server);
    let key = shown
        .lines()
        .find_map(|line| line.strip_prefix("Admin key  "))
        .unwrap();
    assert!(key.starts_with("kwa_") && key.len() == 47, "{key}");
    let may = |key: &str| {
        let header = format!("Authorization: Bearer {key}\r\n");
        send(&server.private, "GET", "/api/v1/session", &header, "").status == 200
    };
    assert!(may(key));
    let kept = std::fs::read_to_string(server.data_dir().join("admin-key")).unwrap();
    assert!(!kept.contains(key) && !server.log().contains(key));
    let body = format!("{{\"key\":\"{key}\"}}");
    let signed_in = send(&server.private, "POST", "/api/v1/session", JSON, &body);
    let cookie = signed_in
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let cookie = format!("Cookie: {cookie}\r\n");
    assert_eq!(
        send(&server.private, "GET", "/api/v1/session", &cookie, "").status,
        200
    );

    let reset = server.cli(&["admin-key", "reset"]);
    assert!(reset.status.success());
    let new = String::from_utf8(reset.stdout).unwrap();
    assert!(may(new.trim()) && !may(key));
    let old_session = send(&server.private, "GET", "/api/v1/session", &cookie, "");
    assert_eq!(old_session.status, 401, "the old key's sessions end");
    assert_eq!(code(&old_session), "unauthorized");
}

#[test]
fn a_second_start_shows_no_key() {
    let redis = Redis::start();
    let mut server = Server::without_key(&redis);
    let key = shown(&server);
    server.terminate();
    server.restart();
    // It stops after all that there was to say.
    server.terminate();
    assert_eq!(server.said(), key, "nothing more was printed");
}
