"""Its function takes more and more memory.

got: your program held more than
hint: too big, or grows without end
"""

held: list[bytes] = []


def double(number: int) -> int:
    while True:
        held.append(b"x" * (16 << 20))
