"""Chapter 3: who is knocking?

New since chapter 1: dependencies, functions of the handshake. They read its query,
its cookie and its Origin, and refuse a stranger before accept(), at every door.
"""

import os
import secrets
from pathlib import Path
from typing import Annotated, NoReturn

from fastapi import Cookie, Depends, FastAPI, Form, WebSocket, WebSocketDisconnect
from fastapi.exceptions import HTTPException, WebSocketException
from fastapi.requests import HTTPConnection, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

PAGE = Path(__file__).with_name("page.html")
API_TOKEN = os.environ.get("API_TOKEN") or "SECRET_API_TOKEN"
ALLOWED_ORIGINS = os.environ.get("ALLOWED_ORIGINS", "").replace(",", " ").split()


# HTTPConnection is what a Request and a WebSocket have in common.
def refuse(connection: HTTPConnection, reason: str) -> NoReturn:
    if connection.scope["type"] == "websocket":
        # Nothing is accepted yet, so no close frame can carry code and reason:
        # on the wire this is HTTP 403, and a browser tells its page 1006.
        raise WebSocketException(1008, reason)
    raise HTTPException(403, reason)


async def only_our_pages(connection: HTTPConnection) -> None:
    """A browser sends our cookie whoever's page asks: look whose it is."""
    scheme = connection.scope["scheme"].replace("ws", "http")
    own = f"{scheme}://{connection.headers.get('host')}"
    # Whole origins: https://localhost.evil.example has "localhost" in it, too.
    # None is no page but a program: its cookie alone decides.
    if connection.headers.get("origin") not in (None, own, *ALLOWED_ORIGINS):
        refuse(connection, "this page is from another site")


def is_right(token: str) -> bool:
    # Takes as long for a near miss as for a far one. Bytes: of str, only ASCII goes.
    return secrets.compare_digest(token.encode(), API_TOKEN.encode())


async def guest(
    connection: HTTPConnection,
    username: str = "Anonymous",
    token: Annotated[str, Cookie()] = "",
) -> str:
    if not is_right(token):
        refuse(connection, "wrong token" if token else "no cookie named token")
    return username


app = FastAPI(title="Chapter 3: dependencies", dependencies=[Depends(only_our_pages)])


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.get("/me")
async def me(username: Annotated[str, Depends(guest)]) -> dict[str, str]:
    return {"username": username}


@app.post("/login")
async def log_in(request: Request, token: Annotated[str, Form()] = "") -> Response:
    if not is_right(token):
        return RedirectResponse("/?login=refused", 303)
    answer = RedirectResponse("/", 303)
    https = request.scope["scheme"] == "https"
    # httponly: no script can read it, so none can give it away.
    answer.set_cookie("token", token, secure=https, httponly=True, samesite="lax")
    return answer


@app.post("/logout")
async def log_out() -> Response:
    return RedirectResponse("/", 303, {"Set-Cookie": "token=; Path=/; Max-Age=0"})


@app.websocket("/ws")
async def echo(websocket: WebSocket, username: Annotated[str, Depends(guest)]) -> None:
    await websocket.accept()
    try:
        await websocket.send_text(f"Hello, {username}!")
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                await websocket.close(1003, "this socket takes text only")
                return
            await websocket.send_text(f"Message text was: {text}")
    except WebSocketDisconnect:
        pass  # the client left while we were sending
