"""Its function never returns.

limit: reply 2
got: nothing for 2 s
look at: while True:
hint: has not returned
"""


def double(number: int) -> int:
    while True:
        pass
