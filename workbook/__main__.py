"""The workbook's commands, in .venv: `python -m workbook run 1`."""

import sys
from collections.abc import Sequence

from workbook import commands
from workbook.arguments import LEARN, parse


def main(argv: Sequence[str]) -> int:
    """Do what `argv` asks for; returns the exit status."""
    from workbook.course import NotFound

    try:
        return commands.do(parse(argv))
    except NotFound as missing:
        print(missing, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("workbook"):
            raise
        print(
            f"The library {error.name} is missing here.\nWay out: {LEARN} doctor",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
