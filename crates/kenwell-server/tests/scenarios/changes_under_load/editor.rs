//! Whoever changes things all the time: adds, feeds, pauses, moves, disables, removes, by the door and by
//! hand, and knows what should come of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use kenwell_server::runtime::{DestinationChange, Edit, NewDestination, NewSource};
use serde_json::json;

use super::{ABRUPT, DESTINATIONS, History, Routing, SOURCES, load::key, name};
use crate::support::{Inside, Redis, destination_change, eventually, source_change};

/// The file to begin with: every source feeds destination 0 only.
pub(super) fn first_file(redis: &Redis) -> String {
    let source = |source| {
        let key = key(source);
        format!(
            "[[sources]]\nid = \"s{source}\"\nwrite_key = \"{key}\" # for source {source}\n\
             destinations = [\"d0\"]\n"
        )
    };
    let sources: String = (0..SOURCES).map(source).collect();
    let address = redis.address();
    format!(
        "# changed all the time\n{sources}[[destinations]]\nid = \"d0\"\naddress = \"{address}\"\n"
    )
}

#[derive(Clone, Copy)]
struct Destination {
    enabled: bool,
    paused: bool,
}

pub(super) struct Editor<'a> {
    pub(super) edits: usize,
    inside: &'a Inside,
    address: String,
    history: Arc<History>,
    random: fastrand::Rng,
    destinations: [Option<Destination>; DESTINATIONS],
    /// Numbers of destinations by number of source.
    feeds: [BTreeSet<usize>; SOURCES],
    guest: bool,
}

impl<'a> Editor<'a> {
    pub(super) fn new(inside: &'a Inside, redis: &Redis, history: &Arc<History>) -> Self {
        let mut destinations = [None; DESTINATIONS];
        destinations[0] = Some(Destination {
            enabled: true,
            paused: false,
        });
        let editor = Self {
            edits: 0,
            inside,
            address: redis.address(),
            history: Arc::clone(history),
            random: fastrand::Rng::with_seed(5),
            destinations,
            feeds: std::array::from_fn(|_| BTreeSet::from([0])),
            guest: false,
        };
        history.routings.lock().unwrap().push(editor.routing());
        editor
    }

    pub(super) fn has(&self, number: usize) -> bool {
        self.destinations[number].is_some()
    }

    /// Some change.
    pub(super) fn step(&mut self) {
        let number = self.random.usize(1..DESTINATIONS);
        match (self.random.u8(0..12), self.destinations[number]) {
            (0..3, _) => self.rewire(),
            (3, _) => self.guest(),
            (_, None) => self.add(number),
            (4..6, Some(_)) => self.remove(number),
            (6..8, Some(_)) => self.move_keys(number),
            (8..10, Some(before)) => {
                let paused = !before.paused;
                self.switch(number, Destination { paused, ..before });
            }
            (_, Some(before)) => {
                let enabled = !before.enabled;
                self.switch(number, Destination { enabled, ..before });
            }
        }
    }

    /// A source leads elsewhere, because somebody wrote so in the file.
    pub(super) fn by_hand(&mut self) {
        for round in 0..3 {
            self.feeds[round] = BTreeSet::from([0]);
            let text = self.inside.text();
            let mut file: toml_edit::DocumentMut = text.parse().unwrap();
            let id = format!("s{round}");
            let sources = file["sources"].as_array_of_tables_mut().unwrap();
            for source in sources.iter_mut() {
                if source["id"].as_str() == Some(&id) {
                    source["destinations"] = toml_edit::value(toml_edit::Array::from_iter(["d0"]));
                }
            }
            self.history.between(self.routing());
            std::fs::write(self.inside.path(), file.to_string()).unwrap();
            eventually("the edit by hand", || {
                let config = self.inside.runtime.config();
                let source = config.sources.iter().find(|it| it.id == id)?;
                (source.destinations == ["d0"]).then_some(())
            });
            self.history.settled();
        }
    }

    /// At the end everything that waits is to arrive.
    pub(super) fn open_all(&mut self) {
        for number in 1..DESTINATIONS {
            if self.has(number) {
                let open = Destination {
                    enabled: true,
                    paused: false,
                };
                self.switch(number, open);
            }
        }
    }

    /// Two sources lead elsewhere, both at the same moment.
    fn rewire(&mut self) {
        let first = self.random.usize(..SOURCES);
        let edits = [first, (first + 1) % SOURCES].map(|source| {
            let mut feeds = BTreeSet::from([0]);
            for number in 1..DESTINATIONS {
                if self.has(number) && self.random.bool() {
                    feeds.insert(number);
                }
            }
            let ids: Vec<_> = feeds.iter().map(|number| name(*number)).collect();
            self.feeds[source] = feeds;
            let change = source_change(json!({ "destinations": ids }));
            let id = format!("s{source}");
            Edit::ChangeSource { id, change }
        });
        self.edit(edits.into());
    }

    /// A source that nobody sends with comes or goes.
    fn guest(&mut self) {
        let edit = if self.guest {
            Edit::RemoveSource("guest".to_owned())
        } else {
            Edit::AddSource(NewSource {
                name: "Guest".to_owned(),
                ..NewSource::default()
            })
        };
        self.guest = !self.guest;
        self.edit(vec![edit]);
    }

    fn add(&mut self, number: usize) {
        self.destinations[number] = Some(Destination {
            enabled: true,
            paused: false,
        });
        let fed: Vec<_> = (0..SOURCES).filter(|_| self.random.bool()).collect();
        for source in &fed {
            self.feeds[*source].insert(number);
        }
        let settings = destination_change(
            json!({ "name": name(number), "address": self.address, "database": number, "sources": fed.iter().map(|source| format!("s{source}")).collect::<Vec<_>>() }),
        );
        let new = NewDestination { id: None, settings };
        self.edit(vec![Edit::AddDestination(new)]);
    }

    /// What waits for it arrives first, unless it is the one that goes with everything.
    fn remove(&mut self, number: usize) {
        for feeds in &mut self.feeds {
            feeds.remove(&number);
        }
        let id = name(number);
        if number != ABRUPT {
            let open =
                destination_change(json!({ "enabled": null, "paused": null, "sources": [] }));
            self.change(number, open);
            self.inside.settle(&id);
        }
        self.destinations[number] = None;
        let give_up = if number == ABRUPT { u64::MAX } else { 0 };
        self.edit(vec![Edit::RemoveDestination { id, give_up }]);
    }

    /// Its keys get another prefix: the delivery begins anew where it was.
    fn move_keys(&mut self, number: usize) {
        let prefix = format!("p{}", self.random.u8(..));
        let change = destination_change(json!({ "prefix": prefix }));
        self.change(number, change);
    }

    fn switch(&mut self, number: usize, to: Destination) {
        self.destinations[number] = Some(to);
        let change = destination_change(json!({ "enabled": to.enabled, "paused": to.paused }));
        self.change(number, change);
    }

    fn change(&mut self, number: usize, change: DestinationChange) {
        let id = name(number);
        self.edit(vec![Edit::ChangeDestination { id, change }]);
    }

    fn edit(&mut self, edits: Vec<Edit>) {
        self.edits += edits.len();
        self.history.between(self.routing());
        self.inside.try_edit(edits).unwrap();
        self.history.settled();
    }

    fn routing(&self) -> Routing {
        let enabled = |number: &&usize| self.destinations[**number].is_some_and(|it| it.enabled);
        let routing = self.feeds.iter().map(|feeds| {
            let feeds = feeds.iter().filter(enabled);
            feeds.map(|number| name(*number)).collect()
        });
        routing.collect()
    }
}
