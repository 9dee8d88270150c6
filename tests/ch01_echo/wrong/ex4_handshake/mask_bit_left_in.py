# Provokes: no part of the length
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    digest = hashlib.sha1((key + GUID).encode()).digest()
    return base64.b64encode(digest).decode()


def unmask(frame: bytes) -> bytes:
    length = frame[1]
    if length < 126:
        start = 2
    elif length == 126:
        start = 4
    else:
        start = 10
    mask, payload = frame[start : start + 4], frame[start + 4 :]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
