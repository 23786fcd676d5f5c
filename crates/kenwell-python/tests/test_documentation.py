"""Every block of Python in the pages runs, against the test's own Redis."""

import ast
import asyncio
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("docs/python.md", "packaging/pypi/README.md")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks():
    """Each block, named by its page and its number."""
    for page in PAGES:
        for number, block in enumerate(BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))):
            yield pytest.param(block, id=f"{page}-{number}")


@pytest.mark.parametrize("block", list(blocks()))
def test_a_block_runs(redis, block):
    from kenwell import StateStore

    assert block.count("redis://localhost:6379") == 1
    code = compile(block.replace("redis://localhost:6379", redis.url), "page", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"StateStore": StateStore, "__name__": "page"}
    result = eval(code, names)
    if asyncio.iscoroutine(result):
        asyncio.run(result)


def test_there_are_blocks():
    assert len(list(blocks())) >= 7


def test_the_table_of_errors_has_every_exception():
    import kenwell

    page = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    for name in kenwell.__all__:
        kind = getattr(kenwell, name)
        if isinstance(kind, type) and issubclass(kind, kenwell.KenwellError) and kind is not kenwell.KenwellError:
            assert re.search(rf"^\| `{name}`[^|]*\| `{kind.code}` \|", page, re.MULTILINE), name
