//! `/api/v1/destination-fields`: the form in which the settings of a destination are given.

use axum::Json;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::config::{DESTINATION, Group, Key, Kind, Needs};

/// The fields of a destination's settings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fields {
    /// In the order of the form, by groups.
    fields: Vec<Field>,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
struct Field {
    /// The key of docs/configuration.md that it sets.
    name: &'static str,
    /// `text`, `addresses`, `duration`, `pem`, `number`, `flag`, `choice`, `map` or `list`.
    #[schema(example = "text")]
    kind: &'static str,
    /// What may be chosen, when it is a choice.
    options: &'static [&'static str],
    /// What holds when nobody sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    /// Whether its value is never shown, only whether there is one.
    secret: bool,
    /// What people call it.
    label: &'static str,
    /// What is to be said below the label; may be empty.
    hint: &'static str,
    /// The part of the form that it is in.
    group: Group,
    /// What makes it of use; always of use without.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<Needs>,
}

impl Field {
    fn of(key: &Key) -> Option<Self> {
        let kind = match key.kind {
            Kind::Certificate | Kind::PrivateKey => "pem",
            Kind::Number(..) => "number",
            Kind::Choice(_) => "choice",
            Kind::Flag => "flag",
            Kind::Map => "map",
            Kind::List => "list",
            Kind::Addresses => "addresses",
            Kind::Duration(..) => "duration",
            _ => "text",
        };
        let options = match key.kind {
            Kind::Choice(options) => options,
            _ => &[],
        };
        Some(Self {
            name: key.name,
            kind,
            options,
            // TOML and JSON write these values in the same way.
            default: key.default.and_then(|text| serde_json::from_str(text).ok()),
            secret: key.is_secret(),
            label: key.label,
            hint: key.hint,
            group: key.group?,
            needs: (key.needs != Needs::Nothing).then_some(key.needs),
        })
    }
}

/// List the fields of a destination's settings
///
/// What a form needs to know of each setting, so that a new one appears in it by itself.
#[utoipa::path(
    get, path = "/api/v1/destination-fields", tag = "destinations", operation_id = "list_destination_fields",
    responses((status = 200, body = Fields))
)]
pub(super) async fn list() -> Json<Fields> {
    let mut fields: Vec<_> = DESTINATION.iter().filter_map(Field::of).collect();
    fields.sort_by_key(|field| field.group);
    Json(Fields { fields })
}
