from http.cookies import CookieError, SimpleCookie

from fastapi import FastAPI, WebSocket
from starlette.types import ASGIApp, Receive, Scope, Send

TICKET = "row-7-seat-12"


class ShowTicket:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not self.shown(scope):
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.app(scope, receive, send)

    def shown(self, scope: Scope) -> bool:
        header = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
        try:
            cookies = SimpleCookie(header)
        except CookieError:
            return False
        return "ticket" in cookies and cookies["ticket"].value == TICKET


app = FastAPI()
app.add_middleware(ShowTicket)


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
