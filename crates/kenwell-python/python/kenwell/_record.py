"""Records: plain dicts, that know which version of what is stored they are."""

from __future__ import annotations

import copy
import json
from typing import Any, Dict, Mapping, Optional

from ._errors import CorruptValueError
from ._names import refuse_unknown, typed, wrong
from ._native import Version

_SHAPES: Dict[str, Dict[str, Any]] = {
    "user": {"data": object},
    "session": {"id": str, "data": object, "state": object, "createdAt": str, "updatedAt": str},
    "history": {"items": list},
}
_TIMES = ("createdAt", "updatedAt")


class Record(dict[str, Any]):
    """What is stored of a user, in the form that Jovo and the Node package store it in::

        {"user": {"data": ...}, "session": {"id": ..., "data": ..., "state": ...}, "history": {"items": [...]},
         "createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "..."}

    A dict like any other. It also knows what was stored when it was loaded or saved, so that ``save_if_unchanged`` can tell
    whether somebody else has saved since; copies by the module ``copy`` know it too.
    """

    __slots__ = ("_version", "profile")

    _version: Optional[Version]
    profile: Optional[Mapping[str, str]]
    """With the option ``profile``: what the event stream knew about the user when the record was loaded."""

    def __init__(self, *arguments: Any, **parts: Any) -> None:
        super().__init__(*arguments, **parts)
        self._version = None
        self.profile = None

    @property
    def is_new(self) -> bool:
        """Whether nothing was stored when it was loaded, and it was not saved since."""
        return self._version is None or self._version.is_new

    def copy(self) -> "Record":
        """A shallow copy, which is known as this one is."""
        return copy.copy(self)

    def __copy__(self) -> "Record":
        return self._known_copy(self)

    def __deepcopy__(self, memo: "Dict[int, Any]") -> "Record":
        return self._known_copy({name: copy.deepcopy(part, memo) for name, part in self.items()})

    def __reduce__(self) -> "tuple[Any, ...]":
        # What was stored stays in this process; another one knows the copy by its updatedAt.
        return (Record, (dict(self),))

    def _known_copy(self, parts: Mapping[str, Any]) -> "Record":
        other = Record(parts)
        other._version = self._version
        other.profile = self.profile
        return other


def record_of(loaded: "tuple[str, Version, Optional[Mapping[str, str]]]") -> Record:
    """The record that the native half has loaded."""
    document, version, profile = loaded
    record = Record(value_of(document))
    record._version = version
    record.profile = profile
    return record


def version_of(record: Mapping[str, Any]) -> Optional[Version]:
    """What is known of a record."""
    return record._version if isinstance(record, Record) else None


def document_of(record: Any) -> str:
    """The JSON of a record. Raises SettingsError for what is none, and what `json` raises for what has no JSON."""
    if not isinstance(record, dict):
        wrong("the record", 'it must be a dict, such as {"user": {"data": {}}}')
    refuse_unknown("a record", record, (*_SHAPES, *_TIMES))
    for name, shape in _SHAPES.items():
        part = record.get(name)
        if part is None or part == {}:
            continue
        refuse_unknown(f"record[{name!r}]", typed(f"record[{name!r}]", part, dict), shape)
        for inner, kind in shape.items():
            if part.get(inner) is not None and kind is not object:
                typed(f"record[{name!r}][{inner!r}]", part[inner], kind)
    for name in _TIMES:
        if record.get(name) is not None:
            typed(f"record[{name!r}]", record[name], str)
    return text_of(record)


def text_of(value: Any) -> str:
    """The JSON of a value. Numbers that JSON does not have are a ValueError."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def value_of(text: str) -> Any:
    """The value that a JSON text stands for. Raises CorruptValueError where Python has a bound that JSON has not."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    # No traceback of the decoder: it would show what is stored.
    raise CorruptValueError("what is stored is nested deeper, or has a number of more digits, than this Python reads")
