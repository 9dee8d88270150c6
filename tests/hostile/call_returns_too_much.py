"""Its function returns a text of thirty megabytes.

got: 'xxx
"""


def double(number: int) -> str:
    return "x" * 30_000_000
