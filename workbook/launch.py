"""From learn.py to the workbook in .venv. Standard library only."""

import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from workbook import environment
from workbook.arguments import parse

ROOT = Path(__file__).resolve().parent.parent

BAD_INPUT = 2

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and SIGINT's number, as shells have it."""


def main(argv: Sequence[str], root: Path = ROOT) -> int:
    """Do what `argv` asks for; returns the exit status."""
    arguments = parse(argv)
    try:
        return start(arguments, argv, root)
    except KeyboardInterrupt:
        print("\nStopped. The same command takes it up again.", file=sys.stderr)
        return INTERRUPTED


def start(arguments: Namespace, argv: Sequence[str], root: Path) -> int:
    """Set up where that is needed, then hand over to .venv."""
    hiding = environment.in_the_way(root, [root])
    if hiding and arguments.verb != "doctor":
        print(in_the_way(hiding[0]), file=sys.stderr)
        return 1
    if hiding:
        return examine(root)
    if not environment.State(root).is_ready() and not is_known(arguments):
        return BAD_INPUT
    try:
        python = environment.ensure(root)
    except environment.SetupError as error:
        if arguments.verb == "doctor":  # which looks at the rest all the same
            return examine(root, str(error))
        print(error, file=sys.stderr)
        return 1
    if arguments.verb == "test":
        argv = ["test", *arguments.pytest_args]
    if arguments.verb == "report" and arguments.output is not None:
        argv = ["report", "-o", str(arguments.output)]
    return hand_over(python, root, argv)


def examine(root: Path, first: str | None = None) -> int:
    """The doctor's findings, without .venv."""
    from workbook import doctor

    return doctor.examine(root, first)


def in_the_way(path: Path) -> str:
    """The sentence about a file that hides a library's name."""
    return (
        f"{path.name} in this folder hides Python's or a library's `{path.stem}`,"
        " so nothing can start.\nRename it, then run the same command again."
    )


def is_known(arguments: Namespace) -> bool:
    """Whether the chapter or exercise exists: asked before setting up for it."""
    target: str | None = getattr(arguments, "target", None)
    if target is None:
        return True
    from workbook import course

    try:
        course.find(target)
    except course.NotFound as missing:
        print(missing, file=sys.stderr)
        return False
    return True


def hand_over(python: Path, root: Path, argv: Sequence[str]) -> int:
    """Run `workbook` with `argv` in .venv's Python; its exit status.

    A child and not `os.exec`, which on Windows lets go of the terminal. Ctrl-C is
    the child's: this process waits for it to end.
    """
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []  # signals that came before the child was known

    def pass_on(number: int, _: FrameType | None = None) -> None:
        if child is None:
            early.append(number)
        elif number != signal.SIGINT or not at_a_terminal():
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    command = [str(python), "-m", "workbook", *argv]
    env = environment.clean_environment(root / ".venv")
    child = subprocess.Popen(command, cwd=root, env=env)
    for number in early:
        pass_on(number)
    status = child.wait()
    return status if status >= 0 else 128 - status


def at_a_terminal() -> bool:
    """Whether Ctrl-C reaches the child by itself, as one of the terminal's group."""
    if sys.platform == "win32":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
