import struct
from base64 import b64encode
from hashlib import sha1
from itertools import cycle


def accept_key(key: str) -> str:
    digest = sha1(key.encode("ascii"))
    digest.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    return str(b64encode(digest.digest()), "ascii")


def unmask(frame: bytes) -> bytes:
    _, length = struct.unpack_from("!BB", frame)
    offset, length = 2, length & ~0x80
    if length == 126:
        (length,) = struct.unpack_from("!H", frame, offset)
        offset += 2
    elif length == 127:
        (length,) = struct.unpack_from("!Q", frame, offset)
        offset += 8
    mask, payload = frame[offset : offset + 4], frame[offset + 4 :][:length]
    return bytes(a ^ b for a, b in zip(payload, cycle(mask), strict=False))
