//! Edits and what they make of a file's text.

use kenwell::connection::Secret;
use serde_json::{Value as Json, json};

use super::*;
use crate::runtime::SourceChange;

const FILE: &str = r#"# our shop
workspace_id = "w" # kept

[[sources]] # the web
id = "web"
name = "Web"  # for people
write_key = "env:WEB_KEY"
destinations = [
    "profiles", # the main one
    "crm",
]

# Redis, first
[[destinations]]
id = "profiles"
address = '127.0.0.1:6379'
password = "file:secret.txt" # never here

[[destinations]]
id = "crm"
address = "127.0.0.1:6380"

# the end
"#;

fn edited(text: &str, edits: Vec<Edit>) -> Result<Rewrite, EditError> {
    let mut rewrite = Rewrite::new(Document::parse(text).unwrap());
    for edit in edits {
        rewrite.make(edit)?;
    }
    Ok(rewrite)
}

fn remove_destination(id: &str) -> Edit {
    let id = id.to_owned();
    Edit::RemoveDestination { id, give_up: 0 }
}

fn source(id: &str, change: Json) -> Edit {
    let change = SourceChange::read(serde_json::from_value(change).unwrap()).unwrap();
    let id = id.to_owned();
    Edit::ChangeSource { id, change }
}

fn destination_change(change: Json) -> DestinationChange {
    DestinationChange::read(serde_json::from_value(change).unwrap()).unwrap()
}

fn destination(id: &str, change: Json) -> Edit {
    Edit::ChangeDestination {
        id: id.to_owned(),
        change: destination_change(change),
    }
}

#[test]
fn only_what_is_changed_changes() {
    let edits = vec![
        source("web", json!({ "name": "Shop", "enabled": false })),
        destination(
            "profiles",
            json!({ "address": "10.0.0.1:6379", "database": 3, "paused": true }),
        ),
    ];
    let rewrite = edited(FILE, edits).unwrap();
    let expected = FILE
        .replace("\"Web\"", "\"Shop\"")
        .replace("]\n\n# Redis", "]\nenabled = false\n\n# Redis")
        .replace("'127.0.0.1:6379'", "\"10.0.0.1:6379\"")
        .replace(
            "# never here\n",
            "# never here\npaused = true\ndatabase = 3\n",
        );
    assert_eq!(rewrite.text(), expected);
    assert_eq!(rewrite.ids, ["web", "profiles"]);
    let touched = (List::Destinations, "profiles".to_owned(), "database");
    assert!(rewrite.touched.contains(&touched));
}

#[test]
fn what_is_added_stands_behind_its_like() {
    let new_source = NewSource {
        name: "The App".to_owned(),
        destinations: vec!["crm".to_owned()],
        write_key: Some(Secret::new("KEY")),
        ..NewSource::default()
    };
    let new_destination = NewDestination {
        id: Some("third".to_owned()),
        settings: destination_change(
            json!({ "name": "Third", "address": "h:1", "password": "env:PW", "sources": ["web", "the-app"] }),
        ),
    };
    let edits = vec![
        Edit::AddSource(new_source),
        Edit::AddDestination(new_destination),
    ];
    let rewrite = edited(FILE, edits).unwrap();
    let expected = FILE
            .replace(
                "    \"crm\",\n]\n",
                "    \"crm\",\n    \"third\",\n]\n\n[[sources]]\nid = \"the-app\"\nname = \"The App\"\nwrite_key = \"KEY\"\ndestinations = [\"crm\", \"third\"]\n",
            )
            .replace(
                "6380\"\n",
                "6380\"\n\n[[destinations]]\nid = \"third\"\nname = \"Third\"\ntype = \"redis\"\naddress = \"h:1\"\npassword = \"env:PW\"\n",
            );
    assert_eq!(rewrite.text(), expected);
    assert_eq!(rewrite.ids, ["the-app", "third"]);
}

#[test]
fn what_is_removed_leaves_no_trace() {
    let rewrite = edited(FILE, vec![remove_destination("crm")]).unwrap();
    let expected = FILE.replace("    \"crm\",\n", "").replace(
        "[[destinations]]\nid = \"crm\"\naddress = \"127.0.0.1:6380\"\n\n",
        "",
    );
    assert_eq!(rewrite.text(), expected);
    let remove = destination("profiles", json!({ "password": null }));
    let text = edited(FILE, vec![remove]).unwrap().text();
    assert!(!text.contains("password"), "{text}");
    let text = edited(FILE, vec![Edit::RemoveSource("web".to_owned())]).unwrap();
    assert!(!text.text().contains("web"));
}

#[test]
fn lists_in_one_line_can_be_edited_too() {
    let file = "sources = [{ id = \"a\", write_key = \"K\" }]\ndestinations = []\n";
    let add = NewDestination {
        id: None,
        settings: destination_change(json!({ "name": "D", "sources": ["a"] })),
    };
    let text = edited(file, vec![Edit::AddDestination(add)]).unwrap();
    assert_eq!(
        text.text(),
        "sources = [{ id = \"a\", write_key = \"K\" , destinations = [\"d\"] }]\n\
             destinations = [{ id = \"d\", name = \"D\", type = \"redis\" }]\n"
    );
}

#[test]
fn a_url_gives_way_to_its_keys_when_one_of_them_changes() {
    let file = |keys: &str| format!("[[destinations]]\nid = \"d\"\n{keys}");
    let become_database_2 = || destination("d", json!({ "database": 2 }));
    let text = file("url = \"rediss://me:p%40ss@h/5\"\nprefix = \"p\"\n");
    let rewrite = edited(&text, vec![become_database_2()]).unwrap();
    let expected = "prefix = \"p\"\naddress = \"h:6379\"\nusername = \"me\"\npassword = \"p@ss\"\n\
                        database = 2\nsecure = true\n";
    assert_eq!(rewrite.text(), file(expected));
    let azure = file("address = \"h,password=p=,ssl=True\"\nprefix = \"p\"\n");
    let rewrite = edited(&azure, vec![become_database_2()]).unwrap();
    let expected = "prefix = \"p\"\naddress = \"h:6380\"\npassword = \"p=\"\n\
                        secure = true\ndatabase = 2\n";
    assert_eq!(rewrite.text(), file(expected));
    let pause = destination("d", json!({ "paused": true }));
    let paused = edited(&text, vec![pause]).unwrap().text();
    assert_eq!(paused, format!("{text}paused = true\n"));
    let elsewhere = file("url = \"env:REDIS_URL\"\n");
    let rewrite = edited(&elsewhere, vec![become_database_2()]).unwrap();
    assert_eq!(rewrite.text(), format!("{elsewhere}database = 2\n"));
}

#[test]
fn an_empty_file_gets_its_first_ones() {
    let add = |name: &str| {
        Edit::AddSource(NewSource {
            name: name.to_owned(),
            ..NewSource::default()
        })
    };
    let rewrite = edited("", vec![add("Web"), add("Web")]).unwrap();
    assert_eq!(rewrite.ids, ["web", "web-2"]);
    let document: toml_edit::DocumentMut = rewrite.text().parse().unwrap();
    assert_eq!(document["sources"][1]["id"].as_str(), Some("web-2"));
    assert_eq!(
        document["sources"][1]["write_key"].as_str().unwrap().len(),
        27
    );
}

#[test]
fn a_file_of_comments_keeps_them_above_what_is_added() {
    let text = "# ours\n";
    assert_eq!(edited(text, vec![]).unwrap().text(), text);
    let web = Edit::AddSource(NewSource {
        name: "Web".to_owned(),
        ..NewSource::default()
    });
    let rewrite = edited(text, vec![web]).unwrap();
    assert!(
        rewrite.text().starts_with("# ours\n\n[[sources]]\n"),
        "{}",
        rewrite.text()
    );
}

#[test]
fn ids_that_are_missing_or_taken_are_told() {
    let missing = edited(FILE, vec![Edit::RemoveSource("app".to_owned())]);
    assert_eq!(
        missing.err().unwrap().to_string(),
        "there is no source \"app\""
    );
    let taken = Edit::AddSource(NewSource {
        id: Some("web".to_owned()),
        ..NewSource::default()
    });
    let taken = edited(FILE, vec![taken]).err().unwrap();
    assert!(matches!(taken, EditError::Exists { .. }), "{taken}");
}
