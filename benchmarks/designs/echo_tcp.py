"""The limit: bytes back as they came, whatever they say. `python -m ... --port 8000`.

Only the first of them, the handshake, gets an answer, and that one is always the same.
"""

import asyncio
import signal
import sys
from typing import cast

import uvloop

SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._greeted = False

    def data_received(self, data: bytes) -> None:
        self._transport.write(data if self._greeted else SWITCHING)
        self._greeted = True


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    uvloop.run(main(int(sys.argv[-1])))
