"""Chapter 5's app, for which a Redis that stands still for seconds is not yet away.

For tests in which it never is, on a machine that may stand still with all that is on
it. How soon the app takes one for away is tested elsewhere.
"""

from chapters.ch05_redis import app as unhurried
from chapters.ch05_redis import channel

channel.ANSWER = channel.PATIENCE = 20.0
app = unhurried.app
