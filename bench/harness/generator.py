"""The load generator: one run of it."""

import json
import os
import subprocess

from .processes import Broken

TIMEOUT_SECONDS = 300
SLOWEST = 10_000  # events a second, below which a run is given up


class Generator:
    """The program, and how much it sends when it is not told otherwise."""

    def __init__(self, program, options):
        self.program, self.options = program, options

    def hset(self):
        """Key, fields and values of an event, with a word in place of the user that redis-benchmark replaces."""
        command = [self.program, "--print-hset", "--fields", str(self.options.fields)]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def events(self, workload):
        """How many events a run of the workload has: single ones cost several times as much."""
        return self.options.events if workload.mode == "batch" else max(self.options.events // 4, 1)

    def run(self, url, workload, kenwell=None, redis=None, **more):
        """What the generator measured. `more` are options of its own, with underscores."""
        options = self.options
        arguments = {
            "url": url,
            "mode": workload.mode,
            "shape": workload.shape,
            "distribution": workload.distribution,
            "connections": workload.connections or options.connections,
            "events": self.events(workload),
            "users": max(options.users // workload.each, 1),
            "batch": options.batch,
            "fields": options.fields,
        }
        if kenwell:
            arguments |= {"metrics": f"http://127.0.0.1:{kenwell.private}/metrics", "write_key": ",".join(kenwell.write_keys)}
        if redis:
            arguments["redis"] = redis.address
        if workload.waits:
            arguments["wait"] = "applied"
        arguments |= more
        arguments["timeout"] = TIMEOUT_SECONDS + arguments["events"] // SLOWEST
        command = [str(self.program)]
        for name, value in arguments.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        environment = {**os.environ, "KENWELL_ADMIN_KEY": kenwell.admin_key if kenwell else ""}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            log = "\n".join(kenwell.output.read_text(errors="replace").splitlines()[-10:]) if kenwell else ""
            raise Broken(f"the load generator failed: {done.stderr.strip()}\nkenwell's last words:\n{log}")
        return json.loads(done.stdout)
