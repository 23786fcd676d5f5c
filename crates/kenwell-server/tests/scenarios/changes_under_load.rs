//! A thousand changes while events pour in: no request is refused, and every event is exactly where its
//! source led at the moment it was accepted.
//!
//! Every destination has a database of its own. What must be in it is taken from the journal, and what the
//! journal says is held against the configurations that were in force while the request was under way.

mod editor;
mod load;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use kenwell_journal::{Limit, Offset};
use kenwell_server::envelope::Envelope;

use self::{
    editor::Editor,
    load::{Load, Sent},
};
use crate::support::{Inside, Redis};

/// Edits that are made at least.
const EDITS: usize = 1_000;
/// Sources that send all the time.
const SOURCES: usize = 4;
/// Destinations that come and go; number 0 is always there, fed by every source, and never touched.
const DESTINATIONS: usize = 7;
/// The destination that is removed with whatever waits for it.
const ABRUPT: usize = DESTINATIONS - 1;

/// The keys whose hash is not `n` = the user of the key, and nothing else.
const FOREIGN: &str = r#"
local foreign = {}
for _, key in ipairs(redis.call("KEYS", "*user:*")) do
    local hash = redis.call("HGETALL", key)
    if #hash ~= 2 or hash[1] ~= "n" or hash[2] ~= string.match(key, "user:(.*)") then
        table.insert(foreign, key)
    end
end
return foreign"#;

/// Where each source leads, by its number: ids of destinations.
type Routing = Vec<BTreeSet<String>>;

/// What was in force when. An even phase `2n` is the configuration `n`, an odd one the time between `n`
/// and `n + 1`, in which either may decide.
#[derive(Default)]
struct History {
    phase: AtomicU64,
    routings: Mutex<Vec<Routing>>,
}

impl History {
    fn phase(&self) -> u64 {
        self.phase.load(Ordering::SeqCst)
    }

    fn between(&self, next: Routing) {
        self.routings.lock().unwrap().push(next);
        self.phase.fetch_add(1, Ordering::SeqCst);
    }

    fn settled(&self) {
        self.phase.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether a request of this source, under way between these phases, may have led there.
    fn allows(&self, sent: &Sent, routes: &BTreeSet<String>) -> bool {
        let (first, last) = (sent.before / 2, sent.after.div_ceil(2));
        let (first, last) = (
            usize::try_from(first).unwrap(),
            usize::try_from(last).unwrap(),
        );
        let routings = self.routings.lock().unwrap();
        routings[first..=last]
            .iter()
            .any(|routing| routing[sent.source] == *routes)
    }
}

fn name(destination: usize) -> String {
    format!("d{destination}")
}

#[test]
fn a_thousand_changes_while_events_arrive_lose_and_misdirect_none() {
    let redis = Redis::start();
    let inside = Inside::start(&editor::first_file(&redis));
    let history = Arc::new(History::default());
    let stop = Arc::new(AtomicBool::new(false));
    let mut editor = Editor::new(&inside, &redis, &history);
    let loads: Vec<_> = (0..SOURCES)
        .map(|source| Load::start(&inside.gateway, source, &history, &stop))
        .collect();
    let begun = std::time::Instant::now();
    while editor.edits < EDITS {
        editor.step();
    }
    editor.by_hand();
    editor.open_all();
    stop.store(true, Ordering::SeqCst);
    let sent: BTreeMap<String, Sent> = loads.into_iter().flat_map(Load::finish).collect();
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!(
        "{} edits and {} events in {seconds:.1} s",
        editor.edits,
        sent.len()
    );

    let led = routes(&inside);
    assert_eq!(led.len(), sent.len(), "accepted and in the journal");
    for (user, sent) in &sent {
        let routes = &led[user];
        assert!(
            history.allows(sent, routes),
            "{user}: {sent:?} led to {routes:?}"
        );
    }
    for number in 0..DESTINATIONS {
        let id = name(number);
        if editor.has(number) {
            inside.settle(&id);
            let queue = ["accepted_total", "written_total"].map(|name| inside.count(name, &id));
            assert_eq!(queue[0], queue[1], "{id}");
        }
        let accepted: BTreeSet<&String> = led
            .iter()
            .filter(|(_, routes)| routes.contains(&id))
            .map(|(user, _)| user)
            .collect();
        let found = users(&redis, number);
        let found: BTreeSet<&String> = found.iter().collect();
        let wrong: Vec<_> = found.difference(&accepted).take(5).collect();
        assert!(wrong.is_empty(), "{id} got {wrong:?}");
        let lost: Vec<_> = accepted.difference(&found).take(5).collect();
        assert!(number == ABRUPT || lost.is_empty(), "{id} lost {lost:?}");
        assert!(!found.is_empty(), "{id} was never used");
    }
    let total = u64::try_from(sent.len()).unwrap();
    let [accepted, written] =
        ["accepted_total", "written_total"].map(|name| inside.count(name, "d0"));
    assert_eq!((accepted, written), (total, total));
    let log = inside.runtime.state();
    assert!(log.problems.is_empty() && log.needs_restart.is_empty());
}

/// Where each event went, by its user, as the journal has it.
fn routes(inside: &Inside) -> BTreeMap<String, BTreeSet<String>> {
    let end = inside.journal.stats().next_offset;
    let mut reader = inside.journal.reader("check").unwrap();
    reader.rewind(Offset(0)).unwrap();
    let mut routes = BTreeMap::new();
    while reader.reached() < end {
        let records = inside
            .executor
            .block_on(reader.next(Limit::default()))
            .unwrap();
        for (_, record) in records.iter() {
            let envelope = Envelope::decode(record).unwrap();
            let event: serde_json::Value = serde_json::from_slice(envelope.event).unwrap();
            let user = event["userId"].as_str().unwrap().to_owned();
            let ids = envelope.destinations.unwrap().iter().map(str::to_owned);
            assert!(
                routes.insert(user, ids.collect()).is_none(),
                "twice in the journal"
            );
        }
    }
    routes
}

/// The users in a destination's database. Each hash must be its own user's.
fn users(redis: &Redis, database: usize) -> BTreeSet<String> {
    let mut connection = redis.connection();
    let _: () = redis::cmd("SELECT")
        .arg(database)
        .query(&mut connection)
        .unwrap();
    let foreign: Vec<String> = redis::cmd("EVAL")
        .arg(FOREIGN)
        .arg(0)
        .query(&mut connection)
        .unwrap();
    assert!(foreign.is_empty(), "{foreign:?}");
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*user:*")
        .query(&mut connection)
        .unwrap();
    let users = keys.iter().map(|key| key.rsplit_once("user:").unwrap().1);
    users.map(str::to_owned).collect()
}
