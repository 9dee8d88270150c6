"""It subscribes to ten thousand channels.

got: 20002 subscriptions
"""

from shouting import redis, shout

pubsub = redis.pubsub()


async def flood() -> None:
    for number in range(10):
        names = [f"channel {number} {other}" for other in range(1000)]
        await pubsub.subscribe(*names)


app = shout(started=flood)
