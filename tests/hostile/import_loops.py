"""It never ends to be imported.

limit: start 2
got: nothing for 2 s: the file was still being imported
look at: while True:
hint: never ends
"""

from shouting import app as app

while True:
    pass
