"""Its function never returns.

got: nothing for 1 s
look at: while True:
hint: has not returned
"""


def double(number: int) -> int:
    while True:
        pass
