"""What is checked: every scenario drives real SDKs and then reads Redis."""

import json
import time

from .guide import disagreement, rows_without_sdk
from .install import HERE
from .metrics import books, imbalance
from .report import difference
from .sdks import SDKS, Driver, Source

BROWSERS = ("browser", "segment-browser")
SERVER_SDKS = tuple(name for name in SDKS if name not in BROWSERS)
GZIP_SDKS = tuple(name for name, sdk in SDKS.items() if sdk.gzip)
# SDKs that try for half a minute and longer, and those that have given up within a few seconds; Go's do when they are
# closed, as `single` does. Java's wait too long between two attempts for a test. Kotlin's begins while Kenwell is away:
# without settings that lead here it would send to Segment for ever after.
PATIENT = ("rudder-python", "rudder-go", "segment-node", "segment-python", "segment-go")
IMPATIENT = ("rudder-node", "rudder-go", "segment-node-3", "segment-node-2", "segment-go")
COPY = "copy"
CLOSED = Source("closed", enabled=False)
SOURCES = tuple(Source(name, copies=(COPY,) if name == "rudder-node" else ()) for name in SDKS) + (CLOSED,)
KEYS = {source.id: source.write_key for source in SOURCES}

# How long an accepted event may take to show in Redis. Only a failing run waits this long.
VISIBLE_SECONDS = 60


class Bench:
    """The running servers, and what Redis must hold by now."""

    def __init__(self, redis, kenwell, front, report):
        self.redis = redis
        self.kenwell = kenwell
        self.front = front
        self.report = report
        self.expected = {}

    def drive(self, name, scenario, key=None, path="", **options):
        """Starts one SDK's driver; `path` is put behind the URL that it is given."""
        url = self.front.url if SDKS[name].tls else self.kenwell.url
        return Driver(SDKS[name], scenario, url + path, key or KEYS[name], self.front.trust_store, **options)

    def drive_all(self, names, scenario, **options):
        """Starts the drivers of several SDKs at once: most of their time is spent waiting."""
        return {name: self.drive(name, scenario, **options) for name in names}

    def expect(self, name, user, fields):
        """Notes a hash that must be in Redis from now on."""
        self.expected[f"{name}:user:{user}"] = fields

    def expect_single(self, name, user):
        """Notes the hash that the `single` scenario leaves behind."""
        self.expect(name, user, {"sdk": name, "nested.works": "true"})

    def wait_for_hash(self, name, user):
        """None as soon as the user's hash is as expected; what differs when that takes too long."""
        key = f"{name}:user:{user}"
        deadline = time.monotonic() + VISIBLE_SECONDS
        while True:
            problem = difference(self.expected[key], self.redis.hash(key))
            if problem is None or time.monotonic() > deadline:
                return problem
            time.sleep(0.05)


def attempt(bench, what, steps):
    """Runs one check; whatever it raises is its failure, and the next check runs all the same."""
    try:
        problem = steps()
    except (RuntimeError, OSError) as error:
        problem = str(error)
    return bench.report.check(what, problem)


def finish_clean(driver):
    """Lets a driver finish; what it complained about, or None."""
    try:
        done = driver.finish()
    finally:
        driver.end()
    if done["errors"]:
        return f"the SDK reported {done['errors']}"
    if done.get("outside"):
        return f"the page asked other hosts: {done['outside']}"
    if done.get("console"):
        return f"errors on the page's console: {done['console']}"
    return None


def every_call(bench):
    """identify, track, page, screen, group, alias: exactly the expected hashes, and nothing else."""
    for name, driver in bench.drive_all(SDKS, "everything").items():
        attempt(bench, f"{name}: every call is accepted", lambda: finish_clean(driver))
        users = json.loads((HERE / "expected" / f"{SDKS[name].expected}.json").read_text(encoding="utf-8"))
        for user, fields in users.items():
            bench.expect(name, user, fields)
            attempt(bench, f"{name}: hash of {user}", lambda: bench.wait_for_hash(name, user))


def order(bench):
    """Many identifies of one user, made as the guide says for this SDK: the last one wins."""
    for name, driver in bench.drive_all(SERVER_SDKS, "ordered", user="ordered").items():
        bench.expect(name, "ordered", {"step": str(SDKS[name].steps)})
        attempt(bench, f"{name}: ordered: accepted", lambda: finish_clean(driver))
        attempt(bench, f"{name}: ordered: the last of {SDKS[name].steps} wins",
                lambda: bench.wait_for_hash(name, "ordered"))


def transports(bench):
    """Other ways the same SDKs can send: uncompressed, to a URL that ends in a slash, batched, as a beacon."""
    sent_and_visible(bench, GZIP_SDKS, "uncompressed", "single", gzip=False)
    sent_and_visible(bench, SERVER_SDKS, "slash", "single", path="/")
    sent_and_visible(bench, BROWSERS, "batched", "batch")
    attempt(bench, "browser: beacon when the page is left", lambda: beacon(bench))


def sent_and_visible(bench, names, user, scenario, **options):
    """One identify of each SDK through the given scenario, then its hash."""
    for name, driver in bench.drive_all(names, scenario, user=user, **options).items():
        bench.expect_single(name, user)
        attempt(bench, f"{name}: {user}: accepted", lambda: finish_clean(driver))
        attempt(bench, f"{name}: {user}: hash", lambda: bench.wait_for_hash(name, user))


def beacon(bench):
    """A beacon's answer is seen by nobody, so Redis alone tells whether it was taken."""
    bench.expect_single("browser", "beacon")
    driver = bench.drive("browser", "beacon", user="beacon")
    try:
        driver.wait_for("page left")
        problem = bench.wait_for_hash("browser", "beacon")
        driver.go_on()
        return problem or finish_clean(driver)
    finally:
        driver.end()


def refusals(bench):
    """A wrong key and a source that is switched off: the SDK tells its user, nothing is stored."""
    # The source configuration of a source that is switched off may say so (200) or be refused; either stops the SDK.
    cases = (("wrong key", "no-such-key", 401, "invalid write key", [400]),
             ("source switched off", CLOSED.write_key, 404, "source is disabled", [200, 404]))
    for what, key, status, text, configuration in cases:
        told = (*SERVER_SDKS, "segment-browser")
        for name, driver in bench.drive_all(told, "single", key=key, user="refused").items():
            attempt(bench, f"{name}: {what} is reported", lambda: refusal(driver, SDKS[name].shows, status, text))
        attempt(bench, f"browser: {what}: no event is sent", lambda: browser_refusal(bench, key, configuration))
    attempt(bench, "nothing of it is stored",
            lambda: other_keys([], [key for key in bench.redis.keys() if key.endswith("refused")]))


def refusal(driver, shows, status, text):
    """None when the SDK told its user: the status, the words, or both, as far as it shows them."""
    try:
        errors = driver.finish()["errors"]
    finally:
        driver.end()
    for error in errors:
        if ("status" not in shows or error["status"] == status) and ("words" not in shows or text in error["text"]):
            return None
    return f"expected the SDK to report {status} and '{text}', it reported {errors}"


def browser_refusal(bench, key, configuration):
    """The page's SDK must learn it from the source configuration, and send no event at all."""
    driver = bench.drive("browser", "refused", key=key, user="refused")
    try:
        done = driver.finish()
    finally:
        driver.end()
    statuses = [answer["status"] for answer in done["answers"] if answer["method"] == "GET"]
    if len(statuses) != 1 or statuses[0] not in configuration:
        return f"expected one answer of {configuration} for the source configuration, got {statuses}"
    sent = [answer for answer in done["answers"] if answer["method"] == "POST"]
    return f"the SDK sent {sent}" if sent else None


def redis_outage(bench):
    """Redis is down: every SDK still gets its 200; Redis is back: every hash appears."""
    bench.redis.stop()
    attempt(bench, "Redis is down", lambda: "it answers" if bench.redis.is_up() else None)
    for name, driver in bench.drive_all(SDKS, "single", user="outage").items():
        bench.expect_single(name, "outage")
        attempt(bench, f"{name}: accepted while Redis is down", lambda: finish_clean(driver))
    bench.redis.start()
    for name in SDKS:
        attempt(bench, f"{name}: visible once Redis is back", lambda: bench.wait_for_hash(name, "outage"))


def balanced_books(bench):
    """Every accepted identify has exactly one outcome, and the metrics say which."""
    for name in (*SDKS, COPY):
        attempt(bench, f"{name}: accepted = written + ignored", lambda: settled(bench, name))


def settled(bench, name):
    """The counters follow the write they count, so they may need a moment."""
    deadline = time.monotonic() + VISIBLE_SECONDS
    while True:
        problem = imbalance(name, books(bench.kenwell.private_url, bench.kenwell.admin_key)[name])
        if problem is None or time.monotonic() > deadline:
            return problem
        time.sleep(0.05)


def kenwell_restart(bench):
    """Kenwell itself is stopped and started again: SDKs that retry lose nothing, those that give up say so."""
    bench.expect_single("browser", "restart")
    page = bench.drive("browser", "restart", user="restart")
    patient = {}
    try:
        page.wait_for("loaded")
        attempt(bench, "kenwell stops when told to, with status 0", lambda: stopped(bench))
        for name, driver in bench.drive_all(IMPATIENT, "single", user="missed").items():
            attempt(bench, f"{name}: gives up and says so", lambda: refusal(driver, {"status"}, 0, ""))
        page.go_on()
        page.wait_for("refused")
        patient = bench.drive_all(("segment-kotlin",), "ordered", user="restart")
        patient["segment-kotlin"].wait_for("refused")
        patient |= bench.drive_all(PATIENT, "ordered", user="restart")
        bench.kenwell.start()
        attempt(bench, "browser: its retry gets through", lambda: after_refusal(page))
        for name, driver in patient.items():
            bench.expect(name, "restart", {"step": str(SDKS[name].steps)})
            attempt(bench, f"{name}: its retry gets through", lambda: finish_clean(driver))
    finally:
        page.end()
        for driver in patient.values():
            driver.end()
    for name in ("browser", *patient):
        attempt(bench, f"{name}: hash after the restart", lambda: bench.wait_for_hash(name, "restart"))


def stopped(bench):
    """None when kenwell ended well."""
    status = bench.kenwell.stop()
    return None if status == 0 else f"status {status}\n{bench.kenwell.log_tail()}"


def after_refusal(page):
    """The console may complain about the refused attempt; the retry must have been answered well."""
    try:
        errors = page.finish()["errors"]
    finally:
        page.end()
    return f"the SDK reported {errors}" if errors else None


def nothing_else(bench):
    """Redis holds the expected keys and no others; the second destination holds the same without prefix."""
    attempt(bench, "no other keys", lambda: other_keys(sorted(bench.expected), bench.redis.keys()))
    mine = "rudder-node:"
    copied = {key[len(mine):]: fields for key, fields in bench.expected.items() if key.startswith(mine)}
    attempt(bench, "second destination: the same keys without prefix",
            lambda: other_keys(sorted(copied), bench.redis.keys(database=1)))
    for key, fields in copied.items():
        attempt(bench, f"second destination: {key}",
                lambda: difference(fields, bench.redis.hash(key, database=1)))


def guide(bench):
    """The guide's table says which SDKs were run, in which version, and with which scenarios."""
    for name in SDKS:
        attempt(bench, f"{name}: its row in docs/sdk-setup.md", lambda: disagreement(name, bench.report.ran))
    attempt(bench, "no further rows in docs/sdk-setup.md", rows_without_sdk)


def other_keys(expected, found):
    """None when both lists are equal."""
    if found == expected:
        return None
    extra, missing = sorted(set(found) - set(expected)), sorted(set(expected) - set(found))
    return f"unexpected: {extra}\nmissing: {missing}"


ALL = (
    ("every call", every_call),
    ("order", order),
    ("transports", transports),
    ("refusals", refusals),
    ("Redis outage", redis_outage),
    ("metrics", balanced_books),
    ("Kenwell restart", kenwell_restart),
    ("nothing else", nothing_else),
    ("guide", guide),
)
