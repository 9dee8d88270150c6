# Provokes: In quotation marks these are texts
from fastapi import FastAPI, WebSocket
from pydantic import BaseModel, ValidationError

app = FastAPI()


class Numbers(BaseModel):
    a: float
    b: float


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = Numbers.model_validate_json(text)
        except ValidationError as error:
            await websocket.send_json({"error": str(error)})
        else:
            await websocket.send_json({"sum": numbers.a + numbers.b})
