"""The same echo without a framework: ASGI by hand, on uvicorn."""

from starlette.types import Receive, Scope, Send


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        return
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = f"Message text was: {message['text']}"
        await send({"type": "websocket.send", "text": text})
