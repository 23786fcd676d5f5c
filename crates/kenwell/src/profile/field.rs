//! One field that an event may write: where its name and value lie, and what becomes of it.

/// Where a field's name and value lie in the buffer, each an encoded argument and the one behind the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Where its encoded name begins, and the name in it.
    pub(super) start: u32,
    pub(super) name: u32,
    pub(super) name_end: u32,
    /// Where its value begins, and both end.
    pub(super) value: u32,
    pub(super) end: u32,
    pub(super) state: FieldState,
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldState {
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
            text.get(self.value as usize..self.end as usize)?,
        ))
    }

    /// The name, if the field is null and not replaced by a later one.
    pub(super) fn null<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        (self.state == FieldState::Null).then(|| self.name(text))
    }

    /// The name, whatever becomes of it.
    pub(super) fn name<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.name as usize..self.name_end as usize)
            .unwrap_or_default()
    }
}
