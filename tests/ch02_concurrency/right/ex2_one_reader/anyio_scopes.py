from anyio import CancelScope, create_task_group, sleep
from anyio.abc import TaskGroup
from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


class Ticks:
    def __init__(self, websocket: WebSocket, tasks: TaskGroup) -> None:
        self.websocket = websocket
        self.tasks = tasks
        self.scope = CancelScope()

    def start(self) -> None:
        self.stop()
        self.scope = CancelScope()
        self.tasks.start_soon(self.run, self.scope)

    def stop(self) -> None:
        self.scope.cancel()

    async def run(self, scope: CancelScope) -> None:
        with scope:
            while True:
                await sleep(STEP)
                await self.websocket.send_text("tick")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async with create_task_group() as tasks:
        ticks = Ticks(websocket, tasks)
        orders = {"pause": ticks.stop, "resume": ticks.start}
        ticks.start()
        async for text in websocket.iter_text():
            if text in orders:
                orders[text]()
            else:
                await websocket.send_text(text)
        tasks.cancel_scope.cancel()
