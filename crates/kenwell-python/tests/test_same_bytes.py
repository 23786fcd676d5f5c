"""One database for Python, Node and Rust: what one writes the others read, byte for byte."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NODE = ROOT / "crates" / "kenwell-node"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

OPTIONS = {"encryption": {"keys": [{"id": "a", "secret": "ab" * 32}], "entries": ["sealed"]}}
ENTRIES = [{"id": "open", "session": True, "history": True}, {"id": "sealed", "user": True}]

READS_AND_WRITES = """
const { StateStore } = require(process.argv[1]);
const { url, options, user, record } = JSON.parse(process.argv[2]);
(async () => {
  const store = new StateStore({ connectionString: url, ...options });
  if (record) await store.save(user, record);
  const { createdAt, updatedAt, ...loaded } = await store.load(user);
  process.stdout.write(JSON.stringify(loaded));
  process.exit();
})();
"""

DATA = {"b": [1, 2.5, -0.0, 1e21, 1e-7, 2**53, 5e-324], "a": {"ü": "€ 𝄞 \ud83d \u2028 \x7f"}, "2": None, "1": True, "": ""}


def node(url, options, user, record=None):
    """What Node's state store loads, after it has saved a record if there is one."""
    if not (NODE / "node_modules").is_dir():
        pytest.fail("the Node package's dependencies are missing. Install them: npm ci in crates/kenwell-node")
    asked = json.dumps({"url": url, "options": options, "user": user, "record": record})
    done = subprocess.run(["node", "-e", READS_AND_WRITES, str(NODE / "state.js"), asked], capture_output=True, text=True, timeout=60, env={**os.environ, "KENWELL_NATIVE": "off"}, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_python_and_node_write_the_same_bytes_and_read_each_other(redis, store_with):
    record = {"user": {"data": DATA}, "session": {"id": "s", "data": {"x": 1}, "state": [1], "createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "2024-01-01T00:00:00.000Z"}, "history": {"items": [{"output": "hi"}]}}
    await store_with().save("python", record)
    assert node(redis.url, {}, "python") == json.loads(json.dumps(record))
    node(redis.url, {}, "node", record)
    loaded = await store_with().load("node")
    assert loaded["user"]["data"] == json.loads(json.dumps(DATA)) and loaded["history"] == record["history"]
    by_python, by_node = (TIME.sub("TIME", redis.ask("GET", f"data:{user}")) for user in ("python", "node"))
    assert by_python == by_node


async def test_encrypted_entries_and_hashed_ids_are_read_by_node_and_the_other_way_round(redis, store_with):
    secret = "sixteen bytes or more"
    store = store_with(entries=ENTRIES, **OPTIONS, hash_user_ids={"secret": secret})
    options = {"entries": ENTRIES, **OPTIONS, "hashUserIds": {"secret": secret}}
    await store.save("python", {"user": {"data": DATA}})
    assert node(redis.url, options, "python")["user"]["data"] == json.loads(json.dumps(DATA))
    node(redis.url, options, "node", {"user": {"data": DATA}})
    assert (await store.load("node"))["user"]["data"] == json.loads(json.dumps(DATA))
    assert all(re.fullmatch("(open|sealed):[0-9a-f]{64}", key) for key in redis.ask("KEYS", "*"))


async def test_what_jovo_has_stored_is_saved_again_byte_for_byte(redis, store_with):
    """The Rust store has a test of the same name on the same values."""
    count = 0
    for line in (ROOT / "conformance" / "jovo-values" / "values.jsonl").read_text(encoding="utf-8").splitlines():
        value = json.loads(line)["value"]
        redis.ask("SET", "data:ada", value.encode())
        parts = json.loads(value)
        names = {"user": "user", "session": "session", "history": "history", "created_at": "createdAt", "updated_at": "updatedAt"}
        store = store_with(stored_elements={name: part in parts for name, part in names.items()})
        await store.save_if_unchanged("ada", await store.load("ada"))
        # Jovo writes an empty history; a record that has none has none here.
        jovos = re.sub(r',?"history":\{"items":\[\]\}', "", TIME.sub("TIME", value)).replace("{,", "{")
        assert TIME.sub("TIME", redis.ask("GET", "data:ada")) == jovos, line
        count += 1
    assert count == 135
