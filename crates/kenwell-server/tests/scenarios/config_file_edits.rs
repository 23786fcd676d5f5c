//! The file edited by hand while the real server runs: picked up, or refused with reasons while what ran
//! goes on.

use std::{fs, process::Command};

use crate::support::{Client, Redis, Server, eventually};

fn status(server: &Server, key: &str) -> u16 {
    let event = br#"{"userId":"u","traits":{"a":1}}"#;
    let mut client = Client::connect(&server.gateway);
    let reply = client.post_as(key, "/v1/identify", "", event);
    reply.unwrap().status
}

fn replace(server: &Server, from: &str, to: &str) {
    let text = fs::read_to_string(server.config()).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(server.config(), text.replace(from, to)).unwrap();
}

#[test]
fn an_edit_by_hand_is_carried_out_without_a_restart() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    assert_eq!((status(&server, "WK"), status(&server, "NEW")), (200, 401));
    replace(&server, "\"WK\"", "\"NEW\"");
    eventually("the new write key", || {
        (status(&server, "NEW") == 200).then_some(())
    });
    assert_eq!(status(&server, "WK"), 401);
    replace(&server, "type = \"redis\"", "paused = true");
    eventually("the pause", || {
        let ready = server.ready().text();
        (ready.contains("\"paused\"") && ready.contains("\"ready\"")).then_some(())
    });
    assert_eq!(status(&server, "NEW"), 200);
    replace(&server, "paused = true", "");
    server.settle("profiles");
}

#[test]
fn what_cannot_be_used_is_said_once_and_what_ran_goes_on() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let good = fs::read_to_string(server.config()).unwrap();
    replace(
        &server,
        "destinations = [\"profiles\"]",
        "destinations = [\"profile\"]",
    );
    eventually("the log to tell", || {
        server.log().contains("did you mean").then_some(())
    });
    let shown = server.ready();
    assert_eq!(shown.status, 200, "it goes on with what it has");
    let shown = shown.text();
    assert!(
        shown.contains("\"degraded\"") && shown.contains("did you mean"),
        "{shown}"
    );
    // Another edit that leaves it as broken as it was; then none at all for several looks.
    fs::write(
        server.config(),
        format!(
            "{}\n# still\n",
            fs::read_to_string(server.config()).unwrap()
        ),
    )
    .unwrap();
    assert_eq!(status(&server, "WK"), 200);
    fs::remove_file(server.config()).unwrap();
    eventually("the missing file to be told", || {
        server
            .log()
            .contains("cannot read the configuration")
            .then_some(())
    });
    assert_eq!(
        server.log().matches("did you mean").count(),
        1,
        "{}",
        server.log()
    );
    eventually("that to be shown in place of the former", || {
        let shown = server.ready().text();
        let told = shown.contains("cannot read the configuration");
        (told && !shown.contains("did you mean")).then_some(())
    });
    assert_eq!(status(&server, "WK"), 200);
    fs::write(server.config(), good.replace("\"WK\"", "\"MENDED\"")).unwrap();
    eventually("the mended file", || {
        (status(&server, "MENDED") == 200).then_some(())
    });
    eventually("the end of the problem", || {
        let shown = server.ready().text();
        let is_ready = shown.contains("\"ready\"");
        (is_ready && !shown.contains("\"configuration\"")).then_some(())
    });
}

#[test]
fn what_needs_a_restart_is_named_and_the_rest_is_done() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let text = fs::read_to_string(server.config()).unwrap();
    let moved = text
        .replace(
            &format!("listen = \"{}\"", server.gateway),
            "listen = \"127.0.0.1:1\"",
        )
        .replace("data_dir = \"data\"", "data_dir = \"elsewhere\"")
        .replace("\"WK\"", "\"NEW\"");
    fs::write(server.config(), moved).unwrap();
    eventually("the rest to be done", || {
        (status(&server, "NEW") == 200).then_some(())
    });
    eventually("what is left to be named", || {
        server
            .log()
            .contains("data_dir, gateway.listen")
            .then_some(())
    });
}

#[test]
fn a_hangup_reads_secrets_again() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let secret = server.data_dir().join("write-key.txt");
    fs::write(&secret, "ONE\n").unwrap();
    replace(&server, "\"WK\"", &format!("\"file:{}\"", secret.display()));
    eventually("the key in the file", || {
        (status(&server, "ONE") == 200).then_some(())
    });
    // The configuration says the same as before: nobody looks into what it names.
    fs::write(&secret, "TWO\n").unwrap();
    let pid = server.pid().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status();
    assert!(sent.unwrap().success());
    eventually("the new key", || {
        (status(&server, "TWO") == 200).then_some(())
    });
    assert_eq!(status(&server, "ONE"), 401);
    assert!(!server.log().contains("TWO"));
}
