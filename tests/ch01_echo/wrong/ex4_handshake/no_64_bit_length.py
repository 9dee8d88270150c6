# Provokes: 127: the length follows
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    digest = hashlib.sha1((key + GUID).encode()).digest()
    return base64.b64encode(digest).decode()


def unmask(frame: bytes) -> bytes:
    if frame[1] & 127 < 126:
        mask, payload = frame[2:6], frame[6:]
    else:
        mask, payload = frame[4:8], frame[8:]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
