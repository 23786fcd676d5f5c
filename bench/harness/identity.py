"""A certificate for a gateway that speaks TLS."""

import shutil
import subprocess

from .processes import Broken

# Without the extensions of openssl's own configuration: they make an authority of it.
CONFIG = """\
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = 127.0.0.1
[extensions]
subjectAltName = IP:127.0.0.1
"""


def make(directory):
    """Paths of a self-signed certificate for 127.0.0.1 and of its key."""
    if shutil.which("openssl") is None:
        raise Broken("openssl is missing, which makes a certificate for single-tls. Install it: apt-get install openssl | dnf install openssl")
    directory.mkdir(parents=True, exist_ok=True)
    config, certificate, key = (directory / name for name in ("openssl.cnf", "gateway.pem", "gateway.key"))
    config.write_text(CONFIG, encoding="utf-8")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-config", str(config), "-keyout", str(key), "-out", str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"openssl made no certificate: {done.stderr.strip()}")
    return certificate, key
