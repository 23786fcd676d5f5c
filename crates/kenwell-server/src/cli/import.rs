//! `kenwell import`.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use kenwell_journal::files;

use super::exit::Failure;
use super::help;
use super::output;
use crate::config::{Config, Environment, Problems};
use crate::import::{self, Imported, MAX_FILE_BYTES};

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Take over sources and Redis destinations of a RudderStack workspaceConfig.json
    #[command(after_help = help::IMPORT_RUDDERSTACK)]
    Rudderstack(ImportRudderstack),
}

#[derive(Debug, Args)]
pub(super) struct ImportRudderstack {
    /// The exported configuration
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write the result, which must not exist yet; without it, to stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Makes a configuration from a RudderStack one and says what is to be minded.
pub(super) fn rudderstack(arguments: &ImportRudderstack) -> Result<(), Failure> {
    let text = read(&arguments.file)?;
    let imported = import::rudderstack(&text)
        .with_context(|| format!("{} cannot be imported", arguments.file.display()))?;
    for note in &imported.notes {
        output::complain(&format!("note: {}", output::printable(note.as_bytes())));
    }
    match &arguments.output {
        Some(path) => {
            write(path, imported.text.expose())?;
            let (sources, destinations) = imported.counts;
            output::complain(&format!(
                "{}: {sources} sources and {destinations} Redis destinations; next: kenwell config check {0} and kenwell doctor --config {0}",
                path.display()
            ));
        }
        None => show(&imported)?,
    }
    let path = arguments.output.as_deref();
    mended(path.unwrap_or(Path::new("kenwell.toml")), &imported)
}

/// Checks the result as a start would, so that its problems are known before that.
pub(super) fn mended(path: &Path, imported: &Imported) -> Result<(), Failure> {
    match Config::parse(path, imported.text.expose(), &Environment::default()) {
        Ok(_) => Ok(()),
        Err(Problems { errors, .. }) => {
            for problem in errors {
                output::complain(&format!("error: {problem}"));
            }
            Err(Failure::failed(
                "the result has to be mended before it can be used",
            ))
        }
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text))
        .with_context(|| format!("cannot read {}", path.display()))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        let bound = MAX_FILE_BYTES >> 20;
        return Err(Failure::failed(format!(
            "{} has more than {bound} MiB",
            path.display()
        )));
    }
    Ok(text)
}

/// Readable by its owner only, since it may hold passwords; never over a file that is there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = files::make(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        let fix = match error.kind() {
            ErrorKind::AlreadyExists => "a name that is not taken",
            _ => "a place that can be written",
        };
        let what = format!("cannot make {}; give --output {fix}", path.display());
        Failure::Failed(anyhow::Error::new(error).context(what))
    })
}

fn show(imported: &Imported) -> Result<(), Failure> {
    if !imported.holds_secrets || !std::io::stdout().is_terminal() {
        return output::data(imported.text.expose().trim_end());
    }
    output::line(imported.shown.trim_end())?;
    output::complain(
        "note: passwords are not shown on a terminal: set the variables named above, or use --output FILE",
    );
    Ok(())
}
