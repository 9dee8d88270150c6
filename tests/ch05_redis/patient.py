"""Chapter 5's app, for which a Redis that stands still for seconds is not yet away.

For a machine that may stand still with all that is on it. How soon the app is to take
Redis for away, a test says by CHANNEL_ANSWER and CHANNEL_PATIENCE in the environment.
"""

import os

from chapters.ch05_redis import app as unhurried
from chapters.ch05_redis import channel

channel.ANSWER = float(os.environ.get("CHANNEL_ANSWER", "20"))
channel.PATIENCE = float(os.environ.get("CHANNEL_PATIENCE", "20"))
app = unhurried.app
