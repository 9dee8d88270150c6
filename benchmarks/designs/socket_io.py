"""A room of python-socketio. Through Redis, if REDIS_URL names one."""

import os

import socketio

url = os.environ.get("REDIS_URL")
manager = socketio.AsyncRedisManager(url) if url else None
server = socketio.AsyncServer(async_mode="asgi", client_manager=manager)
app = socketio.ASGIApp(server)


@server.event
async def chat(sid: str, text: str) -> None:
    said = {"username": sid, "message": text}
    await server.emit("chat", said, skip_sid=sid)
