//! Destinations on one Redis, whose prefixes must be walls.

use super::load;

/// What is said about these two destinations, each by its lines.
fn said(one: &str, other: &str) -> Option<String> {
    let text = format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"k\"\ndestinations = [\"one\", \"other\"]\n\
         [[destinations]]\nid = \"one\"\n{one}\n[[destinations]]\nid = \"other\"\n{other}\n"
    );
    let problems = load(&text, &[]).err()?;
    let keys: Vec<_> = problems.errors.iter().map(|problem| &problem.key).collect();
    assert_eq!(keys, ["destinations.other.prefix"], "{problems}");
    Some(problems.to_string())
}

#[test]
fn a_prefix_that_is_no_wall_is_refused() {
    let at =
        |address: &str, prefix: &str| format!("address = \"{address}\"\nprefix = \"{prefix}\"");
    let here = "127.0.0.1:6379";
    for (one, other) in [
        (at(here, ""), at(here, "user")),
        (at(here, ""), at(here, "user:vip")),
        (at(here, "user:vip"), at(here, "")),
        (at(here, "app"), at(here, "app:user:x")),
        (at(here, "vip"), at(here, "{{ message.traits.t || none }}")),
        (at(here, ""), at("localhost:6379", "user")),
        (at("Redis:1", ""), at("redis:1", "user")),
        (at("unix:/r.sock", ""), at("unix:/r.sock", "user")),
        (
            format!("address = \"{here}\""),
            at(here, "user") + "\nenabled = false",
        ),
        (
            format!("url = \"redis://{here}/3\""),
            at(here, "user") + "\ndatabase = 3",
        ),
        (
            at("a:1,b:1", "") + "\ncluster_mode = true",
            at("b:1, c:1", "user") + "\ncluster_mode = true",
        ),
        (
            at("a:1,b:1", "") + "\nsentinel_master = \"m\"",
            at("b:1,c:1", "user") + "\nsentinel_master = \"m\"",
        ),
    ] {
        let said = said(&one, &other).unwrap_or_else(|| panic!("{one}\n{other}"));
        assert!(said.contains("\"one\" and \"other\""), "{said}");
        assert!(said.contains("fix: give each a prefix"), "{said}");
    }
    for (one, other) in [
        (at(here, ""), at(here, "app")),
        (at(here, ""), at(here, "users")),
        (at(here, "app"), at(here, "app")),
        (at(here, ""), at(here, "{{ message.traits.t || none }}")),
        (at(here, ""), at("127.0.0.1:6380", "user")),
        (at(here, ""), at(here, "user") + "\ndatabase = 1"),
        (
            at("a:1", "") + "\nsentinel_master = \"m\"",
            at("a:1", "user") + "\nsentinel_master = \"n\"",
        ),
    ] {
        assert_eq!(said(&one, &other), None, "{one}\n{other}");
    }
}

#[test]
fn the_same_keys_are_hashes_or_documents_for_all() {
    let table = |id: &str, more: &str| {
        format!("[[destinations]]\nid = \"{id}\"\naddress = \"h:1\"\nprefix = \"app\"\n{more}\n")
    };
    let text = |more: &str| {
        let source =
            "[[sources]]\nid = \"web\"\nwrite_key = \"k\"\ndestinations = [\"one\", \"other\"]\n";
        [source, &table("one", "json = true"), &table("other", more)].concat()
    };
    assert!(load(&text("json = true"), &[]).is_ok());
    assert!(load(&text("database = 1"), &[]).is_ok());
    let problems = load(&text(""), &[]).unwrap_err();
    let keys: Vec<_> = problems.errors.iter().map(|problem| &problem.key).collect();
    assert_eq!(keys, ["destinations.other.json"], "{problems}");
    assert!(
        problems.to_string().contains("the same json to both"),
        "{problems}"
    );
}
