//! When the profiles of a destination expire: `ttl`, `ttl_from`, `field_ttl`.

use kenwell::profile::{Expiry, FieldPatternError, FieldTtls, TtlFrom};

use super::amount;
use super::input::{Input, ValueError};
use super::keys::{Kind, destination as key};
use super::table_reader::TableReader;
use super::values::Values;

/// Refuses patterns that are none, and what has no effect.
pub(super) fn check(table: &mut TableReader<'_>) {
    table.check(key::FIELD_TTL, |values| field_ttls(values).map(drop));
    let from_first = ttl_from(&table.values) == TtlFrom::First;
    if from_first && table.is_given(key::TTL_FROM) && !table.is_given(key::TTL) {
        table.error(
            key::TTL_FROM,
            "it has no effect without ttl",
            "add a line like ttl = \"90d\", or remove this line",
        );
    }
    if table.values.flag(key::JSON) && !table.values.map(key::FIELD_TTL).is_empty() {
        table.error(
            key::FIELD_TTL,
            "a profile that is a JSON document has no fields that could expire by themselves",
            "remove field_ttl, or json; ttl works for documents too",
        );
    }
}

/// What the checked values say.
pub(super) fn of(values: &Values) -> Expiry {
    let ttl = values.duration(key::TTL);
    Expiry {
        ttl: (!ttl.is_zero()).then_some(ttl),
        ttl_from: ttl_from(values),
        field_ttls: field_ttls(values).unwrap_or_default(),
    }
}

fn ttl_from(values: &Values) -> TtlFrom {
    match values.text(key::TTL_FROM).as_str() {
        "first" => TtlFrom::First,
        _ => TtlFrom::LastIdentify,
    }
}

fn field_ttls(values: &Values) -> Result<FieldTtls, ValueError> {
    // As long as a profile may stay.
    let Kind::Duration(least, most) = key::TTL.kind else {
        return Ok(FieldTtls::default());
    };
    let mut ttls = Vec::new();
    for (pattern, text) in values.map(key::FIELD_TTL) {
        let ttl = amount::duration(&Input::Variable(&text), least, most);
        let ttl = ttl.map_err(|ValueError { what, fix }| {
            ValueError::new(format!("the time of \"{pattern}\": {what}"), fix)
        })?;
        ttls.push((pattern, ttl));
    }
    FieldTtls::new(ttls).map_err(|(pattern, error)| {
        if error == FieldPatternError::TooMany {
            let fix = "let name.* stand for several fields, or set ttl for whole profiles";
            return ValueError::new(error.to_string(), fix);
        }
        let what = format!("\"{pattern}\" means no fields: {error}");
        let fix = "write the name of a field, or name.* for all fields below it, like \"cart.*\"";
        ValueError::new(what, fix)
    })
}
