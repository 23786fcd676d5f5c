"""One measured run: of Kenwell under load, of a Kenwell with nothing to do, of an empty server, of redis-benchmark."""

import contextlib
import csv
import io
import resource
import shutil
import subprocess
import time

from . import identity, machine
from .processes import Broken, EmptyServer, Kenwell, running

PIPELINE = 100
SETTLE_SECONDS = 2
MOST_WATCHED = 500  # events a second that are watched until they are visible


class Bench:
    """The programs, the servers' places and the size of the load."""

    def __init__(self, programs, generator, directory, redis, options):
        self.kenwell, self.empty_server = programs
        self.generator, self.directory, self.redis, self.options = generator, directory, redis, options

    @contextlib.contextmanager
    def fresh_kenwell(self, address=None, ready=Kenwell.ready, **more):
        """A Kenwell that never ran before, over an empty Redis or what will be one at `address`; its directory goes with it."""
        if address is None:
            self.redis.clear()
        directory = self.directory / "kenwell"
        try:
            with running(Kenwell(self.kenwell, directory, address or self.redis.address, **more), ready) as kenwell:
                yield kenwell
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def run(self, workload, during=None, sources=1, destinations=1, **more):
        """Sends a workload. `during` is a context manager made from Kenwell's process id; `more` goes to the generator."""
        pair = identity.make(self.directory / "identity") if workload.tls else None
        if pair:
            more["ca"] = pair[0]
        if destinations > 1:
            more["destinations"] = destinations
        with self.fresh_kenwell(sources=sources, destinations=destinations, identity=pair, settings=workload.settings) as kenwell:
            before, empty = self.used(kenwell), self.redis.used_memory()
            with during(kenwell.child.pid) if during else contextlib.nullcontext():
                result = self.generator.run(kenwell.url, workload, kenwell, self.redis, **more)
            result |= difference(before, self.used(kenwell))
            result["after_mib"], result["peak_mib"] = kenwell.memory()
            users = more.get("users", max(self.options.users // workload.each, 1))
            result["redis_bytes_a_user"] = (self.redis.used_memory() - empty) / users
            kenwell.stop()
            result["journal_bytes"] = kenwell.journal_bytes()
        return result

    def run_at(self, workload, rate, **more):
        """Sends a workload at so many events a second, and watches some of them until they are visible."""
        events = min(self.generator.events(workload), rate * self.options.paced_seconds)
        batch = self.options.batch if workload.mode == "batch" else 1
        events = max(events - events % batch, batch)
        # An odd number, so that each place in a batch has its turn.
        watch = rate // MOST_WATCHED | 1
        return self.run(workload, events=events, users=max(events, self.options.users), rate=rate, watch_every=watch, **more)

    def run_empty_server(self, workload):
        """Sends the requests of a workload to a server that only answers."""
        with running(EmptyServer(self.empty_server, self.directory / "empty-server"), EmptyServer.ready) as server:
            before = server.cpu_seconds()
            result = self.generator.run(server.url, workload, part="send")
            result["server_cpu"] = server.cpu_seconds() - before
        return result

    def run_redis_benchmark(self):
        """The ceiling: the same HSET from redis-benchmark, on the same Redis, emptied."""
        options = self.options
        command = ["redis-benchmark", "-h", "127.0.0.1", "-p", self.redis.port, "-n", options.events, "-r", options.users]
        command += ["-c", options.connections, "-P", PIPELINE, "--csv", "HSET", *self.generator.hset()]
        self.redis.clear()
        before = self.used()
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        after = self.used()
        rows = list(csv.DictReader(io.StringIO(done.stdout))) if done.returncode == 0 else []
        if not rows:
            raise Broken(f"redis-benchmark failed: {done.stdout}{done.stderr}")
        result = {"events": options.events, "applied_per_second": float(rows[0]["rps"])}
        return result | difference(before, after)

    def idle(self, seconds):
        """What a fresh Kenwell uses that nobody calls."""
        with self.fresh_kenwell() as kenwell:
            time.sleep(SETTLE_SECONDS)
            before, began = kenwell.cpu_seconds(), time.monotonic()
            time.sleep(seconds)
            share = (kenwell.cpu_seconds() - before) / (time.monotonic() - began)
            return {"idle_mib": kenwell.memory()[0], "idle_percent": share * 100, "seconds": seconds}

    def used(self, kenwell=None):
        """Processor seconds so far; those of the generator are of all children that have ended."""
        load, redis = resource.getrusage(resource.RUSAGE_CHILDREN), self.redis.cpu_seconds()
        used = {"load_cpu": load.ru_utime + load.ru_stime, "redis_cpu": redis, "machine_cpu": machine.cpu_seconds()}
        if kenwell:
            used.update(kenwell_cpu=kenwell.cpu_seconds(), kenwell_system_cpu=kenwell.system_seconds(), disk_bytes=kenwell.written_bytes())
        return used


def difference(before, after):
    """What was used in between; `others_cpu` is what the machine spent on anything else."""
    used = {name: after[name] - before[name] for name in after}
    ours = used["load_cpu"] + used["redis_cpu"] + used.get("kenwell_cpu", 0)
    used["others_cpu"] = max(used.pop("machine_cpu") - ours, 0)
    return used
