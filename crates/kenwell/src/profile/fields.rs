//! One traits object, flattened: names joined with dots, values as text.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use kenwell_json::{Kind, Reader};

use super::Ignored;
use super::event::skip;
use super::js::{self, NumberContext};
use super::json_text::JsonText;
use super::limits::{MAX_DEPTH, MAX_FLATTENED_BYTES};
use super::object_keys::ObjectKeys;

/// Up to this many fields, names are compared one by one.
const MAX_COMPARED: usize = 32;

/// A field's name and value, which lie next to each other in the buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    start: u32,
    middle: u32,
    end: u32,
    state: FieldState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldState {
    /// To be written.
    Value,
    /// An empty object: writes nothing, but hides earlier fields of the same name.
    Hidden,
    /// Null, which also hides them.
    Null,
    /// Replaced by a later one.
    Replaced,
}

impl Field {
    /// Name and value, if the field is to be written.
    pub(super) fn written<'a>(&self, text: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        if self.state != FieldState::Value {
            return None;
        }
        Some((
            self.name(text),
            text.get(self.middle as usize..self.end as usize)?,
        ))
    }

    /// Where name and value end.
    pub(super) fn ends(&self) -> (u32, u32) {
        (self.middle, self.end)
    }

    /// The name, if the field is null and not replaced by a later one.
    pub(super) fn null<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        (self.state == FieldState::Null).then(|| self.name(text))
    }

    fn name<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start as usize..self.middle as usize)
            .unwrap_or_default()
    }
}

/// Flattens objects into one buffer, which is reused from event to event.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Names and values, one after the other.
    pub(super) text: Vec<u8>,
    /// Two different paths may have given the same name.
    pub(super) may_collide: bool,
    /// The names of the traits themselves, where somebody wants to know them.
    roots: Option<Vec<Vec<u8>>>,
    /// The name of the innermost open object.
    path: Vec<u8>,
    open: Vec<OpenObject>,
    keys: ObjectKeys,
    json: JsonText,
    hasher: RandomState,
}

#[derive(Debug)]
struct OpenObject {
    /// The length of the name of the object around it.
    outer_path: usize,
    members: usize,
}

impl Fields {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.may_collide = false;
        self.roots = None;
    }

    /// From here on notes the names of the traits that are not null.
    pub(super) fn note_roots(&mut self) {
        self.roots = Some(Vec::new());
    }

    /// The names of the traits that were noted.
    pub(super) fn roots(&self) -> impl Iterator<Item = &[u8]> {
        self.roots.iter().flatten().map(Vec::as_slice)
    }

    /// Appends the fields of the value that comes next to `list`; only an object has any. `depth` containers are open
    /// around it; the string at position `removed` counts as absent.
    pub(super) fn flatten(
        &mut self,
        reader: &mut Reader<'_>,
        depth: usize,
        removed: Option<usize>,
        list: &mut Vec<Field>,
    ) -> Result<(), Ignored> {
        self.path.clear();
        self.open.clear();
        self.keys.clear();
        if reader.kind()? != Kind::Object {
            skip(reader, depth)?;
            return Ok(());
        }
        reader.enter_object()?;
        self.keys.enter();
        self.open.push(OpenObject {
            outer_path: 0,
            members: 0,
        });
        while let Some(open) = self.open.last_mut() {
            if let Some(key) = reader.next_key()? {
                let earlier = self.keys.insert(key, list.len());
                open.members += usize::from(earlier.is_none());
                for field in earlier
                    .and_then(|fields| list.get_mut(fields))
                    .unwrap_or_default()
                {
                    field.state = FieldState::Replaced;
                }
                self.member(reader, depth, removed, list)?;
            } else {
                self.close(list)?;
            }
        }
        Ok(())
    }

    /// Reads the value of the latest key.
    fn member(
        &mut self,
        reader: &mut Reader<'_>,
        depth: usize,
        removed: Option<usize>,
        list: &mut Vec<Field>,
    ) -> Result<(), Ignored> {
        let kind = reader.kind()?;
        let key = self.keys.last();
        self.may_collide |= key.is_empty() || key.contains(&b'.');
        if let Some(roots) = &mut self.roots {
            let is_taken = kind == Kind::String && removed == Some(reader.position());
            if self.open.len() == 1 && kind != Kind::Null && !is_taken {
                roots.push(key.to_vec());
            }
        }
        if kind == Kind::Object {
            if depth + self.open.len() >= MAX_DEPTH {
                return Err(Ignored::TooDeep);
            }
            reader.enter_object()?;
            let outer_path = self.path.len();
            if outer_path > 0 {
                self.path.push(b'.');
            }
            self.path.extend_from_slice(key);
            self.open.push(OpenObject {
                outer_path,
                members: 0,
            });
            self.keys.enter();
            return Ok(());
        }
        let start = self.text.len();
        if !self.path.is_empty() {
            self.text.extend_from_slice(&self.path);
            self.text.push(b'.');
        }
        self.text.extend_from_slice(key);
        let middle = self.text.len();
        match kind {
            Kind::String if removed == Some(reader.position()) => {
                reader.string()?;
                self.text.truncate(start);
                if let Some(open) = self.open.last_mut() {
                    open.members = open.members.saturating_sub(1);
                }
                return Ok(());
            }
            Kind::String => reader.string()?.decode_into(&mut self.text),
            Kind::Number => {
                js::push_number(reader.number()?, NumberContext::Field, &mut self.text)?;
            }
            Kind::Array => {
                let around = depth + self.open.len();
                self.json.write(reader, around, removed, &mut self.text)?;
            }
            Kind::True | Kind::False | Kind::Null | Kind::Object => {
                reader.literal()?;
                self.text.extend_from_slice(match kind {
                    Kind::True => b"true",
                    Kind::False => b"false",
                    _ => b"",
                });
            }
        }
        let state = if kind == Kind::Null {
            FieldState::Null
        } else {
            FieldState::Value
        };
        self.push(start, middle, state, list)
    }

    /// The innermost object ends. An empty one inside another hides the field of its name.
    fn close(&mut self, list: &mut Vec<Field>) -> Result<(), Ignored> {
        self.keys.leave();
        let Some(closed) = self.open.pop() else {
            return Ok(());
        };
        let outcome = if closed.members == 0 && !self.open.is_empty() {
            let start = self.text.len();
            self.text.extend_from_slice(&self.path);
            self.push(start, self.text.len(), FieldState::Hidden, list)
        } else {
            Ok(())
        };
        self.path.truncate(closed.outer_path);
        outcome
    }

    fn push(
        &mut self,
        start: usize,
        middle: usize,
        state: FieldState,
        list: &mut Vec<Field>,
    ) -> Result<(), Ignored> {
        if self.text.len() > MAX_FLATTENED_BYTES {
            return Err(Ignored::TooLarge);
        }
        let bounds = [start, middle, self.text.len()].map(u32::try_from);
        let [Ok(start), Ok(middle), Ok(end)] = bounds else {
            return Err(Ignored::TooLarge);
        };
        list.push(Field {
            start,
            middle,
            end,
            state,
        });
        Ok(())
    }

    /// Whether these fields are to be written and are all that lies in the buffer, one behind the other.
    pub(super) fn are_all(&self, list: &[Field]) -> bool {
        let mut end = 0;
        let in_line = list.iter().all(|field| {
            let follows = field.start == end && field.state == FieldState::Value;
            end = field.end;
            follows
        });
        in_line && usize::try_from(end).is_ok_and(|end| end == self.text.len())
    }

    /// Appends the JSON text of the value that comes next to the buffer.
    pub(super) fn json(
        &mut self,
        reader: &mut Reader<'_>,
        depth: usize,
        removed: Option<usize>,
    ) -> Result<(), Ignored> {
        self.json.write(reader, depth, removed, &mut self.text)
    }

    /// Of fields with the same name keeps the last one.
    pub(super) fn keep_last(&self, list: &mut [Field]) {
        if list.len() <= MAX_COMPARED {
            self.keep_last_compared(list);
        } else {
            self.keep_last_hashed(list);
        }
    }

    fn keep_last_compared(&self, list: &mut [Field]) {
        let mut rest = list;
        while let Some((last, earlier)) = rest.split_last_mut() {
            rest = earlier;
            if last.state == FieldState::Replaced {
                continue;
            }
            let name = last.name(&self.text);
            // Going backwards, each field replaces all earlier ones of its name at once.
            for field in rest.iter_mut() {
                if field.name(&self.text) == name {
                    field.state = FieldState::Replaced;
                }
            }
        }
    }

    fn keep_last_hashed(&self, list: &mut [Field]) {
        let mut names: HashTable<(u32, u32)> = HashTable::with_capacity(list.len());
        let name = |&(start, end): &(u32, u32)| {
            self.text
                .get(start as usize..end as usize)
                .unwrap_or_default()
        };
        let hash = |range: &(u32, u32)| self.hasher.hash_one(name(range));
        for field in list
            .iter_mut()
            .rev()
            .filter(|field| field.state != FieldState::Replaced)
        {
            let range = (field.start, field.middle);
            if names
                .find(hash(&range), |other| name(other) == name(&range))
                .is_some()
            {
                field.state = FieldState::Replaced;
            } else {
                names.insert_unique(hash(&range), range, hash);
            }
        }
    }

    /// Gives back what an unusually large event made it allocate.
    pub(super) fn shrink(&mut self, bytes: usize) {
        self.text.shrink_to(bytes);
        self.path.shrink_to(bytes);
        self.open.shrink_to(bytes / size_of::<OpenObject>());
        self.keys.shrink(bytes);
        self.json.shrink(bytes);
    }
}
