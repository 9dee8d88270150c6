# Provokes: 126: the length follows
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    digest = hashlib.sha1((key + GUID).encode()).digest()
    return base64.b64encode(digest).decode()


def unmask(frame: bytes) -> bytes:
    mask = frame[2:6]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(frame[6:]))
