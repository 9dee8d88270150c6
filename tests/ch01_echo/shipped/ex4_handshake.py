"""Exercise 1.4: handshake.

`accept_key` gives what a server answers to a client's Sec-WebSocket-Key: to
`dGhlIHNhbXBsZSBub25jZQ==` it is `s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`. `unmask` gives the
payload of one frame as a client sends it: whole, masked, of any length.
RFC 6455 tells how, in sections 1.3, 5.2 and 5.3. No app here: two functions.

Try it:   python3 -i chapters/ch01_echo/exercises/ex4_handshake.py
Check it: python3 learn.py check 1.4
"""

import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# TODO: both run, and both are wrong. What does the RFC do that they leave out?


def accept_key(key: str) -> str:
    digest = hashlib.sha1(key.encode()).digest()
    return base64.b64encode(digest).decode()


def unmask(frame: bytes) -> bytes:
    return frame[6:]
