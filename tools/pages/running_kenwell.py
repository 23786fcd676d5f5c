"""A Kenwell and a Redis in a network of their own, which are asked whether they know what a page asks of them."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urlsplit

PRIVATE = "http://127.0.0.1:8081"
GATEWAY = "http://127.0.0.1:8080"
KEY = "an-admin-key-of-the-check-of-the-pages"
LIMIT_S = 60
CONFIGURATION = f"""[private]
admin_key = "{KEY}"
[[sources]]
id = "web"
write_key = "0123456789abcdef"
destinations = ["profiles"]
[[destinations]]
id = "profiles"
address = "127.0.0.1:6379"
"""
# Where the pages say that Kenwell is: at its usual ports, or behind a name.
HERE = re.compile(r"127\.0\.0\.1:(8080|8081)|(events\.example\.com|kenwell\.internal(:8081)?)")


class RunningKenwell:
    """Both, with one source and one destination."""

    def __init__(self, binary, folder):
        (folder / "kenwell.toml").write_text(CONFIGURATION)
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        self.children = [subprocess.Popen(["redis-server", "--port", "6379", "--save", ""], **quiet),
                         subprocess.Popen([str(binary), "serve", "--config", "kenwell.toml"], **quiet)]

    def __enter__(self):
        end = time.monotonic() + LIMIT_S
        while status(f"{PRIVATE}/ready") != 200:
            if time.monotonic() > end:
                raise SystemExit("kenwell is not ready")
            time.sleep(0.05)
        self.api = json.loads(ask(f"{PRIVATE}/api/v1/openapi.json"))
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.terminate()
            child.wait(LIMIT_S)

    def problems_of_url(self, method, url, body):
        """What Kenwell does not know of this request."""
        parts = urlsplit(url)
        if not HERE.fullmatch(parts.netloc):
            yield f"{parts.netloc} is no address at which a page may have Kenwell"
        elif "8081" in parts.netloc:
            yield from self.problems_of_call(method, parts, body)
        elif status(f"{GATEWAY}{parts.path}", method) == 404:
            yield f"the gateway has no {parts.path}"

    def problems_of_call(self, method, parts, body):
        """The same of a call of the API, by its description."""
        found = [path for path in self.api["paths"] if matches(path, parts.path)]
        exact = [path for path in found if "{" not in path] or found
        operation = next((self.api["paths"][path].get(method.lower()) for path in exact), None)
        if operation is None:
            yield f"the API has no {method} {parts.path}"
            return
        known = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        for name, _ in parse_qsl(parts.query, keep_blank_values=True):
            if name not in known:
                yield f"{method} {parts.path} has no parameter {name}"
        if body is not None:
            schema = self.schema(operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}))
            try:
                names = json.loads(body)
            except ValueError as error:
                yield f"the body of {method} {parts.path} is no JSON: {error}"
                return
            for name in names:
                if schema and name not in schema:
                    yield f"the body of {method} {parts.path} has no {name}"

    def schema(self, schema):
        """The names that an object of this schema may have."""
        if "$ref" in schema:
            return self.schema(self.api["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
        names = set(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            names |= self.schema(part)
        for part in [*schema.get("oneOf", []), *schema.get("anyOf", [])]:
            names |= self.schema(part)
        return names

    def problems_of_redis(self, words):
        """A command that this Redis does not have, or not with so many words. Modules' commands are taken as they are."""
        if "." in words[0]:
            return
        answer = subprocess.run(["redis-cli", "--json", "COMMAND", "INFO", words[0]], capture_output=True, text=True, check=True).stdout
        (info,) = json.loads(answer)
        if info is None:
            yield f"Redis has no command {words[0]}"
            return
        arity = info[1]
        if len(words) != arity if arity > 0 else len(words) < -arity:
            yield f"{words[0]} of Redis takes another number of words"
        elif words[:2] == ["ACL", "SETUSER"]:
            done = subprocess.run(["redis-cli", "-e", *words], capture_output=True, text=True, check=False)
            if done.returncode != 0 or done.stdout.strip() != "OK":
                yield f"Redis refuses {' '.join(words[:2])}: {done.stdout.strip()}"


def ask(url):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
        return response.read()


def status(url, method="GET"):
    """The status of the answer; none without one."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=LIMIT_S) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def matches(template, path):
    """Whether a path of the description, with its variable parts, is this one."""
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path) is not None
