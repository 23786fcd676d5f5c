//! Examples and exit codes that stand below each command's options.

pub(super) const TOP: &str = "\
Examples:
  kenwell dev                                     try it on this machine
  kenwell config check kenwell.toml               is the configuration right?
  kenwell doctor --config kenwell.toml            can each Redis be reached and written?
  kenwell serve --config kenwell.toml             run it
  kenwell identify ada plan=pro --write-key KEY   send something
  kenwell profile get ada                         look at what it became

Exit codes:
  0  done
  1  it failed; stderr says why
  2  the command line or the configuration is wrong; stderr says where
  3  there is no such profile or field (profile get, profile why)

Log lines go to stderr. KENWELL_LOG (or RUST_LOG) sets how much: error, warn, info, debug.";

pub(super) const SERVE: &str = "\
Examples:
  kenwell serve
  kenwell serve --init                      the first time: everything else in the console
  kenwell serve --config /etc/kenwell/kenwell.toml
  KENWELL_GATEWAY_LISTEN=0.0.0.0:8080 kenwell serve --log-format json

SIGTERM or Ctrl-C finishes what is under way and exits 0; a second one exits at once, and loses
nothing that was answered with 200. A second server on the same data directory is refused.";

pub(super) const DEV: &str = "\
Examples:
  kenwell dev
  kenwell dev --data-dir /tmp/try --gateway-listen 127.0.0.1:0

Needs redis-server or valkey-server on the PATH. The write key and the data are kept in the data
directory, so the next start goes on where this one ended. Ctrl-C stops the server and its Redis.";

pub(super) const ADMIN_KEY: &str = "\
Examples:
  kenwell admin-key reset --config kenwell.toml";

pub(super) const ADMIN_KEY_RESET: &str = "\
Examples:
  kenwell admin-key reset
  kenwell admin-key reset --config /etc/kenwell/kenwell.toml

Only the key's hash is kept, in the data directory, so a lost key cannot be shown again. Works while
the server runs: it takes the new key at once and signs everybody out.";

pub(super) const CONFIG: &str = "\
Examples:
  kenwell config check kenwell.toml
  kenwell config schema > kenwell.schema.json";

pub(super) const CONFIG_SCHEMA: &str = "\
Examples:
  kenwell config schema > kenwell.schema.json

An editor with TOML support (Even Better TOML, taplo) goes by it when the first line of kenwell.toml is
  #:schema ./kenwell.schema.json";

pub(super) const CONFIG_CHECK: &str = "\
Examples:
  kenwell config check
  kenwell config check /etc/kenwell/kenwell.toml

Reads files and environment variables only: nothing is started, Redis is not asked. Secrets are not
shown. Exits 0 when the file can be used, also with warnings, and 2 when it cannot.";

pub(super) const IMPORT: &str = "\
Examples:
  kenwell import rudderstack workspaceConfig.json --output kenwell.toml";

pub(super) const IMPORT_RUDDERSTACK: &str = "\
Examples:
  kenwell import rudderstack workspaceConfig.json --output kenwell.toml
  kenwell import rudderstack workspaceConfig.json > kenwell.toml

Write keys stay the same, so SDKs only need the new URL. What cannot be taken over, or is not what
it seems, is told on stderr. On a terminal passwords are not shown: env:NAME stands in their place.

Exits 0 when the result can be used, and 1 when something in it has to be mended first.";

pub(super) const REPLAY: &str = "\
Examples:
  kenwell replay --from 2h
  kenwell replay --destination profiles --from 2026-11-22T14:00:00Z

Events received since then, accepted for the destination and still in the journal (journal.retain)
are delivered again when the server starts. Older values of a trait are followed by the newer ones,
so profiles end as they are; with order = \"event_time\" nothing newer is overwritten even in between.
Stop the server first; a running one replays from its console.";

pub(super) const DOCTOR: &str = "\
Examples:
  kenwell doctor
  kenwell doctor --destination profiles --json --config kenwell.toml

Looks at name, connection, TLS, login, rights, database, topology, role, version, eviction and
persistence, writes one random key below the prefix and deletes it, and measures round trips.
Works while the server runs, and while Redis does not. Secrets are not shown.

Exits 0 when every destination is healthy, also with warnings; 1 when one is not; 2 when the command
line or the configuration is wrong.";

pub(super) const IDENTIFY: &str = "\
Examples:
  kenwell identify ada name='Ada Lovelace' plan=pro --write-key KEY
  kenwell identify ada address.city=London age=36 tags='[\"math\",\"poetry\"]'
  kenwell identify ada zip='\"10115\"'          quotes within quotes: text, not a number
  kenwell identify ada plan=pro --url http://10.0.0.5:8080
  kenwell identify ada plan=pro --url https://events.internal --ca authority.pem
  kenwell identify ada plan=pro --wait           ok when it is in Redis, too

Prints ok when the event is stored for good; it is in Redis a moment later. With --wait, exits 1 when
the event is stored and was not in Redis in time.";

pub(super) const PROFILE: &str = "\
Examples:
  kenwell profile get ada
  kenwell profile why ada plan";

pub(super) const PROFILE_GET: &str = "\
Examples:
  kenwell profile get ada
  kenwell profile get ada --destination profiles --json --config kenwell.toml

Exits 3 when there is no such profile.";

pub(super) const PROFILE_WHY: &str = "\
Examples:
  kenwell profile why ada
  kenwell profile why ada plan --event
  kenwell profile why ada --destination profiles --json --config kenwell.toml

For a destination with order = \"event_time\". Of one field it also tells what its event replaced, as
far as the 10,000 records before it in the journal say. Reads Redis and the journal's files, so it
works while the server runs. The events hold personal data: mind where the output goes.

Exits 3 when there is no such profile, or nothing is known of the field.";

pub(super) const JOURNAL: &str = "\
Examples:
  kenwell journal stats";

pub(super) const JOURNAL_STATS: &str = "\
Examples:
  kenwell journal stats
  kenwell journal stats --json --config kenwell.toml

Reads the files only, so it works while the server runs.";

pub(super) const DESTINATIONS: &str = "\
Examples:
  kenwell destinations list
  kenwell destinations forget old";

pub(super) const DESTINATIONS_LIST: &str = "\
Examples:
  kenwell destinations list
  kenwell destinations list --json --config kenwell.toml

Reads the journal's files, or asks the running server with the admin key of the configuration
(KENWELL_PRIVATE_ADMIN_KEY, when it is not in the file).";

pub(super) const DESTINATIONS_FORGET: &str = "\
Examples:
  kenwell destinations forget old
  kenwell destinations forget old --yes

For a destination that the configuration does not have any more. Its events were accepted, and are
never delivered then: put it back in the file, and they are. Says how many they are and asks,
without a terminal only with --yes. Uses the files, or the running server with the admin key of the
configuration (KENWELL_PRIVATE_ADMIN_KEY, when it is not in the file).

Exits 1 when nothing waits for it.";

pub(super) const DEAD_LETTERS: &str = "\
Examples:
  kenwell dead-letters list
  kenwell dead-letters retry --destination profiles";

pub(super) const DEAD_LETTERS_LIST: &str = "\
Examples:
  kenwell dead-letters list
  kenwell dead-letters list --destination profiles --json

Works while the server runs. The events hold personal data: mind where the output goes.";

pub(super) const DEAD_LETTERS_RETRY: &str = "\
Examples:
  kenwell dead-letters retry
  kenwell dead-letters retry --destination profiles

Put right what the reasons say first (kenwell dead-letters list). Works while the server runs.

Of a letter only those fields are written that no newer event has set meanwhile; a user's letters
are written in the order in which they were sent. In the order of arrival that goes for events of
this Kenwell, and what something else has written since is overwritten; with order = \"event_time\"
nothing newer is overwritten, whoever wrote it.

Exits 0 when none is left, and 1 when some stay.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  kenwell completions bash > /usr/share/bash-completion/completions/kenwell
  kenwell completions zsh > /usr/share/zsh/site-functions/_kenwell
  kenwell completions fish > /usr/share/fish/vendor_completions.d/kenwell.fish";

pub(super) const MAN: &str = "\
Examples:
  kenwell man target/man && install -m 644 -D -t /usr/share/man/man1 target/man/*.1

What Kenwell writes is for its own user alone: install the pages with rights for everybody.";
