"""Chapter 4's app, and what its process holds, for tests to ask."""

import gc

from chapters.ch04_broadcast.app import app, room

__all__ = ["app"]


@app.get("/held")
async def held() -> dict[str, int]:
    gc.collect()
    # Without lists: the server that serves the tests keeps one for each connection.
    objects = sum(type(each) is not list for each in gc.get_objects())
    return {"members": len(room), "objects": objects}
