"""An app that accepts, and what people forget or give away in doing so."""

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/query")
async def token_in_the_query(websocket: WebSocket, token: str = "") -> None:
    await websocket.accept()
    await websocket.close(1000, f"a token of {len(token)} characters")


@app.websocket("/silent")
async def accept_no_subprotocol(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(1000)


@app.websocket("/choosing")
async def accept_a_subprotocol(websocket: WebSocket) -> None:
    offered = websocket.scope["subprotocols"]
    await websocket.accept(subprotocol="chat" if "chat" in offered else None)
    await websocket.close(1000)
