"""TLS in front of Kenwell, for the SDK that speaks nothing else."""

import os
import shutil
import socket
import subprocess
import time

from ports import free_port

from .children import stop, track

PASSWORD = "changeit"


class TlsFront:
    """A stunnel child that opens the TLS of 127.0.0.1, and a trust store for Java that knows its certificate."""

    def __init__(self, directory, target):
        self._directory = directory
        self._child = None
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        self.trust_store = directory / "trust.jks"
        certificate, key = directory / "front.pem", directory / "front.key"
        _openssl(certificate, key)
        _quietly(["keytool", "-importcert", "-noprompt", "-alias", "front", "-file", str(certificate),
                  "-keystore", str(self.trust_store), "-storepass", PASSWORD])
        self._config = directory / "stunnel.conf"
        self._config.write_text(
            f"foreground = yes\npid =\n[front]\naccept = 127.0.0.1:{port}\nconnect = {target.removeprefix('http://')}\n"
            f"cert = {certificate}\nkey = {key}\n")
        self._port = port

    def start(self):
        """Starts it and waits until it accepts connections."""
        log = open(self._directory / "stunnel.log", "ab")
        stunnel = shutil.which("stunnel4") or "stunnel"
        self._child = track(subprocess.Popen([stunnel, str(self._config)], stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, start_new_session=True))
        log.close()
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline or self._child.poll() is not None:
                raise RuntimeError(f"stunnel did not start: see {self._directory}/stunnel.log")
            time.sleep(0.05)

    def stop(self):
        """Ends it, if it runs."""
        if self._child is not None:
            stop(self._child)
            self._child = None

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True


def _openssl(certificate, key):
    _quietly(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=live SDK runs",
              "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)])
    os.chmod(key, 0o600)


def _quietly(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:]}")
