"""Its handler prints without end.

got: your program was ended, it printed more than 8 MiB
look at: print("1 passed" * 500)
hint: prints without end
printed: 1 passed
"""

from fastapi import WebSocket
from shouting import shout


async def talk(websocket: WebSocket) -> None:
    while True:
        print("1 passed" * 500)


app = shout(texted=talk)
