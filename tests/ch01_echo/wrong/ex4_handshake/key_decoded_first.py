# Provokes: The key was decoded first.
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    nonce = base64.b64decode(key)
    digest = hashlib.sha1(nonce + GUID.encode()).digest()
    return base64.b64encode(digest).decode()


def unmask(frame: bytes) -> bytes:
    start = {126: 4, 127: 10}.get(frame[1] & 127, 2)
    mask, payload = frame[start : start + 4], frame[start + 4 :]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
