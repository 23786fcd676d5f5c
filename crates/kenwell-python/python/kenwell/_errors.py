"""The exceptions of this package: one for each code that programs match on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Optional, Union

if TYPE_CHECKING:
    from ._native import Failure


class KenwellError(Exception):
    """Every error of this package. Messages name settings, keys and entries, never a value or a password."""

    code: ClassVar[str] = "KENWELL_NATIVE"
    """What programs match on. Each code has a class of its own."""
    redis_code: Optional[str] = None
    """Redis' own code, where it answered: WRONGTYPE, NOAUTH, OOM, ..."""
    key: Optional[str] = None
    """The Redis key it is about, with control characters escaped and cut after 200 characters."""
    entry: Optional[str] = None
    """The id of the entry it is about."""
    retryable: bool = False
    """Whether the same call can succeed later."""


class SettingsError(KenwellError, ValueError):
    """A setting cannot work, or does not fit the server; or what was to be saved is no record."""

    code = "KENWELL_SETTINGS"


class UnknownNameError(SettingsError, TypeError):
    """An option, or a part of a record, of a name that does not exist. The message suggests what was meant."""


class RedisConnectionError(KenwellError, ConnectionError):
    """Redis cannot be reached, or the connection broke."""

    code = "KENWELL_CONNECTION"


class TlsError(KenwellError):
    """The TLS handshake failed."""

    code = "KENWELL_TLS"


class RedisTimeoutError(KenwellError, TimeoutError):
    """No answer in time. A write may have taken effect all the same."""

    code = "KENWELL_TIMEOUT"


class RefusedError(KenwellError):
    """Redis answered with an error: ``redis_code`` says which."""

    code = "KENWELL_REFUSED"


class CorruptValueError(KenwellError):
    """What is stored cannot be decoded or decrypted, or is no record."""

    code = "KENWELL_CORRUPT_VALUE"


class ConflictError(KenwellError):
    """Somebody else has saved since this was loaded, or it was never loaded and something is stored."""

    code = "KENWELL_CONFLICT"


class UncertainError(KenwellError):
    """Whether it took effect is not known, and repeating it could do harm: load again to see."""

    code = "KENWELL_UNCERTAIN"


class TooLargeError(KenwellError):
    """An entry is larger than ``max_entry_bytes``. Nothing was sent."""

    code = "KENWELL_TOO_LARGE"


class BusyError(KenwellError):
    """More calls of one event loop wait for Redis than the bound allows. Nothing was sent."""

    code = "KENWELL_BUSY"
    retryable = True


class ClosedError(KenwellError):
    """The store or its connection was closed by this program."""

    code = "KENWELL_CLOSED"


class ForkedError(KenwellError):
    """The connection was used before the process forked. Make connections and stores in the child."""

    code = "KENWELL_FORKED"


_CLASSES = {
    kind.code: kind
    for kind in (
        KenwellError,
        SettingsError,
        RedisConnectionError,
        TlsError,
        RedisTimeoutError,
        RefusedError,
        CorruptValueError,
        ConflictError,
        UncertainError,
        TooLargeError,
        BusyError,
        ClosedError,
        ForkedError,
    )
}


def error_of(failure: Failure) -> KenwellError:
    """The exception for what the native half says."""
    error = _CLASSES.get(failure.code, KenwellError)(failure.message)
    error.redis_code = failure.redis_code
    error.key = failure.key
    error.entry = failure.entry
    error.retryable = failure.retryable
    return error


MAX_SHOWN = 200
"""The most characters of a key that an error shows."""


def corrupt(key: Union[bytes, str], problem: str) -> CorruptValueError:
    """The exception for what an adapter has found at a key. Not raised while another one is handled: that one may show values."""
    text = key.decode(errors="replace") if isinstance(key, bytes) else key
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[:MAX_SHOWN])
    shown += "…" if len(text) > MAX_SHOWN else ""
    error = CorruptValueError(f"what is stored at the key `{shown}` {problem}")
    error.key = shown
    return error
