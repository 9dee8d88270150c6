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


def accept_key(key: str) -> str:
    # The key stays text, with its ==: it is not decoded before the GUID joins it.
    digest = hashlib.sha1((key + GUID).encode()).digest()
    return base64.b64encode(digest).decode()


def unmask(frame: bytes) -> bytes:
    # The second byte: one bit that says "masked", and a length. 126 and 127 are no
    # lengths: they say that it follows, in 2 bytes or in 8. Then comes the mask.
    start = {126: 4, 127: 10}.get(frame[1] & 0b0111_1111, 2)
    mask, payload = frame[start : start + 4], frame[start + 4 :]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
