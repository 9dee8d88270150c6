import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


class Person:
    def __init__(self, websocket: WebSocket, name: str) -> None:
        self.websocket = websocket
        self.name = name

    async def say(self, text: str) -> None:
        said = {"username": self.name, "message": text}
        others = [person for person in people if person is not self]
        await asyncio.gather(
            *(other.websocket.send_json(said) for other in others),
            return_exceptions=True,
        )


people: list[Person] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    me = Person(websocket, username)
    people.append(me)
    async for text in websocket.iter_text():
        await me.say(text)
    people.remove(me)
