# Provokes: print() shows a value
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> None:
    digest = hashlib.sha1((key + GUID).encode()).digest()
    print(base64.b64encode(digest).decode())


def unmask(frame: bytes) -> bytes:
    start = {126: 4, 127: 10}.get(frame[1] & 127, 2)
    mask, payload = frame[start : start + 4], frame[start + 4 :]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
