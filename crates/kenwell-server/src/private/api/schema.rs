//! Schemas that are made from the tables of keys, so that a new key is described by itself.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{
    ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::config::{DESTINATION, Destination, Key, Kind, SOURCE};
use crate::runtime::{DestinationChange, NewDestination, SourceChange};

/// The keys of a table that the API shows, with their names there: of a secret it shows only whether it is set.
fn shown_keys(table: &'static [Key]) -> impl Iterator<Item = (String, &'static Key)> {
    // What a URL says is in the other keys.
    let shown = table.iter().filter(|key| key.kind != Kind::RedisUrl);
    shown.map(|key| {
        let prefix = if key.is_secret() { "has_" } else { "" };
        (format!("{prefix}{}", key.name), key)
    })
}

/// The settings of a destination, by the names of docs/configuration.md; `has_…` for what is a secret.
#[derive(Debug, Serialize)]
pub(super) struct ShownSettings(Map<String, Value>);

impl ShownSettings {
    pub(super) fn of(settings: &Destination) -> Self {
        let shown = shown_keys(DESTINATION);
        let shown = shown.filter_map(|(name, key)| Some((name, settings.shown(key.name)?)));
        Self(shown.collect())
    }
}

impl PartialSchema for ShownSettings {
    fn schema() -> RefOr<Schema> {
        let mut object = ObjectBuilder::new()
            .description(Some("The settings of a destination, by the names of docs/configuration.md; `has_…` for what is a secret."));
        for (name, key) in shown_keys(DESTINATION) {
            let null = null(key);
            if null == Null::Never {
                object = object.required(&name);
            }
            let property = if key.is_secret() {
                let about = "Whether it is set.";
                let flag = ObjectBuilder::new().schema_type(Type::Boolean);
                flag.description(Some(about)).into()
            } else {
                value(key, null)
            };
            object = object.property(name, property);
        }
        object.into()
    }
}

impl ToSchema for ShownSettings {}

impl PartialSchema for SourceChange {
    fn schema() -> RefOr<Schema> {
        let about = "What changes of a source; what is missing stays, and null removes.";
        changes(SOURCE).description(Some(about)).into()
    }
}

impl ToSchema for SourceChange {
    fn name() -> std::borrow::Cow<'static, str> {
        "SourceToChange".into()
    }
}

impl PartialSchema for DestinationChange {
    fn schema() -> RefOr<Schema> {
        let about = "The settings of a destination, by the names of docs/configuration.md. In a change, what is missing stays and null removes. What is stored of a secret stays when it is missing here, but not when the change decides who gets it. Variables and files of the server may be named as far as `private.allowed_references` in the file has it.";
        destination_changes().description(Some(about)).into()
    }
}

impl ToSchema for DestinationChange {
    fn name() -> std::borrow::Cow<'static, str> {
        "DestinationSettings".into()
    }
}

impl PartialSchema for NewDestination {
    fn schema() -> RefOr<Schema> {
        let about =
            "A destination to be added: its settings, of which name and address are needed.";
        let id = ObjectBuilder::new()
            .schema_type(types(Type::String, Null::Allowed))
            .description(Some(
                "`[a-z0-9-]`, at most 64; made from the name when it is missing.",
            ));
        let object = destination_changes().property("id", id);
        object.description(Some(about)).into()
    }
}

impl ToSchema for NewDestination {
    fn name() -> std::borrow::Cow<'static, str> {
        "DestinationToAdd".into()
    }
}

fn destination_changes() -> ObjectBuilder {
    let sources = "Ids of the sources that feed it.";
    changes(DESTINATION).property("sources", list(sources, Null::Allowed))
}

/// The keys of a table that can be changed; `null` removes each.
fn changes(table: &[Key]) -> ObjectBuilder {
    let editable = table.iter().filter(|key| key.editable);
    editable.fold(ObjectBuilder::new(), |object, key| {
        object.property(key.name, value(key, Null::Allowed))
    })
}

/// Whether a value may be `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Null {
    Allowed,
    Never,
}

/// Whether a key is shown as `null` when nobody has set it. What is not about the Redis always has a value.
fn null(key: &Key) -> Null {
    match key.kind {
        Kind::Text | Kind::Name | Kind::Certificate | Kind::Duration(..) | Kind::Path
            if key.group.is_some() =>
        {
            Null::Allowed
        }
        _ => Null::Never,
    }
}

fn value(key: &Key, null: Null) -> Schema {
    let about = key.plain_sentence();
    let kind = match key.kind {
        Kind::List => return list(&about, null),
        Kind::Flag => Type::Boolean,
        Kind::Number(..) => Type::Integer,
        Kind::Map => Type::Object,
        _ => Type::String,
    };
    let object = ObjectBuilder::new()
        .schema_type(types(kind, null))
        .description(Some(about));
    let object = match key.kind {
        Kind::Number(least, most) => {
            let object = object.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
            let most = (most != i64::MAX).then_some(most);
            object.minimum(Some(least)).maximum(most)
        }
        Kind::Map => {
            let text = ObjectBuilder::new().schema_type(Type::String);
            object.additional_properties(Some(Schema::from(text)))
        }
        Kind::Secret | Kind::PrivateKey => {
            object.format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        }
        Kind::Choice(options) if null == Null::Never => {
            object.enum_values(Some(options.iter().copied()))
        }
        Kind::Addresses => object.examples(["redis.internal:6379"]),
        Kind::Duration(..) => object.examples(["5s"]),
        _ => object,
    };
    object.into()
}

fn list(about: &str, null: Null) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    ArrayBuilder::new()
        .schema_type(types(Type::Array, null))
        .items(text)
        .description(Some(about))
        .into()
}

fn types(kind: Type, null: Null) -> SchemaType {
    match null {
        Null::Allowed => SchemaType::from_iter([kind, Type::Null]),
        Null::Never => SchemaType::new(kind),
    }
}
