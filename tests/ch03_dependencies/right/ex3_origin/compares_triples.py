from urllib.parse import urlsplit

from fastapi import FastAPI, WebSocket

ALLOWED = {"https://chat.example", "http://localhost:3000"}
PORTS = {"http": 80, "https": 443}

app = FastAPI()


def triple(origin: str) -> tuple[str, str | None, int | None] | None:
    parts = urlsplit(origin)
    if parts.scheme not in PORTS or parts.path or parts.query or parts.fragment:
        return None
    try:
        return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]
    except ValueError:  # what stands in the port's place is no number
        return None


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    scheme = {"ws": "http", "wss": "https"}[websocket.scope["scheme"]]
    sites = {triple(f"{scheme}://{websocket.headers['host']}"), *map(triple, ALLOWED)}
    if origin is not None and (triple(origin) is None or triple(origin) not in sites):
        await websocket.close(1008)
        return
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
