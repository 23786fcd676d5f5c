"""What python-telegram-bot remembers, as JSON and back: whole numbers may be keys, and states may be tuples."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Tuple, Union

MAX_DEPTH = 200
"""How deep stored data may be nested. Deeper data could be stored, and then not be read when the bot starts."""

CallbackData = Tuple[List[Tuple[str, float, Dict[str, Any]]], Dict[str, str]]

_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")
_ESCAPED = re.compile(r"\\+-?(0|[1-9][0-9]*)")


def encoded(data: Any, levels: int = MAX_DEPTH) -> Any:
    """The same with texts as keys, as JSON needs them: whole numbers as digits, and texts of digits behind a backslash."""
    if not isinstance(data, (dict, list, tuple)):
        return data
    if levels == 0:
        raise ValueError(f"stored data must not be nested deeper than {MAX_DEPTH} levels")
    if isinstance(data, dict):
        return {_key(key): encoded(value, levels - 1) for key, value in data.items()}
    return [encoded(value, levels - 1) for value in data]


def decoded(data: Any) -> Any:
    """What was encoded."""
    if isinstance(data, dict):
        return {_own_key(key): decoded(value) for key, value in data.items()}
    if isinstance(data, list):
        return [decoded(value) for value in data]
    return data


def encoded_callbacks(data: CallbackData) -> Any:
    """Buttons hold data of the bot; all other keys are texts."""
    keyboards, queries = data
    return [[name, time, encoded(buttons)] for name, time, buttons in keyboards], queries


def decoded_callbacks(data: Any) -> CallbackData:
    """What was encoded. Raises TypeError or ValueError for anything else."""
    keyboards, queries = data
    if not isinstance(queries, dict):
        raise TypeError("queries are no dict")
    return [(name, float(time), decoded(buttons)) for name, time, buttons in keyboards], queries


def decoded_state(state: Any) -> Any:
    """A state of a conversation. States are looked up in a dict, which takes no lists, so lists were tuples."""
    return tuple(decoded_state(part) for part in state) if isinstance(state, list) else state


def _key(key: Any) -> str:
    if isinstance(key, str):
        return "\\" + key if _WHOLE_NUMBER.fullmatch(key) or _ESCAPED.fullmatch(key) else key
    if isinstance(key, int) and not isinstance(key, bool):
        return str(int(key))
    raise TypeError(f"keys of stored data must be texts or whole numbers, not {type(key).__name__}")


def _own_key(key: str) -> Union[int, str]:
    if _WHOLE_NUMBER.fullmatch(key):
        return int(key)
    return key[1:] if _ESCAPED.fullmatch(key) else key
