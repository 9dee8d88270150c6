"""A program that ends with this process, also when this one is killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

from workbook.descendants import is_alive

SCRIPT = """\
"$@" </dev/null >&2 &
echo $!
read -r line
[ -z "$0" ] || rm -rf -- "$0"
kill -9 0
"""
"""The shell starts the program, says its number, and waits for its standard input to
end, which it does when we close it or are gone, however that came. Then it kills its
process group: the program, all that this has started, and itself."""


PATIENCE = 5.0
"""Seconds that killed processes may take to end. They take a millisecond."""


class Tether:
    """One program, in a session of its own, that never outlives this process.

    On Windows the program itself has to end with its standard input.

    Args:
        command: the program and its arguments.
        folder: a folder to be removed with it.
        output: where it prints to: a file, or nowhere.
        env: its environment; this process's, if none is given.
        cwd: where it runs.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        output: int | IO[bytes] = subprocess.DEVNULL,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.folder = folder
        how: dict[str, Any] = {"start_new_session": True, "stdout": subprocess.PIPE}
        kept = "" if folder is None else str(folder)
        line = ["/bin/sh", "-c", SCRIPT, kept, *command]
        if sys.platform == "win32":
            group = subprocess.CREATE_NEW_PROCESS_GROUP
            how, line = {"creationflags": group, "stdout": output}, [*command]
        self._popen = subprocess.Popen(
            line, stdin=subprocess.PIPE, stderr=output, env=env, cwd=cwd, **how
        )
        self.pid = self._popen.pid
        if self._popen.stdout is not None:
            with self._popen.stdout as said:
                self.pid = int(said.readline())

    def is_alive(self) -> bool:
        """Whether the program still runs."""
        with suppress(psutil.NoSuchProcess):
            return self._popen.poll() is None and is_alive(psutil.Process(self.pid))
        return False

    def _family(self) -> list[psutil.Process]:
        """The program, and what it has started and is not ended yet."""
        with suppress(psutil.NoSuchProcess):
            program = psutil.Process(self.pid)
            return [program, *program.children(recursive=True)]
        return []

    def end(self) -> None:
        """End the program and all it started, now. Ending twice is ending once."""
        if self._popen.returncode is None:
            found = self._family()
            if sys.platform != "win32":
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._popen.pid, signal.SIGKILL)
            for process in found:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._popen.kill()
            self._popen.wait()
            deadline = time.monotonic() + PATIENCE
            while any(map(is_alive, found)) and time.monotonic() < deadline:
                time.sleep(0.001)
        if self._popen.stdin is not None:
            with suppress(OSError):
                self._popen.stdin.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
