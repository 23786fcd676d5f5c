"""THIRD-PARTY-LICENSES: the crates in a binary, and the texts of their licences, as each crate brings them."""

from pathlib import Path

from . import parts
from .common import Failure

NAME = "THIRD-PARTY-LICENSES"

# How the files are called, in capitals.
BEGINNINGS = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")

# For crates that say that they are under it and bring no text.
MIT = """Copyright (c) {authors}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def text(crates, said):
    """The file for a binary of these crates, by what cargo says."""
    packages, needs = parts.of(crates, said)
    foreign = sorted((packages[package] for package in needs if packages[package]["source"]), key=lambda part: (part["name"], part["version"]))
    if not foreign:
        raise Failure(f"cargo knows nothing that {', '.join(crates)} is made of")
    lines = [f"{part['name']} {part['version']}: {part['license']}" for part in foreign]
    alike = {}
    for part in foreign:
        for content in texts(part):
            # Many differ in their line breaks only.
            _, users = alike.setdefault(" ".join(content.split()), (content, []))
            if part["name"] not in users:
                users.append(part["name"])
    whole = ["This program is made with the following crates, each under the licences behind its name. The texts of the licences follow.\n\n"
             + "\n".join(lines) + "\n"]
    whole += [f"{', '.join(users)}:\n\n{content.strip()}\n" for content, users in alike.values()]
    return f"\n{'-' * 100}\n\n".join(whole).encode()


def texts(part):
    """The licences in one crate; where a library in another language is in it, those of the library too."""
    directory = Path(part["manifest_path"]).parent
    if not directory.is_dir():
        raise Failure(f"the source of {part['name']} is not in {directory}\n  fix: cargo fetch --locked")
    files = directory.rglob("*") if part.get("links") else directory.iterdir()
    found = [file.read_text(errors="replace") for file in sorted(files) if file.name.upper().startswith(BEGINNINGS) and file.is_file()]
    if not found and "MIT" in (part["license"] or ""):
        found = [MIT.format(authors=", ".join(part["authors"]) or f"the authors of {part['name']}")]
    if not found:
        raise Failure(f"{part['name']} brings no text of its licence, {part['license']}\n  fix: put the text into release/packages/licences.py")
    return found
