import hmac

from fastapi import FastAPI, WebSocket
from fastapi.responses import PlainTextResponse

TICKET = "row-7-seat-12"
app = FastAPI()


def shown(socket: WebSocket) -> bool:
    ticket = socket.cookies.get("ticket")
    return ticket is not None and hmac.compare_digest(ticket.encode(), TICKET.encode())


@app.websocket("/ws")
async def converse(socket: WebSocket) -> None:
    if not shown(socket):
        await socket.send_denial_response(PlainTextResponse("no ticket", 403))
        return
    await socket.accept()
    while (message := await socket.receive())["type"] == "websocket.receive":
        await socket.send_text(message["text"])
