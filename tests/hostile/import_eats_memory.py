"""More and more memory.

got: more than 600 MiB
hint: too big, or grows without end
"""

import time

held: list[bytes] = []
while True:
    held.append(b"x" * (16 << 20))
    time.sleep(0.005)
