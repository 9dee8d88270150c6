from base64 import standard_b64encode
from hashlib import sha1

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    joined = f"{key}{GUID}"
    return standard_b64encode(sha1(joined.encode("utf-8")).digest()).decode("ascii")


class Frame:
    """What stands where in a masked frame."""

    def __init__(self, data: bytes) -> None:
        self.data = memoryview(data)
        self.at = 1

    def take(self, count: int) -> memoryview:
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int) -> int:
        value = 0
        for byte in self.take(count):
            value = value << 8 | byte
        return value

    def payload(self) -> bytearray:
        length = self.number(1) - 0x80
        if length == 126:
            length = self.number(2)
        elif length == 127:
            length = self.number(8)
        mask = self.take(4)
        payload = bytearray(self.take(length))
        for place in range(length):
            payload[place] ^= mask[place & 3]
        return payload


def unmask(frame: bytes) -> bytes:
    return bytes(Frame(frame).payload())
