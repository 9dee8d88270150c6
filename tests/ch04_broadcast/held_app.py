"""Chapter 4's app, and what its process holds, for tests to ask."""

import gc

from chapters.ch04_broadcast.app import app, room

__all__ = ["app"]


@app.get("/members")
async def members() -> int:
    return len(room)


@app.get("/objects")
async def objects() -> int:
    gc.collect()
    # Without lists: the server that serves the tests keeps one for each connection.
    return sum(type(each) is not list for each in gc.get_objects())
