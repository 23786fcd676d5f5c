# Short names for the daily commands. `just` lists them.

[private]
default:
    @just --list --unsorted

# Everything that must hold before a change lands
check:
    ./check

# The same without the live SDK runs
fast:
    ./check --fast

# Build, start, send one identify, show it in Redis, stay up
quickstart:
    ./quickstart

# All Rust tests, or those whose name contains the given words
test *WORDS:
    cargo test --workspace --exclude kenwell-teloxide {{ WORDS }}

# Unmodified SDKs against a running Kenwell
live:
    cargo build --bin kenwell
    KENWELL_BIN="${CARGO_TARGET_DIR:-target}/debug/kenwell" conformance/live/run

# The console in a real browser
console *TESTS:
    cargo build --bin kenwell
    KENWELL_BIN="${CARGO_TARGET_DIR:-target}/debug/kenwell" conformance/console/run {{ TESTS }}

# Measure against redis-benchmark
bench *OPTIONS:
    bench/run {{ OPTIONS }}

# Count the instructions of the hot paths; --update keeps the numbers anew
instructions *OPTIONS:
    bench/instructions/run {{ OPTIONS }}

# Format all code
fmt:
    cargo fmt --all

# Lints, as strict as the check
lint:
    cargo clippy --workspace --exclude kenwell-teloxide --all-targets -- -D warnings

# Documentation of the crates, in the browser
doc:
    cargo doc --workspace --exclude kenwell-teloxide --no-deps --lib --open

# Licences, banned crates and published advisories (needs cargo-deny and the network)
advisories:
    cargo deny check

# Feed one of event, profile, redis_url, journal with made-up bytes (needs `cargo install cargo-fuzz`)
fuzz TARGET SECONDS="60":
    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none {{ TARGET }} -- -max_total_time={{ SECONDS }} -max_len=65536

# The Node package: build the addon, run its tests
node:
    cd crates/kenwell-node && npm ci && npm run build -- --debug && npm run types && npm test

# The Python package: build it, run its tests and type checks
python *ARGUMENTS:
    crates/kenwell-python/test {{ ARGUMENTS }}

# Jovo conversations, recorded with Jovo's own plugin, replayed with ours
jovo *NAMES:
    conformance/jovo/run {{ NAMES }}

# Load and save from Node: ours, one JavaScript client, Jovo's plugin's way
bench-jovo *OPTIONS:
    node bench/jovo/run.js {{ OPTIONS }}
