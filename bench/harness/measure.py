"""One measured run: of Kenwell under load, or of redis-benchmark."""

import csv
import io
import json
import os
import re
import resource
import shutil
import subprocess

from . import machine
from .processes import Broken, Kenwell, running

PIPELINE = 100


class Bench:
    """The programs, the servers' places and the size of the load."""

    def __init__(self, kenwell, load, directory, redis, options):
        self.kenwell, self.load, self.directory, self.redis, self.options = kenwell, load, directory, redis, options

    def run_kenwell(self, mode, events=None, rate=0, during=None):
        """Sends `events` to a fresh Kenwell over an empty Redis. `during` is a context manager made from Kenwell's process id."""
        options, directory = self.options, self.directory / "kenwell"
        events = events or options.events
        self.redis.clear()
        with running(Kenwell(self.kenwell, directory, self.redis), Kenwell.ready) as kenwell:
            before = self.used(kenwell)
            with during(kenwell.child.pid) if during else nothing():
                result = self.drive(kenwell, mode, events, rate)
            after = self.used(kenwell)
            page = kenwell.get("/metrics")
        journal_bytes = kenwell.journal_bytes()
        shutil.rmtree(directory)
        result.update(difference(before, after))
        result["journal_bytes_an_event"] = journal_bytes / events
        result["disk_bytes_an_event"] = result.pop("disk_bytes") / events
        result["freshness_p50_ms"], result["freshness_p99_ms"] = (quantile(page, share) for share in (0.5, 0.99))
        return result

    def drive(self, kenwell, mode, events, rate):
        options = self.options
        command = [self.load, "--url", f"http://127.0.0.1:{kenwell.gateway}", "--redis", self.redis.address]
        command += ["--metrics", f"http://127.0.0.1:{kenwell.private}/metrics", "--write-key", "bench", "--mode", mode]
        command += ["--events", events, "--users", options.users, "--connections", options.connections]
        command += ["--batch", options.batch, "--fields", options.fields, "--rate", rate]
        environment = {**os.environ, "KENWELL_ADMIN_KEY": kenwell.admin_key}
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            log = "\n".join(kenwell.output.read_text(errors="replace").splitlines()[-10:])
            raise Broken(f"the load generator failed: {done.stderr.strip()}\nkenwell's last words:\n{log}")
        return json.loads(done.stdout)

    def run_redis_benchmark(self):
        """The ceiling: the same HSET from redis-benchmark, on the same Redis, emptied."""
        options = self.options
        hset = json.loads(subprocess.run([self.load, "--print-hset", "--fields", str(options.fields)], capture_output=True, text=True, check=True).stdout)
        command = ["redis-benchmark", "-h", "127.0.0.1", "-p", self.redis.port, "-n", options.events, "-r", options.users]
        command += ["-c", options.connections, "-P", PIPELINE, "--csv", "HSET", *hset]
        self.redis.clear()
        before = self.used()
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        after = self.used()
        rows = list(csv.DictReader(io.StringIO(done.stdout))) if done.returncode == 0 else []
        if not rows:
            raise Broken(f"redis-benchmark failed: {done.stdout}{done.stderr}")
        result = {"events": options.events, "applied_per_second": float(rows[0]["rps"])}
        return result | difference(before, after)

    def used(self, kenwell=None):
        """Processor seconds so far; those of the generator are of all children that have ended."""
        load, redis = resource.getrusage(resource.RUSAGE_CHILDREN), self.redis.cpu_seconds()
        used = {"load_cpu": load.ru_utime + load.ru_stime, "redis_cpu": sum(redis), "machine_cpu": machine.cpu_seconds()}
        if kenwell:
            user, system = kenwell.cpu_seconds()
            used.update(kenwell_cpu=user + system, kenwell_system_cpu=system, disk_bytes=kenwell.written_bytes())
        return used


def difference(before, after):
    """What was used in between; `others_cpu` is what the machine spent on anything else."""
    used = {name: after[name] - before[name] for name in after}
    ours = used["load_cpu"] + used["redis_cpu"] + used.get("kenwell_cpu", 0)
    used["others_cpu"] = max(used.pop("machine_cpu") - ours, 0)
    return used


class nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


def quantile(page, share):
    """Upper bound in ms of the histogram's bucket that holds the share; None when it is the last one or nothing was observed."""
    buckets = re.findall(r'^kenwell_destination_freshness_seconds_bucket{(?:.*,)?le="([^"]+)".*} (\d+)$', page, re.MULTILINE)
    total = int(buckets[-1][1]) if buckets else 0
    for bound, count in buckets:
        if total and int(count) >= total * share:
            return None if bound == "+Inf" else float(bound) * 1000
    return None
