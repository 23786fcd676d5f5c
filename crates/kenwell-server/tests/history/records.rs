//! An application that keeps records of its users (`kenwell::state`) in the same stores, behind the same
//! networks, and what may be stored after all its calls (S1 to S5).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use ::kenwell::{
    connection::{Connection, Settings},
    state::{Entry, Error, Record, Session, SessionElement, StateStore, StoredElements},
};
use redis::Commands;

use crate::World;

/// Users that the application serves at a time.
const USERS: u128 = 8;
/// How long until the oldest of them is left for a new one.
const TURN: Duration = Duration::from_millis(400);
/// Longer than any run.
const TTL_SECONDS: u64 = 86_400;
/// A user whose record somebody has spoilt, and what is stored instead.
const SPOILT: (&str, &str) = ("spoilt", "{\"user\":");

/// What is stored of a user: the number of the save that stored it, or nothing.
type Stored = Option<u64>;

/// What a call does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Leaves this.
    Leaves(Stored),
    Loads,
}

/// How it ended, as the application saw it.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Confirmed,
    Found(Stored),
    /// Nothing was changed.
    Nothing,
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    deed: Deed,
    fate: Fate,
    /// How many calls of this user had begun when it ended.
    until: usize,
}

/// The calls of each user, in the order in which they were begun.
type Histories = Arc<Mutex<BTreeMap<String, Vec<Call>>>>;

#[derive(Clone)]
pub(crate) struct Application {
    world: Arc<World>,
    store: StateStore,
    histories: Histories,
    /// Which of the stores it uses.
    index: usize,
}

/// Serves users until the load is to end, and then judges what is stored.
pub(crate) fn start(
    world: &Arc<World>,
    index: usize,
    mut random: fastrand::Rng,
) -> JoinHandle<Application> {
    let application = Application::new(world, index);
    std::thread::spawn(move || {
        // On one thread tasks begin in the order in which they are spawned.
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(application.serve(&mut random));
        application
    })
}

impl Application {
    fn new(world: &Arc<World>, index: usize) -> Self {
        let stored = &world.stores[index];
        let key = format!("app:data:{}", SPOILT.0);
        let () = stored.connection().set(key, SPOILT.1).unwrap();
        let connection = Connection::new(Settings::new(stored.address())).unwrap();
        let data = Entry::new("data").user().created_at().updated_at();
        let session = Entry::new("session").session().ttl_seconds(TTL_SECONDS);
        let elements = StoredElements {
            session: Some(SessionElement::default()),
            ..StoredElements::default()
        };
        let store = StateStore::builder(connection)
            .key_prefix("app")
            .entries([data, session])
            .elements(elements);
        Self {
            world: Arc::clone(world),
            store: store.build().unwrap(),
            histories: Histories::default(),
            index,
        }
    }

    async fn serve(&self, random: &mut fastrand::Rng) {
        let mut calls = tokio::task::JoinSet::new();
        let mut number = 0;
        while !self.world.done.load(Ordering::SeqCst) {
            let oldest = self.world.report.age().as_millis() / TURN.as_millis();
            for _call in 0..random.u8(1..6) {
                number += 1;
                let user = format!("u{}", oldest + random.u128(..USERS));
                let (it, deed) = (self.clone(), random.u8(..12));
                calls.spawn(async move {
                    match deed {
                        0..=5 => it.save(&user, number).await,
                        6 => it.delete(&user).await,
                        7 | 8 => it.save_unchanged(&user, number).await,
                        9 => it.spoilt().await,
                        _ => drop(it.load(&user).await),
                    }
                });
            }
            while let Some(ended) = calls.try_join_next() {
                ended.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(random.u64(2..25))).await;
        }
        while let Some(ended) = calls.join_next().await {
            ended.unwrap();
        }
    }

    /// Takes note of a call that begins, before it does.
    fn begins(&self, user: &str, deed: Deed) -> usize {
        let mut histories = self.histories.lock().unwrap();
        let calls = histories.entry(user.to_owned()).or_default();
        let (fate, until) = (Fate::Unknown, usize::MAX);
        calls.push(Call { deed, fate, until });
        calls.len() - 1
    }

    fn ended(&self, user: &str, number: usize, fate: Fate) {
        let mut histories = self.histories.lock().unwrap();
        let calls = histories.get_mut(user).unwrap();
        let until = calls.len();
        calls[number] = Call {
            fate,
            until,
            ..calls[number]
        };
        if matches!(
            (fate, calls[number].deed),
            (Fate::Confirmed, Deed::Leaves(_))
        ) {
            self.world.report.confirmed.fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn save(&self, user: &str, number: u64) {
        let call = self.begins(user, Deed::Leaves(Some(number)));
        let saved = self.store.save(user, &mut record(number)).await;
        let fate = saved.map_or(Fate::Unknown, |()| Fate::Confirmed);
        self.ended(user, call, fate);
    }

    async fn delete(&self, user: &str) {
        let call = self.begins(user, Deed::Leaves(None));
        let deleted = self.store.delete(user).await;
        let fate = deleted.map_or(Fate::Unknown, |_was_there| Fate::Confirmed);
        self.ended(user, call, fate);
    }

    async fn load(&self, user: &str) -> Option<Record> {
        let call = self.begins(user, Deed::Loads);
        let loaded = self.store.load_or_new(user).await;
        let fate = match &loaded {
            Ok(record) => Fate::Found(self.number_in(user, record)),
            Err(_) => Fate::Nothing,
        };
        self.ended(user, call, fate);
        loaded.ok()
    }

    async fn save_unchanged(&self, user: &str, number: u64) {
        let Some(mut loaded) = self.load(user).await else {
            return;
        };
        fill(&mut loaded, number);
        let call = self.begins(user, Deed::Leaves(Some(number)));
        let fate = match self.store.save_if_unchanged(user, &mut loaded).await {
            Ok(()) => Fate::Confirmed,
            Err(Error::Conflict) => Fate::Nothing,
            Err(_) => Fate::Unknown,
        };
        self.ended(user, call, fate);
    }

    /// What cannot be decoded is no record, and is not overwritten (S4).
    async fn spoilt(&self) {
        if let Ok(Some(_)) = self.store.load(SPOILT.0).await {
            self.violated("a record was made of what is none", SPOILT.0);
        }
        let Ok(mut record) = self.store.load_readable(SPOILT.0).await else {
            return;
        };
        fill(&mut record, 0);
        if self.store.save(SPOILT.0, &mut record).await.is_ok() {
            self.violated("what cannot be decoded was overwritten", SPOILT.0);
        }
    }

    /// Which save this is the record of. All of it is from one, since entries are saved together.
    fn number_in(&self, user: &str, record: &Record) -> Stored {
        let number = record.user::<u64>().unwrap();
        let session = record.session().and_then(Session::id);
        let session = session.map(|id| id.parse().unwrap());
        if number != session {
            let said = format!("{user}: {number:?} and {session:?}");
            self.violated("a record is put together from several saves", said);
        }
        number
    }

    fn violated(&self, what: &'static str, example: impl Into<String>) {
        let example = format!("store {}: {}", self.index, example.into());
        self.world.report.violated(what, example);
    }

    /// Compares what is stored, and what was loaded, with what was confirmed.
    pub(crate) fn judge(&self) {
        let mut connection = self.world.stores[self.index].connection();
        let spoilt: String = connection.get(format!("app:data:{}", SPOILT.0)).unwrap();
        if spoilt != SPOILT.1 {
            self.violated("what cannot be decoded was overwritten", spoilt);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.unwrap();
        for (user, calls) in self.histories.lock().unwrap().iter() {
            let stored = runtime.block_on(self.store.load_or_new(user)).unwrap();
            let stored = self.number_in(user, &stored);
            if !may_be_stored(calls, stored) {
                let said = format!("{user} is {stored:?} after {calls:?}");
                self.violated("another record than the last confirmed one", said);
            }
            let left: i64 = connection.ttl(format!("app:session:{user}")).unwrap();
            if stored.is_some() && left <= 0 {
                self.violated("a value without its time to live", user.clone());
            }
            self.judge_loads(user, calls);
        }
    }

    fn judge_loads(&self, user: &str, calls: &[Call]) {
        for (number, call) in calls.iter().enumerate() {
            let Fate::Found(found) = call.fate else {
                continue;
            };
            let mut meanwhile = calls[number..call.until].iter();
            let is_it = |call: &Call| matches!(call.deed, Deed::Leaves(left) if left == found);
            if !may_be_stored(&calls[..number], found) && !meanwhile.any(is_it) {
                let said = format!("{user}: call {number} found {found:?} in {calls:?}");
                self.violated("a load found what could not be there", said);
            }
        }
    }
}

fn record(number: u64) -> Record {
    let mut record = Record::new();
    fill(&mut record, number);
    record
}

fn fill(record: &mut Record, number: u64) {
    record.set_user(&number).unwrap();
    record.set_session(Some(Session::new(&number.to_string())));
}

/// Whether this may be what is stored after these calls: what the last confirmed one left, or one after that
/// whose fate is unknown.
fn may_be_stored(calls: &[Call], stored: Stored) -> bool {
    for call in calls.iter().rev() {
        match (call.deed, call.fate) {
            (Deed::Leaves(left), Fate::Confirmed) => return left == stored,
            (Deed::Leaves(left), Fate::Unknown) if left == stored => return true,
            _ => {}
        }
    }
    stored.is_none()
}
