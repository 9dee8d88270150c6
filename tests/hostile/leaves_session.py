"""It answers right, and leaves a process in a session of its own.

needs: posix
got: what it had started still ran: sleep 1000.
hint: Who ends that one?
"""

import os
import subprocess

from shouting import app as app

subprocess.Popen(["sleep", os.environ["HOSTILE"]], start_new_session=True)
