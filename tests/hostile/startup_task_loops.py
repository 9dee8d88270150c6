"""A task of its start-up never awaits anything.

limit: start 2
got: nothing for 2 s: the server stood still
look at: while True:
hint: for every client
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI


async def work() -> None:
    while True:
        pass


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.task = asyncio.create_task(work())
    yield


app = FastAPI(lifespan=lifespan)
