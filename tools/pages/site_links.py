#!/usr/bin/env python3
"""Finds links in a built site that lead nowhere: pages, pictures and anchors that do not exist.

  tools/pages/site_links.py DIRECTORY     where mdBook has built it
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors of a page, and where it leads."""

    def __init__(self, file):
        super().__init__()
        self.anchors, self.links = set(), []
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)
            elif value and name in ("href", "src"):
                self.links.append(value)


def problems(root):
    """A line for each link that leads nowhere. The page with everything on it, `print.html`, is left out."""
    root = Path(root).resolve()
    pages = {file: Page(file) for file in sorted(root.rglob("*.html")) if file.name not in ("print.html", "404.html")}
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            here = file.relative_to(root)
            if not target.is_relative_to(root) or not target.exists():
                yield f"{here}: nothing is at {link}"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{here}: {parts.path or 'this page'} has no {parts.fragment}"


def main():
    found = list(problems(sys.argv[1]))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
