//! Events that a seed decides.

use serde_json::{Map, Value, json};

use super::model::{Event, START};

/// Numbers that are the same for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // A linear congruential generator; its upper bits are good enough.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let at = usize::try_from(self.below(end as u64 + 1)).unwrap();
            list.swap(at, end);
        }
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(8) {
            0 => Value::Null,
            1 | 2 if depth < 2 => Value::Object(self.traits(depth + 1)),
            _ => json!(self.below(100)),
        }
    }

    pub(crate) fn traits(&mut self, depth: u64) -> Map<String, Value> {
        let count = self.below(4);
        let names =
            (0..count).map(|_| ["a", "b", "c", "d"][usize::try_from(self.below(4)).unwrap()]);
        let names: Vec<_> = names.collect();
        names
            .into_iter()
            .map(|name| (name.to_owned(), self.value(depth)))
            .collect()
    }

    /// Of one of a few kinds that set the same fields each time, and remove nothing.
    fn usual_traits(&mut self) -> Map<String, Value> {
        let names = [&["a", "b"][..], &["c", "d"], &["e"], &["b", "c"]];
        let names = names[usize::try_from(self.below(4)).unwrap()].iter();
        names
            .map(|name| ((*name).to_owned(), json!(self.below(100))))
            .collect()
    }

    /// An event as most are.
    pub(crate) fn usual_event(&mut self, user: &str) -> Event {
        let traits = self.usual_traits();
        Event {
            traits,
            ..self.event(user)
        }
    }

    pub(crate) fn event(&mut self, user: &str) -> Event {
        let happened_ms = START + self.below(12);
        Event {
            user: user.to_owned(),
            happened_ms,
            received_ms: happened_ms + self.below(3),
            offset: self.below(8),
            traits: {
                let mut traits = self.traits(0);
                // An event always says something.
                traits.insert("e".to_owned(), json!(self.below(100)));
                traits
            },
        }
    }
}
