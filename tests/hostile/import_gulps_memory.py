"""Two gigabytes at once.

got: your program asked for more than
look at: held = b"x" * (2 << 30)
hint: too big, or grows without end
"""

held = b"x" * (2 << 30)
