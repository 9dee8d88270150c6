"""It prints without end.

got: your program was ended, it printed more than 8 MiB
look at: print("1 passed" * 500)
hint: prints without end
"""

while True:
    print("1 passed" * 500)
