"""The way to a Redis, and the profiles that lie there."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NoReturn, Optional, Union, cast

from . import _native
from ._calls import begin, end, opened
from ._closing import CLOSE_TIMEOUT_MS, ClosedAtTheEnd
from ._names import natural, refuse_unknown, typed
from ._option_types import Cluster, Sentinel, Tls
from ._options import connection_json

CONNECTION_OPTIONS = ("tls", "cluster", "sentinel", "address_map", "connect_timeout_ms", "command_timeout_ms")


class Connection(ClosedAtTheEnd):
    """One Redis: a standalone server, a cluster, or whatever server the Sentinels call the master.

    It opens when it is first needed, and again after it broke. Stores may share it; calls on one key through one connection
    take effect in the order in which they were begun. It may be used from several event loops and threads.

    ``url`` is ``redis[s]://[[user]:password@]host[:port][/database]`` (or ``valkey[s]://``), ``unix:///path[?db=database]``, or a
    connection string of Azure. ``connect_timeout_ms`` and ``command_timeout_ms`` (5000 each): a call answers within the longer of the
    two, from its beginning, whatever it waits for.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: Union[bool, Tls, None] = None,
        cluster: Union[bool, Cluster, None] = None,
        sentinel: Optional[Sentinel] = None,
        address_map: Optional[Mapping[str, str]] = None,
        connect_timeout_ms: Optional[int] = None,
        command_timeout_ms: Optional[int] = None,
        **unknown: NoReturn,
    ) -> None:
        refuse_unknown("Connection", unknown, CONNECTION_OPTIONS)
        given = {
            "tls": tls,
            "cluster": cluster,
            "sentinel": sentinel,
            "address_map": address_map,
            "connect_timeout_ms": connect_timeout_ms,
            "command_timeout_ms": command_timeout_ms,
        }
        self._native: _native.Connection = opened(_native.Connection.open(connection_json(url, given)))

    async def ping(self) -> None:
        """Asks Redis for a sign of life; raises the reason when there is none."""
        await begin(self._native.ping)

    async def close(self, timeout_ms: int = CLOSE_TIMEOUT_MS) -> None:
        """Lets no more calls begin, waits for those that have, those of stores too, and closes the sockets.

        Raises RedisTimeoutError when they took longer; the sockets are closed all the same.
        """
        await end(self._native.close, natural("timeout_ms", timeout_ms))


async def profile(connection: Connection, user_id: str, *, prefix: str = "") -> Optional[Dict[str, str]]:
    """What the event stream knows about a user: the fields of the hash ``[prefix:]user:<user id>``, or None when there are none."""
    typed("connection", connection, Connection)
    found: Any = await begin(connection._native.profile, typed("prefix", prefix, str), named(user_id))
    return cast("Optional[Dict[str, str]]", found)


def named(user_id: Any) -> str:
    """A user id, which is a text."""
    return cast(str, typed("user_id", user_id, str))
