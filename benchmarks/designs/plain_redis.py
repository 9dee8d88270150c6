"""A subscription a process without FastAPI, Starlette and redis-py: a limit.

As little as can be between Redis and the sockets while all goes well. Nobody looks
whether Redis is there or has taken a text, and who is slow holds up everybody: so it is
there to be compared with, and not to be copied.
"""

import asyncio
import json
import os
from itertools import count
from urllib.parse import parse_qs, urlsplit

from starlette.types import Receive, Scope, Send

REDIS = urlsplit(os.environ["REDIS_URL"])
HOST, PORT = REDIS.hostname or "127.0.0.1", REDIS.port or 6379

PUBLISH = b"*3\r\n$7\r\nPUBLISH\r\n$4\r\nchat\r\n$%d\r\n%b\r\n"
LINES = 7  # of what comes of it, too; the last one is what was said
CONFIRMED = 6  # lines that answer SUBSCRIBE

ids = count()
room: dict[str, Send] = {}
publishers: list[asyncio.WriteTransport] = []  # one, once it is connected


async def hear(reader: asyncio.StreamReader) -> None:
    rest = b""
    while data := await reader.read(65536):
        lines = (rest + data).split(b"\r\n")  # JSON has none: a line is a line
        end = (len(lines) - 1) // LINES * LINES
        rest = b"\r\n".join(lines[end:])
        for line in lines[LINES - 1 : end : LINES]:
            sender, _, said = line.decode().partition(" ")
            event = {"type": "websocket.send", "text": said}
            for member, send in room.copy().items():
                if member != sender:
                    await send(event)


async def listen(receive: Receive, send: Send) -> None:
    """From the server's start to its end."""
    await receive()  # lifespan.startup
    publisher, _ = await asyncio.get_running_loop().create_connection(
        asyncio.Protocol, HOST, PORT
    )
    publisher.write(b"CLIENT REPLY OFF\r\n")  # or it would be told what nobody reads
    publishers.append(publisher)
    reader, writer = await asyncio.open_connection(HOST, PORT)
    writer.write(b"SUBSCRIBE chat\r\n")
    for _ in range(CONFIRMED):
        await reader.readline()
    hearing = asyncio.create_task(hear(reader))
    await send({"type": "lifespan.startup.complete"})
    await receive()  # lifespan.shutdown
    hearing.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def chat(scope: Scope, receive: Receive, send: Send) -> None:
    username = parse_qs(scope["query_string"].decode())["username"][0]
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    sender = f"{os.getpid()}:{next(ids)}"
    room[sender] = send
    while (message := await receive())["type"] == "websocket.receive":
        said = json.dumps({"username": username, "message": message["text"]})
        line = f"{sender} {said}".encode()
        publishers[0].write(PUBLISH % (len(line), line))
    del room[sender]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await listen(receive, send)
    elif scope["type"] == "websocket":
        await chat(scope, receive, send)
