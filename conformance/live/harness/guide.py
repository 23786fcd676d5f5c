"""Compares the table in docs/sdk-setup.md with what the run has done."""

from .install import HERE
from .sdks import SDKS

GUIDE = HERE.parents[1] / "docs" / "sdk-setup.md"
# Where the versions are pinned.
PINNED = ("package.json", "requirements.txt", "drivers/go/go.mod", "drivers/java/*.xml")
COLUMNS = ("every call", "order", "transports", "refusals", "Redis outage", "Kenwell restart")


def disagreement(name, ran):
    """None when the guide's row for this SDK has its pinned version and the scenarios that ran for it."""
    rows = [line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |")]
    if len(rows) != 1:
        return f"expected one row that begins with `{name}` in {GUIDE}, found {len(rows)}"
    _, version, *marks = [cell.strip() for cell in rows[0].strip("|").split("|")][1:]
    pinned = "".join(path.read_text() for pattern in PINNED for path in sorted(HERE.glob(pattern)))
    if version not in pinned:
        return f"it says version {version}, which is pinned nowhere"
    expected = ["✓" if (column, name) in ran else "" for column in COLUMNS]
    if marks == expected:
        return None
    return f"expected the marks {dict(zip(COLUMNS, expected))}, it has {marks}"


def rows_without_sdk():
    """None when every row of the guide's table belongs to an SDK that is run."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    header = next((number for number, line in enumerate(lines) if line.startswith("| test |")), None)
    if header is None:
        return f"no table with the column 'test' in {GUIDE}"
    names = []
    for line in lines[header + 2:]:
        if not line.startswith("| `"):
            break
        names.append(line.split("`")[1])
    return None if sorted(names) == sorted(SDKS) else f"rows: {sorted(names)}, SDKs: {sorted(SDKS)}"
