//! One traits object, flattened: names joined with dots, values as text.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use kenwell_json::{Kind, Reader, Text};

use super::Ignored;
use super::event::skip;
use super::field::{Field, FieldState};
use super::js::{self, NumberContext};
use super::json_text::JsonText;
use super::limits::{MAX_DEPTH, MAX_FLATTENED_BYTES};
use super::object_keys::ObjectKeys;
use crate::resp::{enclose, push_argument, push_length};

/// Up to this many fields, names are compared one by one.
const MAX_COMPARED: usize = 32;

/// Flattens objects into one buffer, which is reused from event to event.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Names and values, one after the other, encoded as arguments.
    pub(super) text: Vec<u8>,
    /// How much of the text is no name or value, but what an encoded argument has around it.
    framing: usize,
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
        self.framing = 0;
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
                let earlier = self.keys.insert(reader.input(), &key, list.len());
                open.members += usize::from(earlier.is_none());
                for field in earlier
                    .and_then(|fields| list.get_mut(fields))
                    .unwrap_or_default()
                {
                    field.state = FieldState::Replaced;
                }
                self.member(&key, reader, depth, removed, list)?;
            } else {
                self.close(list)?;
            }
        }
        Ok(())
    }

    /// Reads the value of the latest key.
    #[inline]
    fn member(
        &mut self,
        key: &Text<'_>,
        reader: &mut Reader<'_>,
        depth: usize,
        removed: Option<usize>,
        list: &mut Vec<Field>,
    ) -> Result<(), Ignored> {
        let kind = reader.kind()?;
        let key_bytes = self.keys.last(reader.input()).len();
        self.may_collide |= key_bytes == 0 || key.may_have_dot();
        if let Some(roots) = &mut self.roots {
            let is_taken = kind == Kind::String && removed == Some(reader.position());
            if self.open.len() == 1 && kind != Kind::Null && !is_taken {
                roots.push(self.keys.last(reader.input()).to_vec());
            }
        }
        if kind == Kind::Object {
            return self.open_object(reader, depth);
        }
        let (start, framing) = (self.text.len(), self.framing);
        let name = self.push_name(key, key_bytes);
        if kind == Kind::String && removed == Some(reader.position()) {
            reader.string()?;
            self.text.truncate(start);
            self.framing = framing;
            if let Some(open) = self.open.last_mut() {
                open.members = open.members.saturating_sub(1);
            }
            return Ok(());
        }
        let value = self.push_value(kind, reader, depth, removed)?;
        let state = if kind == Kind::Null {
            FieldState::Null
        } else {
            FieldState::Value
        };
        self.push(start, name, value, state, list)
    }

    /// An object begins.
    fn open_object(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<(), Ignored> {
        if depth + self.open.len() >= MAX_DEPTH {
            return Err(Ignored::TooDeep);
        }
        reader.enter_object()?;
        let outer_path = self.path.len();
        if outer_path > 0 {
            self.path.push(b'.');
        }
        self.path.extend_from_slice(self.keys.last(reader.input()));
        self.open.push(OpenObject {
            outer_path,
            members: 0,
        });
        self.keys.enter();
        Ok(())
    }

    /// Appends the name that this key, of so many bytes, has here; gives where it lies.
    #[inline]
    fn push_name(&mut self, key: &Text<'_>, key_bytes: usize) -> Range<usize> {
        let text = &mut self.text;
        let path_bytes = match self.path.len() {
            0 => 0,
            path => path + 1,
        };
        let framed = text.len();
        push_length(path_bytes + key_bytes, text);
        let start = text.len();
        self.framing += start - framed;
        if path_bytes > 0 {
            text.extend_from_slice(&self.path);
            text.push(b'.');
        }
        key.decode_into(text);
        start..text.len()
    }

    /// Appends the value that comes next, which is no object; gives where it begins.
    #[inline]
    fn push_value(
        &mut self,
        kind: Kind,
        reader: &mut Reader<'_>,
        depth: usize,
        removed: Option<usize>,
    ) -> Result<usize, Ignored> {
        let text = &mut self.text;
        let start = text.len();
        match kind {
            Kind::String => {
                let string = reader.string()?;
                if let Some(raw) = string.verbatim() {
                    push_length(raw.len(), text);
                    let start = text.len();
                    string.copy_raw_into(text);
                    return Ok(start);
                }
                string.decode_into(text);
            }
            Kind::Number => js::push_number(reader.number()?, NumberContext::Field, text)?,
            Kind::Array => {
                let around = depth + self.open.len();
                let most = MAX_FLATTENED_BYTES + self.framing;
                self.json.write(reader, around, removed, most, text)?;
            }
            Kind::True | Kind::False => {
                let word: &[u8] = match kind {
                    Kind::True => b"true",
                    _ => b"false",
                };
                reader.literal()?;
                push_argument(word, text);
                return Ok(text.len() - word.len());
            }
            Kind::Null | Kind::Object => reader.literal()?,
        }
        Ok(enclose(start, text))
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
            let end = self.text.len();
            self.push(start, start..end, end, FieldState::Hidden, list)
        } else {
            Ok(())
        };
        self.path.truncate(closed.outer_path);
        outcome
    }

    /// Adds the field that begins at `start` and ends with the buffer.
    #[inline]
    fn push(
        &mut self,
        start: usize,
        name: Range<usize>,
        value: usize,
        state: FieldState,
        list: &mut Vec<Field>,
    ) -> Result<(), Ignored> {
        let end = self.text.len();
        self.framing += value - name.end;
        if end - self.framing > MAX_FLATTENED_BYTES || u32::try_from(end).is_err() {
            return Err(Ignored::TooLarge);
        }
        #[expect(clippy::cast_possible_truncation, reason = "none is more than the end")]
        let place = |at: usize| at as u32;
        list.push(Field {
            start: place(start),
            name: place(name.start),
            name_end: place(name.end),
            value: place(value),
            end: place(end),
            state,
        });
        Ok(())
    }

    /// Bytes of names and values, if these fields are to be written and are all that lies in the buffer, one behind the
    /// other.
    pub(super) fn bytes_of_all(&self, list: &[Field]) -> Option<usize> {
        let mut end = 0;
        let in_line = list.iter().all(|field| {
            let follows = field.start == end && field.state == FieldState::Value;
            end = field.end;
            follows
        });
        let are_all = in_line && usize::try_from(end).is_ok_and(|end| end == self.text.len());
        are_all.then(|| self.text.len() - self.framing)
    }

    /// Appends the JSON text of the value that comes next to the buffer.
    pub(super) fn json(
        &mut self,
        reader: &mut Reader<'_>,
        depth: usize,
        removed: Option<usize>,
    ) -> Result<(), Ignored> {
        self.json
            .write(reader, depth, removed, MAX_FLATTENED_BYTES, &mut self.text)
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
            let range = (field.name, field.name_end);
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
