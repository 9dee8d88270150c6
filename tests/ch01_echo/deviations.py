"""Where /ws/raw is not a plain OK in the Autobahn|Testsuite, by case.

None of it is the app's: `websockets` parses the frames, uvicorn passes them on.
`autobahn.py` fails on whatever differs from this table.
"""

from typing import NamedTuple


class Outcome(NamedTuple):
    """How the suite judged a case: what was answered, and how it was closed."""

    behavior: str
    close: str


OK = Outcome("OK", "OK")
NON_STRICT = Outcome("NON-STRICT", "OK")
INFORMATIONAL = Outcome("INFORMATIONAL", "INFORMATIONAL")
WRONG_CODE = Outcome("FAILED", "WRONG CODE")


class Deviation(NamedTuple):
    """What may come instead of OK, and why."""

    outcomes: set[Outcome]
    reason: str


SAME_READ = Deviation(
    {NON_STRICT, OK},
    "When a good message and a bad frame come in the same read, uvicorn looks at the "
    "error first, closes with 1002, and drops the message unanswered. How TCP cuts "
    "the bytes decides.",
)
NOT_FAST = Deviation(
    {NON_STRICT},
    "uvicorn decodes a text when it is whole: 1007 comes at the message's end, not at "
    "its first wrong byte.",
)
UNDEFINED = Deviation(
    {INFORMATIONAL},
    "RFC 6455 does not say what to answer to such a code; websockets answers 1002.",
)

DEVIATIONS = {
    "3.2": SAME_READ,
    "3.3": SAME_READ,
    "3.4": SAME_READ,
    "4.1.3": SAME_READ,
    "4.1.4": SAME_READ,
    "4.1.5": SAME_READ,
    "4.2.3": SAME_READ,
    "4.2.4": SAME_READ,
    "4.2.5": SAME_READ,
    "5.15": SAME_READ,
    "6.4.1": NOT_FAST,
    "6.4.2": NOT_FAST,
    "6.4.3": NOT_FAST,
    "6.4.4": NOT_FAST,
    "7.1.5": Deviation(
        {WRONG_CODE},
        "A close frame between two fragments: websockets answers 1002, incomplete "
        "fragmented message; the suite wants the client's own 1000 back.",
    ),
    "7.1.6": Deviation(
        {INFORMATIONAL},
        "A close frame right behind 256 KiB of text: websockets answers the close "
        "before the app has answered the text. Either is allowed.",
    ),
    "7.13.1": UNDEFINED,
    "7.13.2": UNDEFINED,
}
"""By the number of the case."""
