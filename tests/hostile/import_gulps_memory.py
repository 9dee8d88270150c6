"""Two gigabytes at once.

got: more than 600 MiB
look at: held = b"x" * (2 << 30)
hint: too big, or grows without end
"""

held = b"x" * (2 << 30)
