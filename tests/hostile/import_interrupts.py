"""It raises what Ctrl-C raises.

got: KeyboardInterrupt
look at: raise KeyboardInterrupt
hint: Ctrl-C
"""

from shouting import app as app

raise KeyboardInterrupt
