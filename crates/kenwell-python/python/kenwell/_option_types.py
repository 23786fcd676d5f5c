"""Types of what a program says about a Redis and about its records: dicts with these names."""

from __future__ import annotations

from typing import List, TypedDict, Union


class Tls(TypedDict, total=False):
    """For ``rediss:``, or instead of it. PEM text, or the path of a PEM file."""

    ca: str
    """The authorities to trust instead of the system's."""
    cert: str
    """Our certificate, for servers that want one; with ``key``."""
    key: str
    server_name: str
    """The name in the server's certificate, when it is not the host."""
    skip_verify: bool
    """Accepts any certificate: anyone on the way can read and change what is sent."""


class Cluster(TypedDict, total=False):
    """A Redis Cluster."""

    nodes: List[str]
    """Its nodes, if the URL's host is not enough to start from."""


class _SentinelMaster(TypedDict):
    master: str


class Sentinel(_SentinelMaster, total=False):
    """Sentinels, and the name by which they know the master."""

    nodes: List[str]
    """Their addresses, unless the URL has one."""
    username: str
    password: str


class _EntryId(TypedDict):
    id: str


class Entry(_EntryId, total=False):
    """One Redis key of a record. Its id is part of the key."""

    user: bool
    session: bool
    history: bool
    created_at: bool
    updated_at: bool
    ttl_seconds: int
    """How long Redis keeps it after a save. Default, and 0: for ever."""


class EncryptionKey(TypedDict):
    """A secret of 32 bytes, as 64 hexadecimal digits or base64, and the name by which values refer to it."""

    id: str
    secret: str


class _EncryptionKeys(TypedDict):
    keys: List[EncryptionKey]


class Encryption(_EncryptionKeys, total=False):
    """The first key encrypts, all of them decrypt."""

    entries: List[str]
    """The ids of the entries to encrypt. Default: all."""
    accept_plaintext: bool
    """Also reads values that are not encrypted yet. Default: they are an error."""


class HashUserIds(TypedDict):
    """Keys hold an HMAC of the user id. The secret has at least 16 bytes and cannot be changed later."""

    secret: str


class SessionElement(TypedDict, total=False):
    """How sessions are stored."""

    expires_after_seconds: int
    """A stored session that was not touched for longer is gone on loading. Default: never."""


class HistoryElement(TypedDict, total=False):
    """How histories are stored."""

    size: int
    """How many turns are kept, the newest ones. Default: all."""
    fields: List[str]
    """The fields of a new turn that are kept, in this order. Default: all."""


class StoredElements(TypedDict, total=False):
    """Which parts of a record are stored at all. Default: all."""

    user: bool
    session: Union[bool, SessionElement]
    history: Union[bool, HistoryElement]
    created_at: bool
    updated_at: bool


class _HistoryListId(TypedDict):
    id: str
    size: int


class HistoryList(_HistoryListId, total=False):
    """A Redis list of turns beside the record: its id, and how many turns stay (1 to 10,000)."""

    fields: List[str]
    ttl_seconds: int


class ProfilePlace(TypedDict, total=False):
    """Where profiles lie: ``[prefix:]user:<user id>``."""

    prefix: str
