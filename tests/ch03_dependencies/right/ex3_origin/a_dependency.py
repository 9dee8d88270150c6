from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, WebSocket

ALLOWED = {"https://chat.example", "http://localhost:3000"}


async def our_pages(
    websocket: WebSocket,
    host: Annotated[str, Header()],
    origin: Annotated[str | None, Header()] = None,
) -> None:
    https = websocket.url.is_secure
    own = f"https://{host}" if https else f"http://{host}"
    if origin not in {None, own, *ALLOWED}:
        raise HTTPException(403, "another site's page")


app = FastAPI(dependencies=[Depends(our_pages)])


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
