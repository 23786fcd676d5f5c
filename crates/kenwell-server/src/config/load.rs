//! From a file and the environment to a [`Config`], or to everything that is wrong.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::de::DeTable;

use super::document::Document;
use super::environment::Environment;
use super::file_reader::FileReader;
use super::input::ValueError;
use super::problem::{Place, Problem, Problems};
use super::settings::Config;
use super::table_reader::TableReader;
use super::top;

/// Largest configuration file, in bytes: room for thousands of sources and destinations.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What is doubtful about them, in the order of the file.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Reads and checks the file at `path`, with the `KENWELL_…` variables of `environment` on top.
    ///
    /// Relative paths in the file (`data_dir`, `ca_certificate`, `file:…`) start from the file's directory.
    ///
    /// # Errors
    /// All problems found, not only the first.
    pub fn load(path: &Path, environment: &Environment) -> Result<Loaded, Problems> {
        let text = read_file(path).map_err(|error| unreadable(path, &error))?;
        Self::parse(path, &text, environment)
    }

    /// Like [`Config::load`], with the text that the file at `path` holds, or is about to.
    ///
    /// # Errors
    /// All problems found, not only the first.
    pub fn parse(path: &Path, text: &str, environment: &Environment) -> Result<Loaded, Problems> {
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(unreadable(path, &too_large()));
        }
        let base = path.parent().unwrap_or(Path::new(""));
        let file = FileReader::new(Document::new(path, text), base, environment);
        let (table, syntax_errors) = DeTable::parse_recoverable(text);
        for error in &syntax_errors {
            file.error(syntax_place(&file, error), "", syntax_error(error));
        }
        // What a broken file seems to say is not worth complaining about.
        let config = syntax_errors
            .is_empty()
            .then(|| top::read(TableReader::top(&file, table.get_ref())));
        let mut errors = file.errors.take();
        let mut warnings = file.warnings.take();
        errors.sort();
        warnings.sort();
        match config {
            Some(config) if errors.is_empty() => Ok(Loaded { config, warnings }),
            _ => Err(Problems { errors, warnings }),
        }
    }
}

/// The text of the file at `path`.
///
/// # Errors
/// It cannot be read, is too large, or no UTF-8.
pub(crate) fn read_file(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large());
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-8"))
}

fn too_large() -> io::Error {
    let error = format!("it has more than {MAX_FILE_BYTES} bytes");
    io::Error::new(io::ErrorKind::FileTooLarge, error)
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Problems {
    let fix = match error.kind() {
        io::ErrorKind::NotFound => {
            "create it (docs/configuration.md has an example), give another one with --config, let `kenwell serve --init` make an empty one, or try `kenwell dev`"
        }
        io::ErrorKind::InvalidData => "save the file as UTF-8",
        io::ErrorKind::FileTooLarge => {
            "take out sources and destinations that nobody needs, and put certificates into files"
        }
        _ => "make the file readable by the user that runs kenwell",
    };
    Problems {
        errors: vec![Problem {
            place: Place::File(path.to_path_buf()),
            key: String::new(),
            what: format!("cannot read the configuration: {error}"),
            fix: fix.into(),
        }],
        warnings: Vec::new(),
    }
}

fn syntax_place(file: &FileReader<'_>, error: &toml::de::Error) -> Place {
    let span = error.span();
    span.map_or_else(|| file.place(), |span| file.document.place(&span))
}

fn syntax_error(error: &toml::de::Error) -> ValueError {
    let message = error.message();
    let fix = if message.contains("duplicate key") {
        "keep one of the two"
    } else if message.contains("must be quoted") {
        "put quotes around the text: key = \"value\""
    } else {
        "see https://toml.io for the format"
    };
    ValueError::new(format!("not valid TOML: {message}"), fix)
}
