"""One line per check, and the closing count."""

import time


class Report:
    """Counts the checks; a run with no check at all has not passed."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.ran = set()
        self._title = None
        self._since = time.monotonic()

    def begin(self, title):
        """Begins a scenario."""
        self._title = title
        print(f"\n{title}", flush=True)

    def check(self, what, problem):
        """Notes one check: `problem` is None (passed) or says what was wrong."""
        # A check of one SDK begins with its name.
        self.ran.add((self._title, what.split(":")[0]))
        now = time.monotonic()
        seconds, self._since = now - self._since, now
        if problem is None:
            self.passed += 1
            print(f"  ok    {what} ({seconds:.1f} s)", flush=True)
        else:
            self.failed += 1
            print(f"  FAIL  {what} ({seconds:.1f} s)", flush=True)
            for line in str(problem).splitlines():
                print(f"        {line}", flush=True)
        return problem is None

    def close(self):
        """Prints the count; the exit status of the run."""
        if self.passed + self.failed == 0:
            self.check("at least one check ran", "none did")
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def difference(expected, found):
    """What differs between two hashes, field by field; None when they are equal."""
    if found == expected:
        return None
    lines = []
    for field in sorted(set(expected) | set(found)):
        if expected.get(field) != found.get(field):
            want = repr(expected[field]) if field in expected else "no such field"
            got = repr(found[field]) if field in found else "missing"
            lines.append(f"{field}: expected {want}, got {got}")
    return "\n".join(lines)
