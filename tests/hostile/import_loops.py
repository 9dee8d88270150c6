"""It never ends to be imported.

limit: start 0.5
got: nothing for 0.5 s: the file was still being imported
look at: while True:
hint: never ends
"""

from shouting import app as app

while True:
    pass
