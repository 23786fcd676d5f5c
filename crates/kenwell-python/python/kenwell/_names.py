"""Checks of names and types, with words that say what was meant."""

from __future__ import annotations

import difflib
from typing import Any, Iterable, Mapping, NoReturn, Type

from ._errors import SettingsError, UnknownNameError


def refuse_unknown(what: str, given: Iterable[Any], known: Iterable[str]) -> None:
    """Raises UnknownNameError for the first name that is not known."""
    names = list(known)
    for name in given:
        if name not in names:
            raise UnknownNameError(f"{what} has no {name!r}{_suggestion(name, names)}")


def _suggestion(name: Any, names: "list[str]") -> str:
    # Names of other languages: ttlSeconds is ttl_seconds.
    plain = {known.replace("_", "").lower(): known for known in names}
    shown = str(name).replace("_", "").lower()
    # ttl is ttl_seconds rather than tls.
    close = [whole for whole in plain if len(shown) > 2 and whole.startswith(shown)]
    close = close or difflib.get_close_matches(shown, plain, n=1, cutoff=0.6)
    if not close:
        close = [part for part in plain if len(part) > 2 and (part in shown or len(shown) > 2 and shown in part)]
    if close:
        return f"; did you mean {plain[close[0]]!r}?"
    return f"; there is {', '.join(sorted(names))}" if names else ""


def member(what: str, given: Mapping[str, Any], name: str, kind: "Type[Any] | tuple[Type[Any], ...]", default: Any = None) -> Any:
    """A value of this type, or the default where there is none."""
    value = given.get(name)
    if value is None:
        return default
    return typed(f"{what}[{name!r}]", value, kind)


def typed(what: str, value: Any, kind: "Type[Any] | tuple[Type[Any], ...]") -> Any:
    """The value, if it is of this type. True and False are no numbers here."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, bool) and bool not in kinds or not isinstance(value, kinds):
        wrong(what, f"it must be {' or '.join(_words(one) for one in kinds)}, not {_words(type(value))}")
    return value


MAX_NATURAL = 2**63 - 1
"""The largest number that means something to the native half."""


def natural(what: str, value: Any, least: int = 0, most: int = MAX_NATURAL) -> int:
    """A whole number between these two."""
    if typed(what, value, int) < least:
        wrong(what, f"it must be {least} or more")
    if value > most:
        wrong(what, f"it must be {most} or less")
    return int(value)


def called(what: str, value: Any) -> Any:
    """Something that can be called."""
    if not callable(value):
        wrong(what, f"it must be a function, not {_words(type(value))}")
    return value


def texts(what: str, value: Any) -> "list[str]":
    """A list of texts."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        wrong(what, "it must be a list of texts")
    return [typed(what, text, str) for text in value]


def wrong(what: str, problem: str) -> NoReturn:
    """A setting that cannot work. Values are not repeated: one may be a password."""
    raise SettingsError(f"{what}: {problem}")


def _words(kind: "Type[Any]") -> str:
    return {str: "a text", int: "a whole number", bool: "True or False", dict: "a dict", Mapping: "a dict", list: "a list"}.get(kind, kind.__name__)
