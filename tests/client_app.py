"""An app that does to its clients whatever a test asks for."""

import asyncio

from fastapi import FastAPI, HTTPException, WebSocket

app = FastAPI()


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    while (message := await websocket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])


@app.websocket("/handshake")
async def show_handshake(websocket: WebSocket) -> None:
    """Say what the handshake brought, and choose the last subprotocol offered."""
    offered = list(websocket.scope["subprotocols"])
    await websocket.accept(
        subprotocol=offered[-1] if offered else None, headers=[(b"x-room", b"blue")]
    )
    names = ("cookie", "origin", "sec-websocket-extensions")
    await websocket.send_json({name: websocket.headers.get(name) for name in names})


@app.websocket("/closes")
async def close(websocket: WebSocket, code: int, reason: str = "") -> None:
    await websocket.accept()
    await websocket.close(code, reason)


@app.websocket("/returns")
async def return_at_once(websocket: WebSocket) -> None:
    await websocket.accept()


@app.websocket("/refuses")
async def refuse(websocket: WebSocket) -> None:
    await websocket.close(1008)


@app.websocket("/denies")
async def deny(websocket: WebSocket) -> None:
    raise HTTPException(401)


@app.websocket("/crashes")
async def crash(websocket: WebSocket) -> None:
    raise RuntimeError("the handler broke")


@app.websocket("/hangs")
async def hang(websocket: WebSocket) -> None:
    await asyncio.Event().wait()


@app.websocket("/stares")
async def stare(websocket: WebSocket) -> None:
    """Accept, and neither read nor write."""
    await websocket.accept()
    await asyncio.Event().wait()


@app.websocket("/floods")
async def flood(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.send_bytes(b"x" * (1 << 20))
        # While nothing waits, the event loop does not learn that the client has gone.
        await asyncio.sleep(0)


@app.websocket("/watches")
async def watch(websocket: WebSocket) -> None:
    """Tell the second client how the first one's connection ended."""
    await websocket.accept()
    await websocket.send_text("watched")
    message = await websocket.receive()
    app.state.seen.put_nowait(f"{message['type']} {message.get('code')}")


app.state.seen = asyncio.Queue()


@app.websocket("/tells")
async def tell(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await app.state.seen.get())
