//! What a person types to start this program once more: whoever has it from npx, uvx or a tarball has no `kenwell` on the PATH.

use std::env;
use std::path::Path;

const NAME: &str = "kenwell";
/// The directory of uv's cache that the environments of `uvx` are in.
const UVX: &str = "archive-v0";

/// How it was started.
struct Start<'a> {
    /// Below a command of npm.
    npm: bool,
    /// Below a command of uv.
    uv: bool,
    is_on_path: bool,
    /// The file that runs.
    program: &'a Path,
    /// The first word of the command line.
    word: &'a str,
}

/// Of this process.
pub(super) fn own_name() -> String {
    let path = env::var_os("PATH").unwrap_or_default();
    let word = env::args_os().next().unwrap_or_default();
    name(&Start {
        npm: env::var_os("npm_command").is_some(),
        uv: env::var_os("UV").is_some(),
        is_on_path: env::split_paths(&path).any(|directory| directory.join(NAME).is_file()),
        program: &env::current_exe().unwrap_or_default(),
        word: &word.to_string_lossy(),
    })
}

fn name(start: &Start<'_>) -> String {
    if start.npm {
        return format!("npx {NAME}");
    }
    if start.uv {
        let is_of_uvx = start.program.iter().any(|part| part == UVX);
        return format!("{} {NAME}", if is_of_uvx { "uvx" } else { "uv run" });
    }
    if start.is_on_path || start.word.is_empty() {
        return NAME.to_owned();
    }
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._-+".contains(it);
    if start.word.chars().all(is_plain) {
        return start.word.to_owned();
    }
    format!("'{}'", start.word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_start_it_has_a_name() {
        let typed = Start {
            npm: false,
            uv: false,
            is_on_path: false,
            program: Path::new("/home/ada/kenwell"),
            word: "./kenwell",
        };
        assert_eq!(name(&typed), "./kenwell");
        let word = "/home/ada's things/kenwell";
        assert_eq!(
            name(&Start { word, ..typed }),
            r"'/home/ada'\''s things/kenwell'"
        );
        let is_on_path = true;
        assert_eq!(
            name(&Start {
                is_on_path,
                ..typed
            }),
            "kenwell"
        );
        // Both put it on the PATH of what they start, and of nothing else.
        let npm = Start {
            npm: true,
            is_on_path,
            ..typed
        };
        assert_eq!(name(&npm), "npx kenwell");
        let uv = Start {
            uv: true,
            is_on_path,
            ..typed
        };
        assert_eq!(name(&uv), "uv run kenwell");
        let program = Path::new("/home/ada/.cache/uv/archive-v0/x/bin/kenwell");
        assert_eq!(name(&Start { program, ..uv }), "uvx kenwell");
    }
}
