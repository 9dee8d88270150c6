"""It raises what Ctrl-C raises.

got: KeyboardInterrupt
look at: raise KeyboardInterrupt
hint: Ctrl-C
"""

raise KeyboardInterrupt
