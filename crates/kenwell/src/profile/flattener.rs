//! From an event's bytes to what it writes: one pass over the event, no recursion, no tree.

use kenwell_json::{Kind, Reader, Skipped};

use super::event::{self, Event, Integrations, Member, Sources, UserId, pass, skip};
use super::field::Field;
use super::fields::Fields;
use super::js;
use super::merge::MergeGroup;
use super::merge_fold;
use super::prefix::ResolvedPrefix;
use super::rules::{Nested, Rules};
use super::stamp::Receipt;
use super::{DataType, Ignored, Layout, ProfileUpdate, layout, ruled};

/// What the buffers keep between events, in bytes each. Larger events pay for their allocations.
const KEPT_BYTES: usize = 1 << 20;

/// Turns events into [`ProfileUpdate`]s, reusing its buffers: the fast way to handle many.
///
/// ```
/// use kenwell::profile::{Flattener, Layout, Prefix};
///
/// let layout = Layout {
///     prefix: Prefix::parse("shop"),
///     workspace_id: "default".to_owned(),
///     destination_id: "profiles".to_owned(),
///     ..Layout::default()
/// };
/// let event = br#"{"userId":"u1","traits":{"plan":{"name":"pro","seats":5.0},"tags":["a"]}}"#;
/// let update = Flattener::default().update(event, &layout)?;
///
/// assert_eq!(update.key(), b"shop:user:u1");
/// let fields: Vec<_> = update.fields().collect();
/// assert_eq!(fields, [
///     (&b"plan.name"[..], &b"pro"[..]),
///     (b"plan.seats", b"5"),
///     (b"tags", b"[\"a\"]"),
/// ]);
/// # Ok::<(), kenwell::profile::Ignored>(())
/// ```
#[derive(Debug, Default)]
pub struct Flattener {
    pub(super) fields: Fields,
    key: Vec<u8>,
    /// From `context.traits`.
    context: Vec<Field>,
    /// From `traits`.
    top: Vec<Field>,
}

/// What an event writes, or why it writes nothing. Pure: the same bytes give the same answer.
///
/// For many events keep a [`Flattener`], which reuses its buffers.
pub fn update(event: &[u8], layout: &Layout) -> Result<ProfileUpdate, Ignored> {
    Flattener::default().update(event, layout)
}

impl Flattener {
    /// What an event writes, or why it writes nothing.
    ///
    /// The event's `type` is not looked at: the gateway has decided that it is an identify call, sometimes
    /// by the route that it came in on.
    pub fn update(&mut self, event: &[u8], layout: &Layout) -> Result<ProfileUpdate, Ignored> {
        self.received(event, layout, &Receipt::default())
    }

    /// The same for an event that was received like this, which matters where the time of events decides. The same
    /// event, received like this, gives the same answer.
    pub fn received(
        &mut self,
        event: &[u8],
        layout: &Layout,
        receipt: &Receipt<'_>,
    ) -> Result<ProfileUpdate, Ignored> {
        self.fields.clear();
        if layout.rules.nested == Nested::Replace {
            self.fields.note_roots();
        }
        self.context.clear();
        self.top.clear();
        let prefix = layout.prefix.resolve(event);
        let taken_at = prefix.as_ref().map_or(None, |prefix| prefix.taken_at);
        let outcome = match layout.data_type {
            DataType::Hash => self
                .read(event, taken_at, &layout.rules)
                .and_then(|found| self.finish(&found, prefix, layout, receipt)),
            DataType::Json => self.document(event, prefix, layout),
        };
        if self.fields.text.capacity() > KEPT_BYTES || event.len() > KEPT_BYTES {
            self.shrink();
        }
        outcome
    }

    /// The one pass. The string at position `taken_at` went into the prefix and counts as absent.
    fn read<'a>(
        &mut self,
        event: &'a [u8],
        taken_at: Option<usize>,
        rules: &Rules,
    ) -> Result<Event<'a>, Ignored> {
        let mut found = Event::default();
        let mut reader = Reader::new(event);
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            match Member::of(&key) {
                Member::Traits => {
                    reader.kind()?; // skips what stands before the value
                    found.traits = Some(reader.clone());
                    self.top.clear();
                    self.fields
                        .flatten(&mut reader, 1, taken_at, &mut self.top)?;
                }
                Member::Context => {
                    self.context.clear();
                    found.sources = self.read_context(&mut reader, taken_at)?;
                }
                Member::UserId => found.user_id = UserId::read(&mut reader, taken_at)?,
                Member::Integrations => found.integrations = Integrations::read(&mut reader)?,
                Member::Other if rules.is_by_time() => found.read_time(&key, &mut reader)?,
                Member::Other => pass(&mut reader, 1)?,
            }
        }
        reader.end()?;
        Ok(found)
    }

    /// Reads `context`: flattens its traits and gives its `profiles_` sources.
    fn read_context<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        taken_at: Option<usize>,
    ) -> Result<Sources<'a>, Ignored> {
        let mut sources = [None; 3];
        if reader.kind()? != Kind::Object {
            skip(reader, 1)?;
            return Ok(sources);
        }
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            if key.eq_str("traits") {
                self.context.clear();
                self.fields
                    .flatten(reader, 2, taken_at, &mut self.context)?;
            } else if key.eq_str("sources") {
                sources = event::read_sources(reader, taken_at)?;
            } else {
                pass(reader, 2)?;
            }
        }
        Ok(sources)
    }

    fn finish(
        &mut self,
        found: &Event<'_>,
        prefix: Result<ResolvedPrefix<'_>, Ignored>,
        layout: &Layout,
        receipt: &Receipt<'_>,
    ) -> Result<ProfileUpdate, Ignored> {
        let (user_id, prefix) = event::addressee(found.integrations, &found.user_id, prefix)?;
        if let [Some(entity), Some(id_type), Some(model)] = found.sources
            && [entity, id_type, model].into_iter().all(js::is_truthy)
        {
            return self.profiles(
                found,
                &user_id,
                [entity, id_type, model],
                prefix.taken_at,
                layout,
                receipt,
            );
        }
        let key = &mut self.key;
        key.clear();
        layout::push_key(prefix.text.as_deref(), &user_id, key);
        if !self.context.is_empty() && !self.top.is_empty() {
            self.fields.may_collide = true;
        }
        let list = &mut self.context;
        let of_context = list.len();
        list.append(&mut self.top);
        if self.fields.may_collide {
            self.fields.keep_last(list);
        }
        let text = &self.fields.text;
        let update = if layout.rules != Rules::default() {
            let rules = (&layout.rules, found.times);
            ruled::update(key, &self.fields, (list, of_context), rules, receipt)
        } else if let Some(bytes) = self.fields.bytes_of_all(list) {
            ProfileUpdate::of_arguments(key, text, list.len(), bytes)
        } else {
            ProfileUpdate::new(key, || list.iter().filter_map(|field| field.written(text)))
        };
        if update.is_empty() {
            return Err(Ignored::NoTraits);
        }
        Ok(update)
    }

    /// A "Profiles" event: one field, named after the model, holding all traits as JSON text.
    fn profiles(
        &mut self,
        found: &Event<'_>,
        user_id: &[u8],
        [entity, id_type, model]: [Skipped<'_>; 3],
        taken_at: Option<usize>,
        layout: &Layout,
        receipt: &Receipt<'_>,
    ) -> Result<ProfileUpdate, Ignored> {
        let mut traits = found.traits.clone().ok_or(Ignored::NoTraits)?;
        let mut key = Vec::with_capacity(64 + user_id.len());
        layout::push_profiles_key(layout, [entity, id_type], &mut key)?;
        key.extend_from_slice(found.user_id.in_profiles_key(user_id));
        let mut field = Vec::new();
        js::push_string(model, &mut field)?;
        self.fields.text.clear();
        self.fields.json(&mut traits, 1, taken_at)?;
        let written = (field.as_slice(), self.fields.text.as_slice());
        let stamp = ruled::stamp(&layout.rules, found.times, receipt);
        if stamp.is_none() {
            return Ok(ProfileUpdate::new(&key, || std::iter::once(written)));
        }
        let group = MergeGroup {
            stamp,
            source: receipt.source.into(),
            ..MergeGroup::default()
        };
        Ok(merge_fold::of_event(&key, vec![written], group))
    }

    #[cold]
    fn shrink(&mut self) {
        self.fields.clear();
        self.fields.shrink(KEPT_BYTES);
        self.key.clear();
        self.key.shrink_to(KEPT_BYTES);
        for list in [&mut self.context, &mut self.top] {
            list.clear();
            list.shrink_to(KEPT_BYTES / size_of::<Field>());
        }
    }
}
