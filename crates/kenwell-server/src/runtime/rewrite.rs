//! Edits to the file's text: from the text as it is to the text as it is to be.

use std::collections::BTreeMap;

use toml_edit::{InlineTable, TableLike, Value};

use super::{
    document::{Document, List},
    edit::{Change, DestinationChange, Edit, NewDestination, NewSource, SourceChange},
    error::EditError,
    expand, generate,
    keys::{Keys, not_found},
    list::set_list,
};

/// A text under change.
pub(super) struct Rewrite {
    document: Document,
    /// The id that each edit was about.
    pub(super) ids: Vec<String>,
    /// What was set: list, id and key.
    pub(super) touched: Vec<(List, String, &'static str)>,
}

impl Rewrite {
    pub(super) fn new(document: Document) -> Self {
        Self {
            document,
            ids: Vec::new(),
            touched: Vec::new(),
        }
    }

    pub(super) fn text(&self) -> String {
        self.document.text()
    }

    /// Makes one edit.
    pub(super) fn make(&mut self, edit: Edit) -> Result<(), EditError> {
        let id = match edit {
            Edit::AddSource(source) => self.add_source(source)?,
            Edit::ChangeSource { id, change } => self.change_source(id, &change)?,
            Edit::RemoveSource(id) => self.remove(List::Sources, id)?,
            Edit::AddDestination(destination) => self.add_destination(*destination)?,
            Edit::ChangeDestination { id, change } => self.change_destination(id, &change)?,
            Edit::RemoveDestination { id, .. } => {
                let id = self.remove(List::Destinations, id)?;
                self.feed(&id, &[]);
                id
            }
        };
        self.ids.push(id);
        Ok(())
    }

    fn add_source(&mut self, new: NewSource) -> Result<String, EditError> {
        let id = self.new_id(List::Sources, new.id, &new.name)?;
        let key = match new.write_key {
            Some(key) => key.expose().to_owned(),
            None => fresh_key()?,
        };
        let entries = vec![
            ("id", Value::from(&id)),
            ("name", new.name.into()),
            ("write_key", key.into()),
            ("destinations", new.destinations.iter().collect()),
        ];
        self.document.add(List::Sources, entries);
        Ok(id)
    }

    fn change_source(&mut self, id: String, change: &SourceChange) -> Result<String, EditError> {
        let mut keys = Keys::of(&mut self.document, List::Sources, &id)?;
        keys.change("name", &change.name);
        keys.change("enabled", &change.enabled);
        match &change.destinations {
            Change::Keep => {}
            Change::Remove => keys.list("destinations", &[]),
            Change::To(ids) => keys.list("destinations", ids),
        }
        if change.new_write_key {
            keys.change("write_key", &Change::To(fresh_key()?));
        }
        let touched = keys.touched;
        self.touched(List::Sources, &id, touched);
        Ok(id)
    }

    fn add_destination(&mut self, new: NewDestination) -> Result<String, EditError> {
        let name = new.settings.name.to().cloned().unwrap_or_default();
        let id = self.new_id(List::Destinations, new.id, &name)?;
        let entries = vec![
            ("id", Value::from(&id)),
            ("name", name.into()),
            ("type", "redis".into()),
        ];
        self.document.add(List::Destinations, entries);
        let settings = DestinationChange {
            name: Change::Keep,
            ..new.settings
        };
        self.change_destination(id, &settings)
    }

    fn change_destination(
        &mut self,
        id: String,
        change: &DestinationChange,
    ) -> Result<String, EditError> {
        let mut keys = Keys::of(&mut self.document, List::Destinations, &id)?;
        expand::url(keys.table, change);
        keys.change("name", &change.name);
        keys.change("enabled", &change.enabled);
        keys.change("paused", &change.paused);
        keys.change("heal", &change.heal);
        keys.change("address", &change.address);
        keys.change("username", &change.username);
        keys.secret("password", &change.password);
        keys.change(
            "database",
            &change.database.as_ref().map(|number| i64::from(*number)),
        );
        keys.change("prefix", &change.prefix);
        keys.change("cluster_mode", &change.cluster_mode);
        keys.change("sentinel_master", &change.sentinel_master);
        keys.change("sentinel_username", &change.sentinel_username);
        keys.secret("sentinel_password", &change.sentinel_password);
        let address_map = change.address_map.as_ref();
        keys.change("address_map", &address_map.map(inline));
        keys.change("secure", &change.secure);
        keys.change("skip_verify", &change.skip_verify);
        keys.change("ca_certificate", &change.ca_certificate);
        keys.change("client_certificate", &change.client_certificate);
        keys.secret("client_key", &change.client_key);
        keys.change("server_name", &change.server_name);
        keys.change("connect_timeout", &change.connect_timeout);
        keys.change("response_timeout", &change.response_timeout);
        let touched = keys.touched;
        self.touched(List::Destinations, &id, touched);
        match &change.sources {
            Change::Keep => {}
            Change::Remove => self.feed(&id, &[]),
            Change::To(sources) => {
                let known = self.document.ids(List::Sources);
                if let Some(unknown) = sources.iter().find(|source| !known.contains(source)) {
                    return Err(not_found(List::Sources, unknown));
                }
                self.feed(&id, sources);
            }
        }
        Ok(id)
    }

    fn remove(&mut self, list: List, id: String) -> Result<String, EditError> {
        if self.document.find(list, &id).is_none() {
            return Err(not_found(list, &id));
        }
        self.document.remove(list, &id);
        Ok(id)
    }

    /// Lets exactly these sources feed a destination.
    fn feed(&mut self, destination: &str, sources: &[String]) {
        for source in self.document.ids(List::Sources) {
            let Some(table) = self.document.find(List::Sources, &source) else {
                continue;
            };
            let mut fed = list_of(table, "destinations");
            let (feeds, is_to) = (
                fed.iter().any(|id| id == destination),
                sources.contains(&source),
            );
            if feeds == is_to {
                continue;
            }
            if is_to {
                fed.push(destination.to_owned());
            } else {
                fed.retain(|id| id != destination);
            }
            set_list(table, "destinations", &fed);
            self.touched(List::Sources, &source, vec!["destinations"]);
        }
    }

    fn new_id(
        &mut self,
        list: List,
        wanted: Option<String>,
        name: &str,
    ) -> Result<String, EditError> {
        let taken = self.document.ids(list);
        match wanted {
            None => Ok(generate::id_from_name(name, list.kind(), &taken)),
            Some(id) if taken.contains(&id) => Err(EditError::Exists {
                kind: list.kind(),
                id,
            }),
            Some(id) => Ok(id),
        }
    }

    fn touched(&mut self, list: List, id: &str, keys: Vec<&'static str>) {
        let touched = keys.into_iter().map(|key| (list, id.to_owned(), key));
        self.touched.extend(touched);
    }
}

fn list_of(table: &dyn TableLike, key: &str) -> Vec<String> {
    let array = table.get(key).and_then(toml_edit::Item::as_array);
    let texts = array.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn inline(texts: &BTreeMap<String, String>) -> InlineTable {
    let pairs = texts.iter();
    pairs
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect()
}

fn fresh_key() -> Result<String, EditError> {
    generate::write_key().map_err(EditError::NoRandom)
}

#[cfg(test)]
mod tests {
    use kenwell::connection::Secret;

    use super::*;

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

    fn to<T>(value: T) -> Change<T> {
        Change::To(value)
    }

    fn remove_destination(id: &str) -> Edit {
        let id = id.to_owned();
        Edit::RemoveDestination { id, give_up: 0 }
    }

    fn source(id: &str, change: SourceChange) -> Edit {
        let id = id.to_owned();
        Edit::ChangeSource { id, change }
    }

    fn destination(id: &str, change: DestinationChange) -> Edit {
        Edit::ChangeDestination {
            id: id.to_owned(),
            change: Box::new(change),
        }
    }

    #[test]
    fn only_what_is_changed_changes() {
        let edits = vec![
            source(
                "web",
                SourceChange {
                    name: to("Shop".to_owned()),
                    enabled: to(false),
                    ..SourceChange::default()
                },
            ),
            destination(
                "profiles",
                DestinationChange {
                    address: to("10.0.0.1:6379".to_owned()),
                    database: to(3),
                    paused: to(true),
                    ..DestinationChange::default()
                },
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
            settings: DestinationChange {
                name: to("Third".to_owned()),
                address: to("h:1".to_owned()),
                password: to(Secret::new("env:PW")),
                sources: to(vec!["web".to_owned(), "the-app".to_owned()]),
                ..DestinationChange::default()
            },
        };
        let edits = vec![
            Edit::AddSource(new_source),
            Edit::AddDestination(Box::new(new_destination)),
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
        let remove = destination(
            "profiles",
            DestinationChange {
                password: Change::Remove,
                ..DestinationChange::default()
            },
        );
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
            settings: DestinationChange {
                name: to("D".to_owned()),
                sources: to(vec!["a".to_owned()]),
                ..DestinationChange::default()
            },
        };
        let text = edited(file, vec![Edit::AddDestination(Box::new(add))]).unwrap();
        assert_eq!(
            text.text(),
            "sources = [{ id = \"a\", write_key = \"K\" , destinations = [\"d\"] }]\n\
             destinations = [{ id = \"d\", name = \"D\", type = \"redis\" }]\n"
        );
    }

    #[test]
    fn a_url_gives_way_to_its_keys_when_one_of_them_changes() {
        let file = |keys: &str| format!("[[destinations]]\nid = \"d\"\n{keys}");
        let become_database_2 = || {
            destination(
                "d",
                DestinationChange {
                    database: to(2),
                    ..DestinationChange::default()
                },
            )
        };
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
        let pause = destination(
            "d",
            DestinationChange {
                paused: to(true),
                ..DestinationChange::default()
            },
        );
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
}
