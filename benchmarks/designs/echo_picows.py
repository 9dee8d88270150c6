"""The same echo on picows, whose frames are handled in C: `python -m ... --port 8000`.

It has no permessage-deflate.
"""

import signal
import sys

import picows
import uvloop


class Echo(picows.WSListener):
    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.TEXT:
            text = frame.get_payload_as_utf8_text()
            transport.send(picows.WSMsgType.TEXT, f"Message text was: {text}".encode())


def listener(_: picows.WSUpgradeRequest) -> Echo:
    return Echo()


async def main(port: int) -> None:
    server = await picows.ws_create_server(listener, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    uvloop.run(main(int(sys.argv[-1])))
