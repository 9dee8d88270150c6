"""The last resort where no Redis can run: fakeredis on a port of 127.0.0.1.

`python -m workbook.standin PORT`. On Windows it ends when its standard input does.
It knows what chapter 5 needs, and is slow: no figure is to be drawn from it.
"""

import os
import sys
import threading

from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler


class Handler(TCPFakeRequestHandler):
    """One connection, which must never wait for a request: news may have to go out."""

    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Set the socket non-blocking where fakeredis itself does not: no `fcntl`."""
        super().setup()
        if sys.platform == "win32":
            self.connection.setblocking(False)


class StandIn(TcpFakeServer):
    """A server that takes many connections at once."""

    request_queue_size = 128


def serve(port: int) -> None:
    """Serve until this process is ended."""
    server = StandIn(("127.0.0.1", port))
    server.RequestHandlerClass = Handler
    server.daemon_threads = True
    if sys.platform == "win32":
        threading.Thread(target=end_with_input, daemon=True).start()
    server.serve_forever()


def end_with_input() -> None:
    """End this process when the one that started it has gone."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
