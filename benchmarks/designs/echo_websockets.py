"""The same echo on the server of `websockets`: `python -m ... --port 8000`."""

import asyncio
import signal
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


async def echo(connection: ServerConnection) -> None:
    try:
        async for text in connection:
            await connection.send(f"Message text was: {text}")
    except ConnectionClosed:
        pass


async def main(port: int) -> None:
    async with serve(echo, "127.0.0.1", port):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    uvloop.run(main(int(sys.argv[-1])))
