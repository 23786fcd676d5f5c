#!/usr/bin/env python3
"""A preprocessor of mdBook: links that lead out of docs/ go to the same file of the repository on the web.

On GitHub `[bench](../bench/README.md)` is right as it stands. The site has only what lies in docs/.
"""

import json
import posixpath
import re
import sys

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)([^)\s]*)\)")


def outside(page, content, repository):
    """The content of the page at this path in docs/, with links of the web where they lead out of it."""

    def replaced(link):
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link[1]))
        if path.startswith("docs/"):
            return link[0]
        return f"]({repository}/blob/main/{path}{link[2]})"

    return LINK.sub(replaced, content)


def rewrite(items, repository):
    """Rewrites chapters and those below them."""
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            if chapter["source_path"]:
                chapter["content"] = outside(chapter["source_path"], chapter["content"], repository)
            rewrite(chapter["sub_items"], repository)


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    context, book = json.load(sys.stdin)
    rewrite(book["items"], context["config"]["output"]["html"]["git-repository-url"])
    json.dump(book, sys.stdout)


if __name__ == "__main__":
    main()
