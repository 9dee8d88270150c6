"""Its start-up waits for what never comes.

limit: start 3
got: nothing for 3 s: the app was still starting up
look at: await asyncio.Event().wait()
hint: until the start-up is done
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await asyncio.Event().wait()
    yield


app = FastAPI(lifespan=lifespan)
