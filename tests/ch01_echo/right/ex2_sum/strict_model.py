from fastapi import FastAPI, WebSocket
from pydantic import BaseModel, ConfigDict, ValidationError

app = FastAPI()


class Numbers(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    a: int | float
    b: int | float


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = Numbers.model_validate_json(text)
        except ValidationError as error:
            await websocket.send_json({"error": error.errors()[0]["msg"]})
        else:
            await websocket.send_json({"sum": numbers.a + numbers.b})
