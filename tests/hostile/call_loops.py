"""Its function never returns.

limit: reply 1
got: nothing for 1 s
look at: while True:
hint: has not returned
"""


def double(number: int) -> int:
    while True:
        pass
