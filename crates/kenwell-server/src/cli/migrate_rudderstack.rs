//! `kenwell migrate rudderstack`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::destination::{choose_all, connect};
use super::exit::Failure;
use super::import::{self, mended};
use super::output;
use super::progress::Progress;
use crate::config::{self, Config, Environment, Loaded};
use crate::import::{Imported, ShadowPlace, rudderstack, rudderstack_shadow};
use crate::migrate::{Comparison, DestinationReport, DifferentUser, OnlyThere, Values};

/// What differences are told of.
const THERE: &str = "RudderStack";

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub(super) struct MigrateRudderstack {
    /// The exported configuration
    #[arg(long, value_name = "FILE")]
    workspace: PathBuf,
    /// Write beside RudderStack: this prefix and a colon stand before every key
    #[arg(
        long,
        value_name = "PREFIX",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "shadow",
        required_unless_present = "shadow_database"
    )]
    shadow: Option<String>,
    /// Write beside RudderStack: the same keys in another database of the same Redis
    #[arg(long, value_name = "NUMBER", conflicts_with = "shadow")]
    shadow_database: Option<u32>,
    /// Where to write the configuration that does so, which must not exist yet
    #[arg(long, short, value_name = "FILE", required_unless_present = "compare")]
    output: Option<PathBuf>,
    /// Compare what both have written, hash by hash and field by field
    #[arg(long, conflicts_with = "output")]
    compare: bool,
    /// Compare only this destination
    #[arg(long, value_name = "ID", requires = "compare")]
    destination: Option<String>,
    /// The shadow began with nothing: what only RudderStack has is older, and no difference
    #[arg(long, requires = "compare")]
    partial: bool,
    /// How long to wait before users that differ are looked at again, since both are at work
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = settle, requires = "compare")]
    settle: Duration,
    /// Show the values that differ; they are personal data
    #[arg(long, requires = "compare")]
    show_values: bool,
    /// Print JSON, a line for each destination
    #[arg(long, requires = "compare")]
    json: bool,
}

/// Makes the configuration of the shadow, or compares.
pub(super) async fn run(arguments: &MigrateRudderstack) -> Result<(), Failure> {
    let place = match (&arguments.shadow, arguments.shadow_database) {
        (_, Some(number)) => ShadowPlace::Database(number),
        (prefix, None) => {
            let prefix = prefix.clone().unwrap_or_default();
            let is_fit = !prefix.is_empty()
                && prefix
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
            if !is_fit {
                return Err(Failure::Usage(
                    "error: --shadow: give letters, digits, - and _, for example --shadow=shadow"
                        .to_owned(),
                ));
            }
            ShadowPlace::Prefix(prefix)
        }
    };
    let text = import::read(&arguments.workspace)?;
    let cannot = || format!("{} cannot be imported", arguments.workspace.display());
    let shadow = rudderstack_shadow(&text, &place).with_context(cannot)?;
    if arguments.compare {
        let original = rudderstack(&text).with_context(cannot)?;
        return compare(arguments, &original, &shadow, &place).await;
    }
    let Some(path) = &arguments.output else {
        return Ok(());
    };
    for note in &shadow.notes {
        output::complain(&format!("note: {note}"));
    }
    import::write(path, shadow.text.expose())?;
    mended(path, &shadow)?;
    next_steps(arguments, path)
}

fn next_steps(arguments: &MigrateRudderstack, path: &Path) -> Result<(), Failure> {
    let (workspace, path) = (arguments.workspace.display(), path.display());
    let place = arguments.shadow_database.map_or_else(
        || {
            format!(
                "--shadow={}",
                arguments.shadow.as_deref().unwrap_or_default()
            )
        },
        |number| format!("--shadow-database {number}"),
    );
    output::line(format!(
        "{path}: the same sources, with destinations beside RudderStack's\n\
         1. kenwell doctor --config {path}\n\
         2. kenwell serve --config {path}\n\
         3. Send it the events that RudderStack gets, too: docs/migrate.md has a recipe for nginx\n\
         4. kenwell migrate rudderstack --workspace {workspace} {place} --compare --partial"
    ))
}

async fn compare(
    arguments: &MigrateRudderstack,
    original: &Imported,
    shadow: &Imported,
    place: &ShadowPlace,
) -> Result<(), Failure> {
    let (there, here) = (parsed(original)?, parsed(shadow)?);
    let mut reports = Vec::new();
    for destination in choose_all(&there, arguments.destination.as_deref())? {
        let Some(beside) = here.destination(&destination.id) else {
            continue;
        };
        let comparison = Comparison {
            destination: destination.id.clone(),
            there: (connect(destination)?, there.layout(destination)),
            here: (connect(beside)?, here.layout(beside)),
            place: place.clone(),
            only_there: if arguments.partial {
                OnlyThere::IsOlder
            } else {
                OnlyThere::IsDifferent
            },
            values: if arguments.show_values {
                Values::Shown
            } else {
                Values::Hidden
            },
            settle: arguments.settle,
        };
        let progress = Progress::counting("users");
        let report = comparison.run(|count| progress.show(count)).await;
        drop(progress);
        let report = report?;
        if arguments.json {
            output::data(serde_json::to_string(&report).map_err(anyhow::Error::new)?)?;
        } else {
            tell(&report)?;
        }
        reports.push(report);
    }
    if reports.iter().all(|report| report.users == 0) {
        return Err(nothing_compared());
    }
    let different: u64 = reports.iter().map(|report| report.different).sum();
    if different > 0 {
        return Err(Failure::failed(format!("{different} users differ")));
    }
    if !arguments.json {
        output::line(format!(
            "To switch: kenwell import rudderstack {} --output kenwell.toml, serve that, and give the SDKs its address as their data-plane URL",
            arguments.workspace.display()
        ))?;
    }
    Ok(())
}

fn nothing_compared() -> Failure {
    Failure::failed(
        "nothing was compared, so nothing is proved: the shadow has no user\n  \
         fix: is this the place that the shadow was made with, and has it got events? kenwell doctor with its \
         configuration says whether it can write",
    )
}

fn tell(report: &DestinationReport) -> Result<(), Failure> {
    output::line(format!(
        "{}: {} users, {} identical, {} different",
        report.destination, report.users, report.identical, report.different
    ))?;
    if report.users_only_there > 0 {
        output::line(format!(
            "  {} more users are only in {THERE}: older than the shadow",
            report.users_only_there
        ))?;
    }
    for (kind, users) in &report.users_by_kind {
        let documented = if kind.is_documented() {
            " (documented in docs/differences.md, counts as identical)"
        } else {
            ""
        };
        output::line(format!(
            "  {users} users: {}{documented}",
            kind.words(THERE)
        ))?;
    }
    report.examples.iter().try_for_each(tell_user)
}

fn tell_user(user: &DifferentUser) -> Result<(), Failure> {
    output::line(format!("    {}", user.key))?;
    for field in &user.fields {
        let value = |value: &Option<String>| {
            let value = value.as_deref();
            value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
        };
        let values = match (&field.there, &field.here) {
            (None, None) => String::new(),
            (there, here) => format!(": {THERE} {}, Kenwell {}", value(there), value(here)),
        };
        let words = field.kind.words(THERE);
        let name = match &*field.field {
            "" => "the document",
            name => name,
        };
        output::line(format!("      {name}  {words}{values}"))?;
    }
    if user.more_fields > 0 {
        output::line(format!("      and {} more fields", user.more_fields))?;
    }
    Ok(())
}

/// The configuration of an import, whose text is in no file.
fn parsed(imported: &Imported) -> Result<Config, Failure> {
    let text = imported.text.expose();
    let Loaded { config, .. } =
        Config::parse(Path::new("kenwell.toml"), text, &Environment::default())?;
    Ok(config)
}

fn settle(text: &str) -> Result<Duration, String> {
    let bad = || "give a time of up to an hour, for example 5s".to_owned();
    let given = config::duration(text).ok_or_else(bad)?;
    (given <= Duration::from_hours(1))
        .then_some(given)
        .ok_or_else(bad)
}
