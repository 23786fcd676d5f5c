"""A server that answers with what no Redis answers with."""

import asyncio
from contextlib import asynccontextmanager

UNKNOWN = b"-ERR unknown command\r\n"


async def command_name(reader):
    """The name of the next command; its arguments are passed over."""
    count = int((await reader.readline())[1:])
    words = []
    for _ in range(count):
        length = int((await reader.readline())[1:])
        words.append((await reader.readexactly(length + 2))[:-2])
    return words[0].decode().upper()


@asynccontextmanager
async def hostile_server(answers):
    """Greets as an old Redis does; `answers` has what comes to other commands. Gives its port."""

    async def serve(reader, writer):
        try:
            while not reader.at_eof():
                name = await command_name(reader)
                writer.write(b"+PONG\r\n" if name == "PING" else answers[name].encode() if name in answers else UNKNOWN)
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass  # the client has hung up
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
