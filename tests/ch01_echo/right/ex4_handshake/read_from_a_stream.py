import binascii
import hashlib
import io

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    digest = hashlib.new("sha1", key.encode() + GUID).digest()
    return binascii.b2a_base64(digest, newline=False).decode()


def unmask(frame: bytes) -> bytes:
    stream = io.BytesIO(frame)
    _, second = stream.read(2)
    length = second % 128
    if length > 125:
        length = int.from_bytes(stream.read(2 if length == 126 else 8), "big")
    mask = int.from_bytes(stream.read(4) * (length // 4 + 1), "big")
    rest = int.from_bytes(stream.read(length).ljust(length // 4 * 4 + 4, b"\0"), "big")
    return (mask ^ rest).to_bytes(length // 4 * 4 + 4, "big")[:length]
