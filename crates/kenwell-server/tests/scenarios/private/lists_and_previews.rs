//! Parts of long lists, revisions of single things, and what a change would write, through the API.

use serde_json::Value;

use super::support::{code, ok};
use crate::support::{ADMIN_KEY, Redis, Reply, Server, raw};

/// A change of `path` that was made from this revision.
fn change(server: &Server, path: &str, revision: &str, body: &str) -> Reply {
    let request = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {ADMIN_KEY}\r\nIf-Match: \"{revision}\"\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.private,
        body.len()
    );
    raw(&server.private, request.as_bytes())
}

fn get(server: &Server, path: &str) -> Value {
    ok(&server.ask("GET", path, ""))
}

fn revision(server: &Server, path: &str) -> String {
    get(server, path)["revision"].as_str().unwrap().to_owned()
}

const SOURCE: &str = "/api/v1/sources/web";
const DESTINATION: &str = "/api/v1/destinations/profiles";

#[test]
fn a_change_is_in_the_way_of_those_that_change_the_same_thing_only() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let (source, destination) = (revision(&server, SOURCE), revision(&server, DESTINATION));
    let name = r#"{"name":"One"}"#;
    assert_eq!(change(&server, SOURCE, &source, name).status, 200);
    let paused = server.ask("POST", "/api/v1/destinations/profiles/pause", "");
    assert_eq!(paused.status, 200);
    let prefix = r#"{"prefix":"p"}"#;
    let unhindered = change(&server, DESTINATION, &destination, prefix);
    assert_eq!(unhindered.status, 200, "{}", unhindered.text());
    for (path, known) in [(SOURCE, &source), (DESTINATION, &destination)] {
        let late = change(&server, path, known, r#"{"name":"Late"}"#);
        assert_eq!((late.status, &*code(&late)), (409, "changed_meanwhile"));
        let again = change(&server, path, &revision(&server, path), name);
        assert_eq!(again.status, 200);
    }
    let other = change(&server, DESTINATION, &revision(&server, SOURCE), name);
    assert_eq!(other.status, 409, "it is the revision of something else");
}

#[test]
fn lists_are_searched_sorted_and_cut_by_the_server() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    for name in ["Beta", "alpha"] {
        let body = format!(r#"{{"name":"{name}"}}"#);
        assert_eq!(server.ask("POST", "/api/v1/sources", &body).status, 201);
    }
    let ids = |words: &str| {
        let list = get(&server, &format!("/api/v1/sources?{words}"));
        let sources = list["sources"].as_array().unwrap().clone();
        let ids: Vec<_> = sources
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        (ids.join(" "), list["total"].as_u64().unwrap())
    };
    assert_eq!(ids(""), ("web beta alpha".to_owned(), 3));
    assert_eq!(ids("sort=name&limit=2"), ("alpha beta".to_owned(), 3));
    assert_eq!(
        ids("sort=name&direction=descending&offset=2"),
        ("alpha".to_owned(), 3)
    );
    assert_eq!(ids("search=ALP"), ("alpha".to_owned(), 1));
    for wrong in ["limit=0", "limit=1001", "sort=colour", "sorted=name"] {
        for list in ["sources", "destinations"] {
            let path = format!("/api/v1/{list}?{wrong}");
            assert_eq!(server.ask("GET", &path, "").status, 400, "{path}");
        }
    }
    let found = get(
        &server,
        "/api/v1/destinations?search=prof&sort=lag&direction=descending&limit=1",
    );
    assert_eq!((&found["total"], &found["waiting"]), (&1.into(), &0.into()));
    assert_eq!(found["destinations"][0]["id"], "profiles");
}

#[test]
fn a_preview_shows_the_tables_that_would_change_and_changes_nothing() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let password = r#"{"password":"s3cret-before"}"#;
    assert_eq!(server.ask("PATCH", DESTINATION, password).status, 200);
    let file = || std::fs::read_to_string(server.config()).unwrap();
    let before = file();
    let body = r#"{"prefix":"p","password":"s3cret-after"}"#;
    let path = format!("{DESTINATION}/preview");
    let shown = server.ask("POST", &path, body);
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert!(!shown.text().contains("s3cret"), "{}", shown.text());
    let shown = ok(&shown);
    let (was, is) = (
        shown["before"].as_str().unwrap(),
        shown["after"].as_str().unwrap(),
    );
    assert!(was.contains("password = \"(hidden)\"") && !was.contains("prefix"));
    assert!(is.contains("password = \"(hidden, changed)\"") && is.contains("prefix = \"p\""));
    assert!(!was.contains("[[sources]]"));
    assert_eq!(file(), before);
    let wrong = server.ask("POST", &path, r#"{"address":"no port"}"#);
    assert_eq!(wrong.status, 422);
    let nobody = server.ask("POST", "/api/v1/sources/none/preview", "{}");
    assert_eq!((nobody.status, &*code(&nobody)), (404, "no_source"));
    let name = server.ask("POST", "/api/v1/sources/web/preview", r#"{"name":"New"}"#);
    assert!(
        ok(&name)["after"]
            .as_str()
            .unwrap()
            .contains("name = \"New\"")
    );
}

#[test]
fn a_preview_of_a_new_destination_shows_its_table_and_makes_none() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let before = std::fs::read_to_string(server.config()).unwrap();
    let preview = |body: &str| server.ask("POST", "/api/v1/destinations/preview", body);
    let shown = ok(&preview(
        r#"{"name":"Old","id":"old","address":"r:6379","password":"s3cret","sources":["web"]}"#,
    ));
    let after = shown["after"].as_str().unwrap();
    assert!(after.contains("id = \"old\"") && after.contains("address = \"r:6379\""));
    assert!(
        after.contains("destinations = [\"profiles\", \"old\"]"),
        "{after}"
    );
    assert!(!shown.to_string().contains("s3cret"), "{shown}");
    let taken = preview(r#"{"name":"P","id":"profiles","address":"r:6379"}"#);
    assert_eq!((taken.status, &*code(&taken)), (409, "exists"));
    assert_eq!(std::fs::read_to_string(server.config()).unwrap(), before);
    let audit = ok(&server.ask("GET", "/api/v1/audit", ""));
    assert_eq!(audit["total"], 0, "it changes nothing: {audit}");
}
