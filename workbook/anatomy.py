"""One frame taken apart: every bit of its head, every byte of its message, drawn."""

from dataclasses import dataclass
from html import escape

OPCODES = {
    0x0: "continuation",
    0x1: "text",
    0x2: "binary",
    0x8: "close",
    0x9: "ping",
    0xA: "pong",
}
"""RFC 6455 section 5.2."""

SHOWN = 12
"""Bytes of a message that are drawn; of a longer one, the first."""


@dataclass(frozen=True)
class Frame:
    """The fields of one frame, as RFC 6455 section 5.2 lays them out.

    `length` is that of the payload in bytes, `wide` the number of bytes that hold
    it behind the first two: 0, 2 or 8. `key` is empty where nothing is masked.
    `payload` is as it crossed the wire, `message` as it was meant.
    """

    head: bytes
    length: int
    wide: int
    key: bytes
    payload: bytes

    @property
    def opcode(self) -> str:
        code = self.head[0] & 0x0F
        return OPCODES.get(code, f"reserved, {code:#x}")

    @property
    def message(self) -> bytes:
        if not self.key:
            return self.payload
        return bytes(b ^ self.key[n % 4] for n, b in enumerate(self.payload))


def parse(data: bytes) -> Frame:
    """Take the first frame of `data` apart.

    Raises:
        ValueError: `data` ends before the frame does.
    """
    small = data[1] & 0x7F if len(data) > 1 else 0
    wide = {126: 2, 127: 8}.get(small, 0)
    length = int.from_bytes(data[2 : 2 + wide]) if wide else small
    masked = len(data) > 1 and data[1] >= 0x80
    start = 2 + wide + 4 * masked
    if len(data) < max(2, start + length):
        raise ValueError(f"not a whole frame: {len(data)} bytes")
    key = data[2 + wide : start]
    return Frame(data[:2], length, wide, key, data[start : start + length])


def text(data: bytes) -> str:
    """The fields of a frame as aligned lines of words."""
    frame = parse(data)
    first, second = (f"{byte:08b}" for byte in frame.head)
    rows = [
        (first[0], f"FIN: {'the last' if first[0] == '1' else 'not the last'} piece"),
        (first[1:4], "RSV1-3: no extension is used" if "1" not in first[1:4] else ""),
        (first[4:], f"opcode: {frame.opcode}"),
        (second[0], f"MASK: {'a key follows' if frame.key else 'nothing is masked'}"),
        (second[1:], f"length: {_length(frame)}"),
    ]
    if frame.key:
        rows.append((frame.key.hex(" "), "masking key"))
        rows.append((_cut(frame.payload), "payload, masked"))
    rows.append((_cut(frame.message), "payload: " + repr(frame.message[:SHOWN])))
    width = max(len(bits) for bits, _ in rows)
    return "\n".join(f"{bits:>{width}}  {words}".rstrip() for bits, words in rows)


def _cut(data: bytes) -> str:
    return data[:SHOWN].hex(" ") + (" …" if len(data) > SHOWN else "")


def _length(frame: Frame) -> str:
    if not frame.wide:
        return f"{frame.length} byte{'s' if frame.length != 1 else ''}"
    return f"in the next {frame.wide} bytes, {frame.length:,}"


PAPER, WORDS, QUIET, EDGE = "#ffffff", "#20262d", "#59636e", "#8a94a0"
FILL = {
    "fin": "#dbe7fb",
    "rsv": "#eceef1",
    "opcode": "#d5efdf",
    "mask": "#fbe3c6",
    "length": "#e9dcf7",
    "payload": "#f9d9dc",
    "message": "#d5efdf",
}
BIT, BYTE, LEFT, GAP = 36, 48, 130, 12  # pixels


def svg(data: bytes, title: str) -> str:
    """Draw a frame: its head bit by bit, the rest byte by byte.

    Args:
        data: bytes that begin with one whole frame.
        title: what the picture shows, for who cannot see it.

    Returns:
        An SVG document that stands by itself and runs no script.
    """
    return _Drawing(parse(data), title).document()


class _Drawing:
    def __init__(self, frame: Frame, title: str) -> None:
        self.frame = frame
        self.title = title
        self.parts: list[str] = []

    def document(self) -> str:
        self._head()
        bottom = self._body(136)
        width = LEFT + 16 * BIT + 40
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" '
            f'height="{bottom}" viewBox="0 0 {width} {bottom}" font-size="14" '
            'font-family="ui-monospace, Menlo, Consolas, monospace">'
            f"<title>{escape(self.title)}</title>"
            f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>'
            f"{''.join(self.parts)}</svg>"
        )

    def _head(self) -> None:
        """The first two bytes, a box for each bit, a name below each field."""
        first, second = (f"{byte:08b}" for byte in self.frame.head)
        fields = [
            ("fin", first[0], "FIN", "last" if first[0] == "1" else "more"),
            ("rsv", first[1:4], "RSV1–3", "unused" if "1" not in first[1:4] else ""),
            ("opcode", first[4:], "opcode", self.frame.opcode),
            ("mask", second[0], "MASK", "yes" if second[0] == "1" else "no"),
            ("length", second[1:], "length", _length(self.frame)),
        ]
        for n, byte in enumerate(self.frame.head):
            x = LEFT + (8 * n + 4) * BIT + n * GAP
            self._words(x, 28, f"byte {n}: {byte:02x}", QUIET)
        self._label(61, "bit by bit")
        x = LEFT
        for name, bits, label, meaning in fields:
            x += GAP if name == "mask" else 0
            for n, bit in enumerate(bits):
                self._box(x + n * BIT, 40, BIT, bit, FILL[name])
            middle = x + len(bits) * BIT // 2
            self._words(middle, 93, label, WORDS, 'font-weight="600"')
            self._words(middle, 112, meaning, QUIET)
            x += len(bits) * BIT

    def _body(self, y: int) -> int:
        """The key and the payload in columns, and what they come to."""
        frame = self.frame
        if frame.wide:
            size = frame.length.to_bytes(frame.wide)
            y = self._row(y, "length", size, "length") + GAP
        payload, message = frame.payload[:SHOWN], frame.message[:SHOWN]
        if frame.key:
            y = self._row(y, "masking key", frame.key, "mask") + GAP
            y = self._row(y, "payload", payload, "payload")
            again = bytes(frame.key[n % 4] for n in range(len(payload)))
            y = self._row(y, "XOR the key", again, "mask")
        y = self._row(y, "gives" if frame.key else "payload", message, "message")
        if len(frame.message) > SHOWN:
            self._words(LEFT + SHOWN * BYTE + 16, y - 11, "…", WORDS)
        if frame.opcode == "text" and message:
            for n, byte in enumerate(message):
                letter = "␣" if byte == 32 else chr(byte) if 32 < byte < 127 else "·"
                self._words(LEFT + n * BYTE + BYTE // 2, y + 20, letter, WORDS)
            self._label(y + 20, "as text")
            y += 30
        return y + 10

    def _row(self, y: int, label: str, data: bytes, fill: str) -> int:
        self._label(y + 21, label)
        for n, byte in enumerate(data):
            self._box(LEFT + n * BYTE, y, BYTE, f"{byte:02x}", FILL[fill])
        return y + 32

    def _box(self, x: int, y: int, width: int, words: str, fill: str) -> None:
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="32" fill="{fill}" '
            f'stroke="{EDGE}"/>'
        )
        self._words(x + width // 2, y + 21, words, WORDS)

    def _label(self, y: int, words: str) -> None:
        self._words(LEFT - 16, y, words, QUIET, end="end")

    def _words(
        self, x: int, y: int, words: str, ink: str, more: str = "", end: str = "middle"
    ) -> None:
        self.parts.append(
            f'<text x="{x}" y="{y}" fill="{ink}" text-anchor="{end}" {more}>'
            f"{escape(words)}</text>"
        )
