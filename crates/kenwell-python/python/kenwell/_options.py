"""What a program says about a Redis and about its records, checked, in the form that the native half takes."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional

from ._names import member, natural, refuse_unknown, texts, typed, wrong
from ._option_types import (
    Cluster,
    Encryption,
    EncryptionKey,
    Entry,
    HashUserIds,
    HistoryElement,
    HistoryList,
    ProfilePlace,
    Sentinel,
    SessionElement,
    StoredElements,
    Tls,
)

PARTS = ("user", "session", "history", "created_at", "updated_at")
"""What an entry can hold."""

MAX_TIMEOUT_MS = 86_400_000
"""The longest time limit: a day."""


def connection_json(url: str, given: Mapping[str, Any]) -> str:
    """The checked form of what is said about a server."""
    typed("the connection", url, str)
    tls, cluster = _switched("tls", given.get("tls"), Tls), _switched("cluster", given.get("cluster"), Cluster)
    sentinel, address_map = given.get("sentinel"), _given(given, "address_map", {})
    if tls is not None and ("cert" in tls) != ("key" in tls):
        wrong("tls", "cert and key belong together: give both or none")
    if sentinel is not None:
        refuse_unknown("sentinel", typed("sentinel", sentinel, Mapping), _names_of(Sentinel))
        if not member("sentinel", sentinel, "master", str):
            wrong("sentinel['master']", "it is missing: give the name in the Sentinels' \"sentinel monitor\" line")
    typed("address_map", address_map, Mapping)
    if address_map and cluster is None and sentinel is None:
        wrong("address_map", "it has no effect without cluster or sentinel: only a cluster and Sentinels name addresses")
    return json.dumps(
        {
            "url": url,
            "tls": None if tls is None else _tls(tls),
            "cluster": None if cluster is None else {"nodes": _nodes("cluster", cluster)},
            "sentinel": None if sentinel is None else _sentinel(sentinel),
            "address_map": {typed("address_map", place, str): typed("address_map", other, str) for place, other in address_map.items()},
            "connect_timeout_ms": _limit("connect_timeout_ms", given.get("connect_timeout_ms")),
            "command_timeout_ms": _limit("command_timeout_ms", given.get("command_timeout_ms")),
        }
    )


def _switched(what: str, given: Any, kind: Any) -> Optional[Mapping[str, Any]]:
    """Something that is off, on, or on with options of its own."""
    if given is None or isinstance(given, bool):
        return {} if given else None
    refuse_unknown(what, typed(what, given, (dict, bool)), _names_of(kind))
    return dict(given)


def _tls(tls: Mapping[str, Any]) -> Dict[str, Any]:
    found: Dict[str, Any] = {name: member("tls", tls, name, str) for name in ("ca", "cert", "key", "server_name")}
    return {**found, "skip_verify": member("tls", tls, "skip_verify", bool)}


def _sentinel(sentinel: Mapping[str, Any]) -> Dict[str, Any]:
    found: Dict[str, Any] = {name: member("sentinel", sentinel, name, str) for name in ("master", "username", "password")}
    return {**found, "nodes": _nodes("sentinel", sentinel)}


def _nodes(what: str, given: Mapping[str, Any]) -> Optional[List[str]]:
    if given.get("nodes") is None:
        return None
    nodes = texts(f"{what}['nodes']", given["nodes"])
    if not nodes:
        wrong(f"{what}['nodes']", 'it must be a list of addresses, such as ["10.0.0.1:6379", "10.0.0.2:6379"]')
    return nodes


def _limit(what: str, value: Any) -> Optional[int]:
    return None if value is None else natural(what, value, least=1, most=MAX_TIMEOUT_MS)


def _given(given: Mapping[str, Any], name: str, default: Any) -> Any:
    """What is given under a name. Nothing but None stands for the default: what else counts as false is a mistake."""
    value = given.get(name)
    return default if value is None else value


def store_json(given: Mapping[str, Any]) -> str:
    """The checked form of a store's options."""
    ttl_seconds = natural("ttl_seconds", _given(given, "ttl_seconds", 0))
    entries = _given(given, "entries", [{"id": "data", **dict.fromkeys(PARTS, True)}])
    list_given = given.get("history_list")
    checked = [_entry(entry, ttl_seconds) for entry in typed("entries", entries, (list, tuple))]
    history_list = None if list_given is None else _history_list(list_given, ttl_seconds)
    ids = [entry["id"] for entry in checked] + ([] if history_list is None else [history_list["id"]])
    size = given.get("max_entry_bytes")
    return json.dumps(
        {
            "key_prefix": typed("key_prefix", _given(given, "key_prefix", ""), str),
            "key_separator": typed("key_separator", _given(given, "key_separator", ":"), str),
            "entries": checked,
            "elements": _elements(_given(given, "stored_elements", {})),
            "history_list": history_list,
            "encryption": _encryption(given.get("encryption"), ids),
            "hash_user_ids": _hash_secret(given.get("hash_user_ids")),
            "cluster_hash_tag": typed("cluster_hash_tag", _given(given, "cluster_hash_tag", False), bool),
            "refresh_on_load": typed("refresh_on_load", _given(given, "refresh_on_load", False), bool),
            "max_entry_bytes": None if size is None else natural("max_entry_bytes", size, least=1),
            "profile": _profile_prefix(given.get("profile")),
        }
    )


def _entry(entry: Any, ttl_seconds: int) -> Dict[str, Any]:
    known = _names_of(Entry)
    refuse_unknown("an entry", typed("entries", entry, Mapping), known)
    if not member("an entry", entry, "id", str):
        wrong("entries", "each needs an id, such as {'id': 'data', 'user': True}")
    what = f"entry {entry['id']!r}"
    ttl = entry.get("ttl_seconds")
    return {
        "id": entry["id"],
        **{part: member(what, entry, part, bool, False) for part in PARTS},
        "ttl_seconds": ttl_seconds if ttl is None else natural(f"{what}['ttl_seconds']", ttl),
    }


def _history_list(given: Any, ttl_seconds: int) -> Dict[str, Any]:
    refuse_unknown("history_list", typed("history_list", given, Mapping), _names_of(HistoryList))
    if not member("history_list", given, "id", str) or given.get("size") is None:
        wrong("history_list", "it needs an id and a size, such as {'id': 'turns', 'size': 500}")
    fields, ttl = given.get("fields"), given.get("ttl_seconds")
    return {
        "id": given["id"],
        "size": natural("history_list['size']", given["size"]),
        "fields": None if fields is None else texts("history_list['fields']", fields),
        "ttl_seconds": ttl_seconds if ttl is None else natural("history_list['ttl_seconds']", ttl),
    }


def _elements(given: Any) -> Dict[str, Any]:
    refuse_unknown("stored_elements", typed("stored_elements", given, Mapping), _names_of(StoredElements))
    session = _element("session", given.get("session"), _names_of(SessionElement))
    history = _element("history", given.get("history"), _names_of(HistoryElement))
    expiry, size, fields = session.get("expires_after_seconds"), history.get("size"), history.get("fields")
    return {
        **{part: member("stored_elements", given, part, bool, True) for part in ("user", "created_at", "updated_at")},
        "session": given.get("session") is not False,
        "session_expires_after_seconds": None if expiry is None else natural("stored_elements['session']", expiry),
        "history": given.get("history") is not False,
        "history_size": None if size is None else natural("stored_elements['history']['size']", size),
        "history_fields": None if fields is None else texts("stored_elements['history']['fields']", fields),
    }


def _element(name: str, given: Any, known: List[str]) -> Mapping[str, Any]:
    if given is None or isinstance(given, bool):
        return {}
    what = f"stored_elements[{name!r}]"
    refuse_unknown(what, typed(what, given, (dict, bool)), known)
    return dict(given)


def _encryption(given: Any, ids: List[str]) -> Optional[Dict[str, Any]]:
    if given is None:
        return None
    refuse_unknown("encryption", typed("encryption", given, Mapping), _names_of(Encryption))
    entries = given.get("entries")
    if entries is not None:
        refuse_unknown("entries, as encryption['entries'] names them,", texts("encryption['entries']", entries), ids)
    keys = []
    for key in typed("encryption['keys']", given.get("keys"), (list, tuple)):
        refuse_unknown("a key of encryption", typed("encryption['keys']", key, Mapping), _names_of(EncryptionKey))
        keys.append({name: typed(f"a key's {name} in encryption['keys']", key.get(name), str) for name in ("id", "secret")})
    accept = member("encryption", given, "accept_plaintext", bool, False)
    return {"keys": keys, "entries": entries, "accept_plaintext": accept}


def _hash_secret(given: Any) -> Optional[str]:
    if given is None:
        return None
    refuse_unknown("hash_user_ids", typed("hash_user_ids", given, Mapping), _names_of(HashUserIds))
    return str(typed("hash_user_ids['secret']", given.get("secret"), str))


def _profile_prefix(given: Any) -> Optional[str]:
    place = _switched("profile", given, ProfilePlace)
    return None if place is None else str(member("profile", place, "prefix", str, ""))


def _names_of(kind: Any) -> List[str]:
    """The names of a TypedDict, those of its bases included."""
    return sorted(kind.__required_keys__ | kind.__optional_keys__)
