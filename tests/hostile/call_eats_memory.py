"""Its function takes more and more memory.

got: more than 600 MiB
hint: too big, or grows without end
"""

held: list[bytes] = []


def double(number: int) -> int:
    while True:
        held.append(b"x" * (16 << 20))
