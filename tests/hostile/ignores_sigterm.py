"""It answers right, and does not listen to who tells it to stop.

needs: posix
got: does not listen to SIGTERM
hint: Leave it to uvicorn
"""

import signal

from shouting import app as app

signal.signal(signal.SIGTERM, signal.SIG_IGN)
