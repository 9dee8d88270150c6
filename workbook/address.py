"""A port of this machine at which an app is served, and its clients."""

from typing import Any, Self

from workbook.client import REPLY, Client
from workbook.wire import Wire


class Address:
    """An app at `port` of 127.0.0.1. Use it in a `with`: leaving ends the server.

    Whoever serves the app inherits this, and says by `end` how that ends.
    """

    port: int

    def __init__(self) -> None:
        self.wire = Wire()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End the server; ending twice is ending once."""
        raise NotImplementedError

    @property
    def http(self) -> str:
        """The address of its pages: "http://127.0.0.1:54321"."""
        return f"http://127.0.0.1:{self.port}"

    def connect(
        self,
        name: str,
        path: str = "/ws",
        *,
        wire: Wire | None = None,
        reply: float = REPLY,
        **options: Any,
    ) -> Client:
        """A new client; `options` are those of `Client`.

        Raises:
            Failure: the handshake was refused or not answered.
        """
        used = self.wire if wire is None else wire
        return Client(name, self.port, path, wire=used, reply=reply, **options)
