"""What the exercises of chapter 1 must do.

A parameter named like an exercise is the answer under test: the solution, or, with
--mine, the learner's own file.
"""

from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha1
from json import loads
from unicodedata import normalize

import psutil

from workbook.answer import Answer, shorten
from workbook.client import Client
from workbook.failure import CLOSE_CODES, Failure

MANY = 20
"""Texts that each of two clients sends while the server stands still. When it goes on
it has them all, and answers both in turns, even if an answer only lets others go first.
"""

MIXED = "Both talk at once, and each gets its own answers. What do the two share?"
NO_MORE = dict.fromkeys(
    CLOSE_CODES, "However many came before, the next one gets an answer too."
)


def ask_at_once(
    answer: Answer, ana: Client, bob: Client, message: str | bytes, other: str
) -> None:
    """Both send theirs, again and again, before either is answered."""
    with standing_still(answer):
        for _ in range(MANY):
            ana.send(message, hint=MIXED, hints=NO_MORE)
            bob.send(other, hint=MIXED, hints=NO_MORE)


@contextmanager
def standing_still(answer: Answer) -> Generator[None]:
    """Stop the server meanwhile: what is sent is there when it goes on."""
    assert answer.server is not None
    server = psutil.Process(answer.server.process.pid)
    server.suspend()
    try:
        yield
    finally:
        server.resume()


# 1.1 shout


def test_it_answers_in_capitals(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        ana.send("hello")
        ana.expect(
            "HELLO",
            hint="Every answer is the text in capitals, and nothing else.",
            hints={
                "hello": "The text came back as it went. Where are its capitals?",
                "Hello": "Only the first letter is a capital. All of them should be.",
                '"HELLO"': "The quotation marks are JSON's. Send the plain text.",
            },
        )


def expect_capitals(
    ana: Client,
    text: str,
    other: str,
    hint: str = "Every text gets an answer, an empty one too, until `bye`.",
) -> None:
    """`other` is the hint when another text came, `hint` when none did."""
    ana.send(text, hint=hint)
    try:
        ana.expect(text.upper(), hint=hint)
    except Failure as failure:
        if failure.event is not None and failure.event.kind == "text":
            failure.hint = other
        raise


def test_it_goes_on_after_the_first_answer(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        other = "This is not the text in capitals."
        for text in ("one", "", *(f"text {n}" for n in range(20))):
            expect_capitals(ana, text, other)
        again = "The same text again gets its answer again."
        expect_capitals(ana, "text 19", other, again)
        expect_capitals(ana, "Grüße, 2!", f"{other} Not all letters are ASCII.")
        expect_capitals(ana, "  hi ", "Blanks are a part of the text: keep them.")
        long = "A long text has a long answer: all of it, in capitals."
        expect_capitals(ana, "long text, " * 7000, long)


def test_each_client_gets_its_own_answers(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana, ex1_shout.connect("bob") as bob:
        ask_at_once(ex1_shout, ana, bob, "here is ana", "here is bob")
        for _ in range(MANY):
            ana.expect("HERE IS ANA", hint=MIXED, hints=NO_MORE)
            bob.expect("HERE IS BOB", hint=MIXED, hints=NO_MORE)


def test_bye_closes_with_1000_and_no_answer(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        ana.send("hello")
        ana.expect("HELLO")
        ana.send("bye")
        ana.expect_close(
            1000,
            hint="On `bye` the server closes with 1000, and sends nothing more.",
            hints={
                **dict.fromkeys(
                    CLOSE_CODES, "1000 says that the talk is over, and well."
                ),
                "BYE": "`bye` was answered. Look at it before you answer.",
                "bye": "`bye` was answered. Look at it before you answer.",
            },
        )
        ex1_shout.expect_end_of(ana, hint="After close() there is nothing left to do.")
    with ex1_shout.connect("ana") as ana:
        with ana.together():
            ana.send("one")
            ana.send("bye")
        hint = "A text that came before `bye` is answered before the close."
        ana.expect("ONE", hint=hint)
        ana.expect_close(1000, hint=hint)


def test_only_bye_means_bye(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        for text in ("goodbye", "BYE", " bye", "bye\n", "bye now", "bye!"):
            ana.send(text)
            hint = "Only the whole text `bye`, as it is, ends the conversation."
            ana.expect(text.upper(), hint=hint)


# 1.2 sum


class SomeWords(str):
    """Equal to every text that says something."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(other.strip())


class ReadByAll(str):
    """Equal to every text that is JSON by its own rules, not only by Python's."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        found: list[str] = []
        try:
            loads(str(other), parse_constant=found.append)
        except ValueError:
            return False
        return not found

    def __ne__(self, other: object) -> bool:
        return not self == other


def expect_sum(ana: Client, a: float, b: float, hint: str) -> None:
    ana.send_json({"a": a, "b": b}, hint=hint)
    ana.expect_json({"sum": a + b}, hint=hint)


NOT_CLOSED = dict.fromkeys(
    CLOSE_CODES, "An error is an answer like any other. The conversation goes on."
)


def expect_error(ana: Client, text: str, hint: str) -> None:
    ana.send(text, hint=hint, hints=NOT_CLOSED)
    ana.expect_json({"error": SomeWords("...")}, hint=hint, hints=NOT_CLOSED)


def test_it_adds_two_numbers(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana:
        expect_sum(ana, 1, 2, "The answer is a JSON object whose only key is `sum`.")
        hint = "Keys in another order, other blanks: it is JSON, and says the same."
        for text in ('{"b":2,"a":1}', '{"a":1,"b":2}', '\n{ "a" : 1,\n"b" : 2 }'):
            ana.send(text, hint=hint, hints=NOT_CLOSED)
            ana.expect_json({"sum": 3}, hint=hint, hints=NOT_CLOSED)


def test_it_adds_numbers_of_every_kind(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana:
        expect_sum(ana, 0, 0, "Zero is a number. Which question takes it for nothing?")
        expect_sum(ana, -4, 3, "Numbers below zero are numbers too.")
        expect_sum(ana, 1.5, 2.25, "Numbers need not be whole: these are floats.")
        expect_sum(ana, 0.125, 0.0009765625, "Nobody asked for a rounded sum.")


def test_each_client_gets_its_own_sums(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana, ex2_sum.connect("bob") as bob:
        ask_at_once(ex2_sum, ana, bob, '{"a": 1, "b": 2}', '{"a": 3, "b": 4}')
        for _ in range(MANY):
            ana.expect_json({"sum": 3}, hint=MIXED, hints=NO_MORE)
            bob.expect_json({"sum": 7}, hint=MIXED, hints=NO_MORE)


def test_a_text_that_is_no_json_gets_an_error(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana:
        hint = "This is not JSON. It gets an object with an `error` in it."
        expect_error(ana, "hello", hint)
        expect_error(ana, "", hint)
        expect_error(ana, "{'a': 1, 'b': 2}", "JSON has no single quotes; Python has.")


def test_after_an_error_the_conversation_goes_on(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana:
        for n in range(2):
            expect_error(ana, '{"a": 1, ', "This text is JSON that breaks off.")
            hint = "An error is an answer like any other: the next text gets its own."
            expect_sum(ana, n, 2, hint)


def test_json_that_is_no_pair_of_numbers_gets_an_error(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana:
        for text in ('{"a": 1}', '{"b": 2}', "{}"):
            expect_error(ana, text, "A number is missing here, so there is no sum.")
        for text in ('{"x": 1, "y": 2}', '{"A": 1, "B": 2}'):
            expect_error(ana, text, "No key here is `a` or `b`, in small letters.")
        for text in ("[1, 2]", "3", "null", '"a and b"'):
            expect_error(ana, text, "This is JSON, and no object with `a` and `b`.")


def test_only_numbers_are_added(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana:
        strings = "In quotation marks these are texts: two of them have no sum."
        expect_error(ana, '{"a": "1", "b": "2"}', strings)
        expect_error(ana, '{"a": "\\ud83d", "b": 1}', "Half a character is no number.")
        expect_error(ana, '{"a": [1], "b": [2]}', "Lists have a + too; no number does.")
        expect_error(ana, '{"a": null, "b": 2}', "null is no number, not even 0.")


def test_true_and_nan_are_no_numbers(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana:
        bools = "To Python True is an int, with the value 1. To JSON it is not."
        expect_error(ana, '{"a": true, "b": 2}', bools)
        expect_error(ana, '{"a": 2, "b": false}', bools)
        nan = "Python reads and writes NaN. JSON has none: no browser reads it."
        expect_error(ana, '{"a": NaN, "b": 1}', nan)


def test_infinity_is_no_number(ex2_sum: Answer) -> None:
    with ex2_sum.connect("ana") as ana:
        hint = "Python reads and writes Infinity. JSON has none: no browser reads it."
        expect_error(ana, '{"a": Infinity, "b": 1}', hint)
        expect_error(ana, '{"a": 1, "b": -Infinity}', hint)
        hint = "To Python 1e999 is Infinity, and it writes that. No browser reads it."
        ana.send('{"a": 1e999, "b": 1}', hint=hint, hints=NOT_CLOSED)
        ana.expect(ReadByAll('{"error": "..."}'), hint=hint, hints=NOT_CLOSED)


# 1.3 frames


LONG = "A frame may be longer than 65,535: count all of it."


def expect_count(ana: Client, message: str | bytes, hint: str) -> None:
    count = str(len(message))
    near: dict[str | bytes | int, str] = {
        count.encode(): "The right number, in a binary frame. "
        "The answer is a text frame.",
        f"{len(message):,}": "The right number, with a comma. Send its digits alone.",
    }
    if isinstance(message, str):
        two = len(message.encode("utf-16-le")) // 2
        apart = len(normalize("NFD", message))
        near[str(apart)] = "Taken apart it has more characters. Count it as it came."
        near[str(two)] = "UTF-16 has two units for this one character."
        near[str(len(message.encode()))] = (
            "These are bytes. len() of the text itself counts its characters."
        )
    ana.send(message, hint=hint)
    ana.expect(count, hint=hint, hints=near)


def test_a_text_gets_its_number_of_characters(ex3_frames: Answer) -> None:
    with ex3_frames.connect("ana") as ana:
        hint = "The answer is the number alone, as a text frame."
        expect_count(ana, "hello", hint)
        hint = "Count this text alone, and as len() does: its characters."
        expect_count(ana, "Grüße", hint)
        expect_count(ana, "\N{WAVING HAND SIGN}", hint)
        expect_count(ana, " a\tb\n", "Blanks and line ends are characters too.")
        accent = "To len() an accent that follows its letter is a character too."
        expect_count(ana, "e\N{COMBINING ACUTE ACCENT}", accent)
        expect_count(ana, "long text, " * 7000, LONG)


def test_a_binary_frame_gets_its_number_of_bytes(ex3_frames: Answer) -> None:
    with ex3_frames.connect("ana") as ana:
        hint = "Count the bytes as they came. They need not be a text."
        for data in (b"hello", b"\x00\xff\x10", bytes(1000)):
            expect_count(ana, data, hint)
        hint = "These bytes could be a text, and came as bytes: count those."
        expect_count(ana, "Grüße".encode(), hint)
        expect_count(ana, bytes(77_000), LONG)


def test_an_empty_frame_gets_0(ex3_frames: Answer) -> None:
    with ex3_frames.connect("ana") as ana:
        hint = "Empty is false in Python, and yet a frame. Who drops it?"
        expect_count(ana, "", hint)
        expect_count(ana, b"", hint)


def test_every_frame_gets_one_answer_in_order(ex3_frames: Answer) -> None:
    with ex3_frames.connect("ana") as ana:
        for message in ("a", b"bb", b"ccc", "dddd", "", b"", "eeeee"):
            expect_count(
                ana, message, "Every frame gets one answer, whatever came before."
            )


def test_each_client_gets_its_own_counts(ex3_frames: Answer) -> None:
    with ex3_frames.connect("ana") as ana, ex3_frames.connect("bob") as bob:
        ask_at_once(ex3_frames, ana, bob, b"hello", "hi")
        for _ in range(MANY):
            ana.expect("5", hint=MIXED, hints=NO_MORE)
            bob.expect("2", hint=MIXED, hints=NO_MORE)


def expect_end(answer: Answer, ana: Client, hint: str) -> None:
    """`hint` is for a handler that goes on."""
    try:
        answer.expect_end_of(ana, hint=hint)
    except Failure as failure:
        if not failure.silent:
            failure.hint = "The client has left, and your handler ended by an error."
        raise


def test_it_ends_when_the_client_leaves(ex3_frames: Answer) -> None:
    with ex3_frames.connect("ana") as ana:
        expect_count(ana, "hello", "The answer is the number alone.")
    hint = "The client has left, and the handler goes on. What tells it so?"
    expect_end(ex3_frames, ana, hint)


def test_it_ends_when_the_client_vanishes(ex3_frames: Answer) -> None:
    with ex3_frames.connect("ana") as ana:
        expect_count(ana, b"hello", "The answer is the number alone.")
        ana.abort()
        hint = "The client is gone without a goodbye, and the handler goes on."
        expect_end(ex3_frames, ana, hint)


# 1.4 handshake

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK = bytes.fromhex("37fa213d")


def expect_accept_key(answer: Answer, key: str) -> None:
    digest = sha1((key + GUID).encode())
    right = b64encode(digest.digest()).decode()

    def of(text: bytes) -> str:
        return b64encode(sha1(text).digest()).decode()

    near: dict[object, str] = {
        None: "It returned nothing. print() shows a value, return hands it over.",
        key: "The key came back as it went.",
        key + GUID: "The key and the GUID are joined; now SHA-1, then Base64.",
        of(key.encode()): "The key was hashed alone. What does section 1.3 join to it?",
        of((GUID + key).encode()): "The GUID goes behind the key, not in front of it.",
        of((key + GUID.lower()).encode()): "The GUID is written in capitals.",
        of(b64decode(key) + GUID.encode()): "The key was decoded first. "
        "It is joined as it came, as text.",
        digest.digest(): "The right digest. Base64 is still to come.",
        digest.hexdigest(): "The right digest, in hex. The header wants Base64.",
        b64encode(digest.hexdigest().encode()).decode(): "Base64 of the hex digits. "
        "It takes the digest's 20 bytes.",
        right.encode(): "The right answer, as bytes. A header is text: decode it.",
        right + "\n": "encodebytes() ends its lines. A header has no line end in it.",
        urlsafe_b64encode(digest.digest()).decode(): "This is Base64 for URLs. "
        "A header takes + and / as they are.",
    }
    told = {repr(value): words for value, words in near.items()}
    hint = "Section 1.3: key and GUID joined, SHA-1 of that, Base64 of that."
    try:
        answer.expect_call("accept_key", key, returns=right, hint=hint)
    except Failure as failure:
        failure.hint = told.get(failure.got, failure.hint)
        raise


def unmasked(frame: bytes, start: int) -> bytes:
    """What comes out when the mask is thought to be at `start`."""
    mask, data = frame[start : start + 4], frame[start + 4 :]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def masked(payload: bytes, opcode: int = 0x82) -> bytes:
    """One frame as a client sends it (RFC 6455 sections 5.2 and 5.3)."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    data = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return bytes([opcode]) + length + MASK + data


def expect_payload(
    answer: Answer, payload: bytes, hint: str, opcode: int = 0x82
) -> None:
    frame = masked(payload, opcode)
    near: list[tuple[object, str]] = [
        (None, "It returned nothing. print() shows a value, return hands it over."),
        (frame, "The frame came back as it went."),
        (frame[len(frame) - len(payload) :], "This is still masked. See section 5.3."),
        (payload[:4], "The mask begins again when its four bytes are used up."),
        (
            payload.decode("latin-1"),
            "The payload is bytes. Whether it is text, the opcode says.",
        ),
        (list(payload), "The right numbers, in a list. bytes() makes bytes of them."),
        (
            bytearray(payload),
            "The right bytes, in a bytearray. bytes() makes bytes of it.",
        ),
        (
            unmasked(frame, 10),
            "The top bit of the second byte is no part of the length.",
        ),
    ]
    told = {shorten(repr(value)): words for value, words in near if value != payload}
    try:
        answer.expect_call("unmask", frame, returns=payload, hint=hint)
    except Failure as failure:
        failure.hint = told.get(failure.got, failure.hint)
        raise


def test_the_accept_key_of_the_rfc(ex4_handshake: Answer) -> None:
    expect_accept_key(ex4_handshake, "dGhlIHNhbXBsZSBub25jZQ==")


def test_every_key_has_its_own_answer(ex4_handshake: Answer) -> None:
    for nonce in (bytes(16), bytes(range(16)), b"\xff" * 16):
        expect_accept_key(ex4_handshake, b64encode(nonce).decode())


def test_a_short_frame_is_unmasked(ex4_handshake: Answer) -> None:
    hint = "Behind the two first bytes come the mask's four, then the payload."
    expect_payload(ex4_handshake, b"Hello", hint, opcode=0x81)
    expect_payload(ex4_handshake, b"", "An empty payload is b'', also when masked.")


def test_the_payload_may_be_any_bytes(ex4_handshake: Answer) -> None:
    hint = "A payload may hold any bytes, also zeros at its ends."
    for payload in (b"\x00\x00one", bytes(range(9)), MASK * 2 + b"\xff\x00"):
        expect_payload(ex4_handshake, payload, hint)


def test_a_length_of_7_bits_ends_at_125(ex4_handshake: Answer) -> None:
    expect_payload(ex4_handshake, b"0123456789" * 12 + b"01234", "125 is a length.")


def test_a_length_of_16_bits_is_read(ex4_handshake: Answer) -> None:
    hint = "126: the length follows, in 2 bytes, and the mask behind it."
    for size in (126, 300):
        expect_payload(ex4_handshake, (b"0123456789" * 30)[:size], hint)


def test_a_length_of_64_bits_is_read(ex4_handshake: Answer) -> None:
    hint = "127: the length follows, in 8 bytes, and the mask behind it."
    expect_payload(ex4_handshake, b"0123456789" * 6554, hint)
