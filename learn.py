"""The learner's command: makes .venv, then hands over to workbook/ in it.

Standard library only, in words that every Python reads: one that is too old must
get as far as saying so.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    import subprocess

    ask = "import sys; sys.exit(sys.version_info < (3, 11))"
    way_out = "install one from https://www.python.org/downloads/ and then:"
    name = "python3.13"
    for minor in range(11, 20):
        try:
            command = ["python3." + str(minor), "-c", ask]
            asked = subprocess.Popen(command, stderr=subprocess.PIPE)
        except OSError:
            continue
        asked.communicate()
        if asked.returncode == 0:
            name = command[0]
            way_out = "this machine has one:"
    sys.exit(
        "The workbook needs Python 3.11 or newer, and this is "
        + sys.version.split()[0]
        + ".\nWay out: "
        + way_out
        + " "
        + " ".join([name] + sys.argv)  # noqa: RUF005 - Python 2 must read it
    )

# This folder goes last: no json.py of a learner's may stand in for Python's own.
sys.path.append(sys.path.pop(0))

from workbook import launch

sys.exit(launch.main(sys.argv[1:]))
