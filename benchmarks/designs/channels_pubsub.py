"""A group of Django's channels, on the pub/sub layer of channels_redis."""

import json
import os
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

LAYER = "channels_redis.pubsub.RedisPubSubChannelLayer"

settings.configure(
    CHANNEL_LAYERS={
        "default": {"BACKEND": LAYER, "CONFIG": {"hosts": [os.environ["REDIS_URL"]]}}
    }
)

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402, configured


class Chat(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        query = parse_qs(self.scope["query_string"].decode())
        self.username = query["username"][0]
        await self.channel_layer.group_add("chat", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("chat", self.channel_name)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        said = {"username": self.username, "message": text_data}
        event = {"type": "say", "sender": self.channel_name, "said": said}
        await self.channel_layer.group_send("chat", event)

    async def say(self, event: dict[str, Any]) -> None:
        if event["sender"] != self.channel_name:
            await self.send(text_data=json.dumps(event["said"]))


app = Chat.as_asgi()
