"""It sets a password to a Redis that may be others'.

got: ResponseError: forbidden here: others may use this Redis
look at: await redis.config_set("requirepass", "secret")
"""

from shouting import redis, shout


async def lock() -> None:
    await redis.config_set("requirepass", "secret")


app = shout(started=lock)
