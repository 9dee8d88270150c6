from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Security, WebSocket
from fastapi.security import APIKeyCookie

MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}
cookie = APIKeyCookie(name="key", auto_error=False)


class Club:
    def __init__(self, members: dict[str, str]) -> None:
        self.members = members

    def __call__(self, key: Annotated[str | None, Security(cookie)]) -> str:
        if key not in self.members:
            raise HTTPException(403, "members only")
        return self.members[key]


Member = Annotated[str, Depends(Club(MEMBERS))]
router = APIRouter()


@router.get("/me")
def me(name: Member) -> dict[str, str]:
    return {"name": name}


@router.websocket("/ws")
async def greet(socket: WebSocket, name: Member) -> None:
    await socket.accept()
    await socket.send_text("Hello, " + name + "!")
    await socket.close(1000, "bye")


app = FastAPI()
app.include_router(router)
