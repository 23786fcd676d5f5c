//! Examples and exit codes that stand below each command's options.

pub(super) const TOP: &str = "\
Examples:
  kenwell dev                                     try it on this machine
  kenwell config check kenwell.toml               is the configuration right?
  kenwell doctor --config kenwell.toml            can each Redis be reached and written?
  kenwell serve --config kenwell.toml             run it
  kenwell identify ada plan=pro --write-key KEY   send something
  kenwell profile get ada                         look at what it became
  kenwell top                                     watch the running server
  kenwell tail --user ada                         watch events as they come

Exit codes:
  0  done
  1  it failed; stderr says why
  2  the command line or the configuration is wrong; stderr says where
  3  there is no such profile, field or dead letter (profile, dead-letters)

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
  kenwell dev --redis redis://127.0.0.1:6379/1

Needs redis-server or valkey-server: on the PATH, in node_modules, in a Python environment (.venv,
VIRTUAL_ENV), or where the system puts programs. With --redis it uses one that runs already. Prints a
link that signs in to the console once, within ten minutes; the page behind it waits for the first
event. The write key and the data are kept in the data directory, so the next start goes on where
this one ended. Ctrl-C stops everything that was started.";

/// What commands have in common that talk to the running server.
macro_rules! server_help {
    ($text:literal) => {
        concat!(
            $text,
            "\n\nThe server is that of the configuration, or the one that --url (KENWELL_PRIVATE_URL) names; its\n\
             admin key is KENWELL_ADMIN_KEY, --admin-key file:PATH, or that of the configuration."
        )
    };
}

pub(super) const TOP_SCREEN: &str = server_help!(
    "\
Examples:
  kenwell top
  kenwell top --once --json --interval 1s | jq '.sources[] | {id, accepted_per_second}'
  KENWELL_ADMIN_KEY=… kenwell top --url https://kenwell.internal:8081

Rates are measured between two looks. Counts are since the start of the server. Ctrl-C ends it."
);

pub(super) const TAIL: &str = server_help!(
    "\
Examples:
  kenwell tail
  kenwell tail --user ada --event
  kenwell tail --outcome dead_lettered --destination profiles
  kenwell tail --source web --json | jq .event.traits
  kenwell tail --user ada --outcome written --count 1

Shows what happens from now on; nothing is kept for those who come later. The events hold personal
data: mind where the output goes. Ctrl-C ends it."
);

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

pub(super) const METRICS: &str = "\
Examples:
  kenwell metrics
  kenwell metrics --dashboard > kenwell-dashboard.json     Grafana: Dashboards, New, Import
  kenwell metrics --rules > /etc/prometheus/rules/kenwell.yaml

The server shows them on /metrics of its private listener, to whoever has the metrics key or the admin key.";

pub(super) const CONFIG_SCHEMA: &str = "\
Examples:
  kenwell config schema > kenwell.schema.json

An editor with TOML support (Even Better TOML, taplo) goes by it when the first line of kenwell.toml is
  #:schema ./kenwell.schema.json";

pub(super) const CONFIG_CHECK: &str = "\
Examples:
  kenwell config check
  kenwell config check /etc/kenwell/kenwell.toml
  kenwell config check --json | jq .what

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

pub(super) const MIGRATE: &str = "\
Examples:
  kenwell migrate rudderstack --workspace workspaceConfig.json --shadow --output shadow.toml
  kenwell migrate jovo --check --redis redis://127.0.0.1:6379";

pub(super) const MIGRATE_RUDDERSTACK: &str = "\
Examples:
  kenwell migrate rudderstack --workspace workspaceConfig.json --shadow --output shadow.toml
  kenwell migrate rudderstack --workspace workspaceConfig.json --shadow --compare
  kenwell migrate rudderstack --workspace workspaceConfig.json --shadow-database 1 --compare --json

Without --compare it makes a configuration that takes the same events and writes to other keys of the
same Redis, and says what to do next. With it, it reads both and changes nothing. The keys of
\"Profiles\" events (context.sources) are not compared.

Exits 0 when all users are the same, and 1 when some differ.";

pub(super) const MIGRATE_JOVO: &str = "\
Examples:
  kenwell migrate jovo --check --redis redis://127.0.0.1:6379
  kenwell migrate jovo --check --redis redis://127.0.0.1:6379/2 --prefix bot --entries data,session

Reads every entry and changes nothing. Apps that name keys themselves (onCreateKey) or encode values
in their own way (onEncodeValue) cannot be looked at so. The address may have a password: give it as
KENWELL_JOVO_REDIS, and it is in no list of processes.

Exits 0 when everything is understood, and 1 when something is not.";

pub(super) const REPLAY: &str = server_help!(
    "\
Examples:
  kenwell replay --from 2h
  kenwell replay --destination profiles --from 2026-11-22T14:00:00Z
  kenwell replay --from 2h --wait            until they are delivered

Events received since then, accepted for the destination and still in the journal (journal.retain)
are delivered again: by the server, when one runs, and otherwise when it starts. Older values of a
trait are followed by the newer ones, so profiles end as they are; with order = \"event_time\" nothing
newer is overwritten even in between."
);

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
  kenwell destinations pause profiles
  kenwell destinations forget old";

pub(super) const DESTINATIONS_PAUSE: &str = server_help!(
    "\
Examples:
  kenwell destinations pause profiles

Delivery stops at the edge of a batch; what is accepted meanwhile waits in the journal. The server
writes it to its configuration file, so it holds over restarts."
);

pub(super) const DESTINATIONS_RESUME: &str = server_help!(
    "\
Examples:
  kenwell destinations resume profiles"
);

pub(super) const DESTINATIONS_LIST: &str = "\
Examples:
  kenwell destinations list
  kenwell destinations list --json --config kenwell.toml

Reads the journal's files, or asks the running server, with KENWELL_ADMIN_KEY or the admin key of the
configuration.";

pub(super) const DESTINATIONS_FORGET: &str = "\
Examples:
  kenwell destinations forget old
  kenwell destinations forget old --yes

For a destination that the configuration does not have any more. Its events were accepted, and are
never delivered then: put it back in the file, and they are. Says how many they are and asks,
without a terminal only with --yes. Uses the files, or the running server, with KENWELL_ADMIN_KEY or
the admin key of the configuration.

Exits 1 when nothing waits for it.";

pub(super) const DEAD_LETTERS: &str = "\
Examples:
  kenwell dead-letters list
  kenwell dead-letters show 7-1769860800250
  kenwell dead-letters retry --destination profiles
  kenwell dead-letters discard --reason WRONGTYPE";

pub(super) const DEAD_LETTERS_LIST: &str = "\
Examples:
  kenwell dead-letters list
  kenwell dead-letters list --destination profiles --reason WRONGTYPE
  kenwell dead-letters list --json | jq .event

Reads the files, also while a server runs; with --url it asks that server. The events hold personal
data: mind where the output goes.";

pub(super) const DEAD_LETTERS_SHOW: &str = "\
Examples:
  kenwell dead-letters show 7-1769860800250
  kenwell dead-letters show 7-1769860800250 --json

Exits 3 when there is no such letter.";

pub(super) const DEAD_LETTERS_DISCARD: &str = "\
Examples:
  kenwell dead-letters discard 7-1769860800250
  kenwell dead-letters discard --reason WRONGTYPE --destination profiles
  kenwell dead-letters discard --all --yes

Their events are lost then. Asks, without a terminal only with --yes. Works in the files, also while
a server runs; with --url that server does it. Exits 3 when one that is named is not there.";

pub(super) const DEAD_LETTERS_RETRY: &str = "\
Examples:
  kenwell dead-letters retry
  kenwell dead-letters retry --destination profiles
  kenwell dead-letters retry 7-1769860800250
  kenwell dead-letters retry --url https://kenwell.internal:8081

Put right what the reasons say first (kenwell dead-letters list). Works in the files, also while a
server runs; with --url that server does it.

Of a letter only those fields are written that no newer event has set meanwhile; a user's letters
are written in the order in which they were sent. In the order of arrival that goes for events of
this Kenwell, and what something else has written since is overwritten; with order = \"event_time\"
nothing newer is overwritten, whoever wrote it.

Exits 0 when none is left, 1 when some stay, and 3 when one that is named is not there.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  kenwell completions bash > /usr/share/bash-completion/completions/kenwell
  kenwell completions zsh > /usr/share/zsh/site-functions/_kenwell
  kenwell completions fish > /usr/share/fish/vendor_completions.d/kenwell.fish";

pub(super) const MAN: &str = "\
Examples:
  kenwell man target/man && install -m 644 -D -t /usr/share/man/man1 target/man/*.1

What Kenwell writes is for its own user alone: install the pages with rights for everybody.";
