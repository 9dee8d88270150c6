from fastapi import APIRouter, FastAPI, WebSocket

router = APIRouter()


@router.get("/health")
def health() -> str:
    return "well"


@router.websocket("/ws")
async def talk(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        match await socket.receive():
            case {"type": "websocket.disconnect"}:
                return
            case {"text": "bye"}:
                await socket.close(1000)
                return
            case {"text": str() as words}:
                await socket.send_text(words.upper())


app = FastAPI()
app.include_router(router)
