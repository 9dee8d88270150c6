"""One frame taken apart: what is told of it, and what is drawn."""

import hashlib
import xml.etree.ElementTree as ElementTree

import pytest

from workbook import anatomy

MASKED = bytes.fromhex("8186 0a1b2c3d 62720c5f653a")
PLAIN = b"\x81\x05hi b\xc3"
MEDIUM = b"\x82\x7e\x00\x7e" + bytes(range(126))
LONG = b"\x02\x7f" + (70_000).to_bytes(8) + bytes(70_000)
RESERVED = b"\xf3\x01x"
COMPRESSED = b"\xc2\x01x"  # RSV1 alone, as permessage-deflate sets it
EMPTY = b"\x89\x80\x01\x02\x03\x04"
TWELVE = b"\x82\x0c" + b"x" * 12


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            PLAIN,
            [
                "             1  FIN: the last piece",
                "           000  RSV1-3: no extension is used",
                "          0001  opcode: text",
                "             0  MASK: nothing is masked",
                "       0000101  length: 5 bytes",
                "68 69 20 62 c3  payload: b'hi b\\xc3'",
            ],
        ),
        (
            MEDIUM,
            [
                "                                    1  FIN: the last piece",
                "                                  000  RSV1-3: no extension is used",
                "                                 0010  opcode: binary",
                "                                    0  MASK: nothing is masked",
                "1111110  length: in the next 2 bytes, 126".rjust(71),
                "00 01 02 03 04 05 06 07 08 09 0a 0b …  payload: "
                + repr(bytes(range(12))),
            ],
        ),
        (
            RESERVED,
            [
                "      1  FIN: the last piece",
                "    111",
                "   0011  opcode: reserved, 0x3",
                "      0  MASK: nothing is masked",
                "0000001  length: 1 byte",
                "     78  payload: b'x'",
            ],
        ),
        (
            EMPTY,
            [
                "          1  FIN: the last piece",
                "        000  RSV1-3: no extension is used",
                "       1001  opcode: ping",
                "          1  MASK: a key follows",
                "    0000000  length: 0 bytes",
                "01 02 03 04  masking key",
                "             payload, masked",
                "             payload: b''",
            ],
        ),
    ],
    ids=["plain", "medium", "reserved", "empty"],
)
def test_a_frame_is_told_field_by_field(data: bytes, told: list[str]) -> None:
    assert anatomy.text(data).splitlines() == told


def test_a_long_piece_is_told_by_its_size() -> None:
    told = anatomy.text(LONG)

    assert "0  FIN: not the last piece" in told
    assert "length: in the next 8 bytes, 70,000" in told


def test_one_bit_for_an_extension_is_enough_to_say_nothing_of_it() -> None:
    assert anatomy.text(COMPRESSED).splitlines()[1].split() == ["100"]


def test_what_just_fits_is_told_whole() -> None:
    assert "…" not in anatomy.text(TWELVE)
    assert "…" in anatomy.text(b"\x82\x0d" + b"x" * 13)


@pytest.mark.parametrize("size", [0, 1])
def test_less_than_a_head_is_no_frame(size: int) -> None:
    with pytest.raises(ValueError, match=f"^not a whole frame: {size} bytes$"):
        anatomy.parse(b"\xff"[:size])


def test_a_head_that_announces_more_than_there_is_is_no_frame() -> None:
    with pytest.raises(ValueError, match="frame: 9 bytes"):
        anatomy.parse(MEDIUM[:9])
    with pytest.raises(ValueError, match="frame: 11 bytes"):
        anatomy.parse(MASKED[:-1])


DIGESTS = {
    "masked": (MASKED, "b3b1a8caf5737ca3"),
    "plain": (PLAIN, "d5d8f7e43eb98b41"),
    "medium": (MEDIUM, "3fb78444235e223f"),
    "long": (LONG, "855c9a96dcc89c49"),
    "reserved": (RESERVED, "dde95e1c44018513"),
    "compressed": (COMPRESSED, "7bf7de0194878a88"),
    "empty": (EMPTY, "eb128149a85b6442"),
    "twelve": (TWELVE, "6863b462c7a94201"),
}
"""Pictures that were looked at. Who changes how they are drawn looks again."""


@pytest.mark.parametrize("name", DIGESTS)
def test_a_frame_is_drawn_as_it_was_when_it_was_looked_at(name: str) -> None:
    data, digest = DIGESTS[name]

    picture = anatomy.svg(data, f"a {name} <frame>")

    words = [node.text for node in ElementTree.fromstring(picture).iter()]
    assert f"a {name} <frame>" in words
    assert hashlib.sha256(picture.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize("byte", [0x1F, 0x7F, 0x80])
def test_a_byte_that_is_no_letter_is_drawn_as_a_dot(byte: int) -> None:
    assert ">·</text>" in anatomy.svg(bytes([0x81, 1, byte]), "a frame")


def test_two_bytes_are_a_frame_if_they_announce_no_more() -> None:
    assert anatomy.parse(b"\x89\x00").message == b""
    for head in (b"\x81\x05", b"\x89\x80"):
        with pytest.raises(ValueError, match="frame: 2 bytes"):
            anatomy.parse(head)


def test_a_length_is_made_of_all_its_bytes() -> None:
    assert anatomy.parse(b"\x82\x7e\x01\x02" + bytes(258)).length == 258
