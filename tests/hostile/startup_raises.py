"""Its start-up fails.

got: ValueError: no such database
look at: raise ValueError("no such database")
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    raise ValueError("no such database")
    yield


app = FastAPI(lifespan=lifespan)
