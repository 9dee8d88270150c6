"""The race of `cancelling`, on a Redis client that waits without a limit.

`socket_timeout=None` was redis-py's default until version 8. With any other the
library beneath delivers nothing on Python 3.11: chapter 5's notebook tells why.
"""

from broadcaster import Broadcast
from broadcaster._backends.redis import RedisBackend
from redis.asyncio import Redis

from benchmarks.designs import cancelling


class Untimed(RedisBackend):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._conn = Redis.from_url(url, socket_timeout=None)
        self._pubsub = self._conn.pubsub()


cancelling.broadcast = Broadcast(backend=Untimed(cancelling.os.environ["REDIS_URL"]))
app = cancelling.app
