"""TLS, a cluster, Sentinels, a socket file: each option reaches the server that it is about."""

import subprocess

import kenwell
import pytest
from conftest import until
from ports import free_port

from kenwell import Connection, StateStore


def certificate(directory, name, *signed_by):
    """Makes a key and a certificate for localhost; the paths of both."""
    key, made = directory / f"{name}.key", directory / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(made), *signed_by]
    subprocess.run(command, check=True, capture_output=True)
    return key, made


async def test_tls_with_an_authority_of_its_own_and_a_client_certificate(redis_of_its_own, tmp_path):
    authority_key, authority = certificate(tmp_path, "authority")
    key, made = certificate(tmp_path, "server", "-CA", str(authority), "-CAkey", str(authority_key), "-addext", "basicConstraints=CA:FALSE")
    _, other = certificate(tmp_path, "other")
    port = free_port()
    redis_of_its_own("--tls-port", str(port), "--tls-cert-file", str(made), "--tls-key-file", str(key), "--tls-ca-cert-file", str(authority))
    ours = {"cert": str(made), "key": key.read_text()}
    for options in ({"ca": str(authority), **ours}, {"ca": authority.read_text(), "server_name": "localhost", **ours}, {"skip_verify": True, **ours}):
        async with StateStore(f"rediss://localhost:{port}", tls=options) as store:
            await store.save("ada", {"user": {"data": 1}})
            assert (await store.load("ada"))["user"]["data"] == 1
    with pytest.raises(kenwell.TlsError):
        await StateStore(f"redis://localhost:{port}", tls={"ca": str(other), **ours}).load("ada")


async def test_a_cluster(redis_of_its_own, tmp_path):
    redis = redis_of_its_own("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-config-file", str(tmp_path / "nodes.conf"))
    assert redis.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383) == "OK"
    until(lambda: "cluster_state:ok" in redis.ask("CLUSTER", "INFO"))
    entries = [{"id": "a", "user": True}, {"id": "b", "updated_at": True}]
    for options in ({"cluster": True}, {"cluster": {"nodes": [f"127.0.0.1:{redis.port}"]}}):
        async with StateStore(redis.url, entries=entries, cluster_hash_tag=True, **options) as store:
            record = await store.update("ada", lambda record: {"user": {"data": 1}})
            await store.save_if_unchanged("ada", record)
            assert await store.load("ada") == record and redis.ask("EXISTS", "a:{ada}", "b:{ada}") == 2
    with pytest.raises(kenwell.SettingsError):
        await StateStore(redis.url).load("ada")


async def test_sentinels(redis_of_its_own, tmp_path):
    master, file = redis_of_its_own(), tmp_path / "sentinel.conf"
    file.write_text(f"port {free_port()}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor mymaster 127.0.0.1 {master.port} 1\n")
    port = int(file.read_text().split()[1])
    process = subprocess.Popen(["redis-server", str(file), "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        address = f"127.0.0.1:{port}"
        sentinel = Connection(f"redis://{address}", sentinel={"master": "mymaster"})
        await _once_it_answers(sentinel)
        async with StateStore("redis://nobody:1", sentinel={"master": "mymaster", "nodes": [address]}) as store:
            await store.save("ada", {})
        assert master.ask("EXISTS", "data:ada") == 1
        with pytest.raises(kenwell.SettingsError, match="other"):
            await Connection(f"redis://{address}", sentinel={"master": "other"}).ping()
    finally:
        process.kill()
        process.wait()


async def _once_it_answers(connection):
    """Waits for a server that is starting."""
    import asyncio

    while True:
        try:
            return await connection.ping()
        except kenwell.KenwellError as error:
            assert error.retryable or error.code == "KENWELL_SETTINGS", error
            await asyncio.sleep(0.05)


async def test_a_socket_file_and_a_database(redis_of_its_own, tmp_path):
    redis = redis_of_its_own("--unixsocket", str(tmp_path / "redis.sock"))
    async with StateStore(f"unix://{tmp_path}/redis.sock?db=3") as store:
        await store.save("ada", {})
    assert "db3" in redis.ask("INFO", "keyspace")
