#!/usr/bin/env python3
"""What ./quickstart says before it builds anything."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Rust(unittest.TestCase):
    """Which Rust is there."""

    def quickstart(self, version):
        """What it says where rustc has this version, and cargo builds nothing."""
        with tempfile.TemporaryDirectory() as folder:
            for name, answer in (("rustc", f"rustc {version} (0123abc 2022-08-08)"), ("cargo", "no cargo")):
                program = Path(folder) / name
                program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {int(name == 'cargo')}\n")
                program.chmod(0o755)
            environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
            environment.pop("KENWELL_BIN", None)
            done = subprocess.run([ROOT / "quickstart", "--once"], env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(1, done.returncode)
        return done.stderr

    def test_an_old_one_is_named_with_the_cure(self):
        for old in ("1.63.0", "1.9.0", "1.90.1"):
            self.assertIn(f"newer is needed, this is {old}. Update it: rustup update", self.quickstart(old))

    def test_a_new_one_is_used(self):
        for new in ("1.91.0", "1.100.0-nightly", "2.0.0"):
            self.assertIn("the build failed", self.quickstart(new))


if __name__ == "__main__":
    unittest.main()
