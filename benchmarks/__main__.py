"""`python3 learn.py bench`: measure, compare, keep the figures, and draw them."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil

from benchmarks import feedback, peers, report
from benchmarks.report import Length
from benchmarks.serving import ROOT
from benchmarks.suite import BENCHES

INTERRUPTED = 130


def parse(argv: Sequence[str]) -> argparse.Namespace:
    lines = [
        f"  {name:13}{bench.about}, {in_words(bench.seconds(Length.USUAL))}"
        for name, bench in BENCHES.items()
    ]
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure what the workbook's figures come from.",
        epilog="what can be measured:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="*", metavar="NAME", help="all, if none is named")
    parser.add_argument(
        "--short", action="store_true", help="a short look, with fewer rounds"
    )
    parser.add_argument(
        "--long", action="store_true", help="with as many rounds as are recorded"
    )
    parser.add_argument(
        "--suite", action="store_true", help="feedback: the whole suite, too"
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="for a maintainer: a long run, which becomes the workbook's figures",
    )
    chosen = parser.parse_args(argv)
    for name in chosen.what:
        if name not in BENCHES:
            parser.error(f"there is no benchmark {name}: {', '.join(BENCHES)} are")
    if chosen.record and chosen.short:
        parser.error("a short look is not recorded")
    if chosen.long and chosen.short:
        parser.error("a run is short or long")
    return chosen


def length_of(chosen: argparse.Namespace) -> Length:
    if chosen.long or chosen.record:
        return Length.LONG
    return Length.SHORT if chosen.short else Length.USUAL


def in_words(seconds: int) -> str:
    """A time in words."""
    if seconds < 90:
        return f"about {round(seconds, -1)} s"
    return f"about {round(seconds / 60)} minutes"


def measure(name: str, *, length: Length, suite: bool, folder: Path) -> bool:
    """One of them: print its tables, keep the figures; whether its goals are met."""
    bench, begin = BENCHES[name], time.monotonic()
    work = partial(feedback.measure, suite=suite) if name == "feedback" else None
    data = (work or bench.measure)(length)
    file = report.write(folder, name, data)
    drawn = report.save(bench.picture(data), folder, name)
    for table in bench.tables(data):
        print(f"\n{table.text()}")
    print()
    kept = True
    for text, ok in bench.goals(data):
        print(f"{'kept  ' if ok else 'missed'}  {text}")
        kept = kept and ok
    shown = [path.relative_to(ROOT).as_posix() for path in (file, drawn)]
    print(f"{' and '.join(shown)}, {time.monotonic() - begin:.0f} s", flush=True)
    return kept


def stop_at_once(folder: Path) -> None:
    """Have Ctrl-C, and whoever ends us, end all that was started.

    Not by an exception: it might come where a callback of the event loop, or a wait
    for somebody's end, makes it its own.
    """

    def stop(_: int, __: FrameType | None) -> NoReturn:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        shutil.rmtree(folder, ignore_errors=True)
        os.write(2, b"\nStopped.\n")
        os._exit(INTERRUPTED)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def main(argv: Sequence[str]) -> int:
    chosen = parse(argv)
    if sys.platform == "win32":
        print("The benchmarks need uvloop, which there is on Linux and macOS.")
        return 1
    names = list(dict.fromkeys(chosen.what)) or list(BENCHES)
    length = length_of(chosen)
    seconds = sum(BENCHES[name].seconds(length) for name in names)
    print(f"{', '.join(names)}: {in_words(seconds)}, if nothing else runs here.")
    print("Ctrl-C ends it.", flush=True)
    with tempfile.TemporaryDirectory(prefix="workbook-") as scratch:
        tempfile.tempdir = scratch  # of whatever is made from here on
        stop_at_once(Path(scratch))
        peers.python()
        folder = report.RESULTS if chosen.record else report.MINE
        how = {"length": length, "suite": chosen.suite, "folder": folder}
        kept = [measure(name, **how) for name in names]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
