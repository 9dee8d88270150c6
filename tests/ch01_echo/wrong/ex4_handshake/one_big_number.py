# Provokes: zeros at its ends
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    digest = hashlib.sha1((key + GUID).encode()).digest()
    return base64.b64encode(digest).decode()


def unmask(frame: bytes) -> bytes:
    start = {126: 4, 127: 10}.get(frame[1] & 127, 2)
    mask, payload = frame[start : start + 4], frame[start + 4 :]
    long_mask = (mask * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(long_mask, "big")
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
