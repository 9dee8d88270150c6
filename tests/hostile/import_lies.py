"""It claims to serve, on every file descriptor, and does not.

needs: posix
limit: start 3
got: nothing for 3 s: the file was still being imported
look at: time.sleep(1000)
hint: never ends
printed: "is": "ready"
"""

import contextlib
import os
import sys
import time

READY = '{"is": "ready", "key": "", "port": 80, "routes": []}\n'

print(READY, "1 passed")
print(READY, file=sys.stderr)
for number in range(1, 20):
    with contextlib.suppress(OSError):
        os.write(number, READY.encode())
time.sleep(1000)
