"""It calls itself without end.

got: RecursionError: maximum recursion depth exceeded
look at: return dive() + 1
hint: calls itself without end
"""


def dive() -> int:
    return dive() + 1


dive()
