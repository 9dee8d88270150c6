"""Its function never returns.

limit: reply 0.5
got: nothing for 0.5 s
look at: while True:
hint: has not returned
"""


def double(number: int) -> int:
    while True:
        pass
