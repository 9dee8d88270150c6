"""The command line of learn.py. Standard library only, and quick to import."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

LEARN = "py learn.py" if sys.platform == "win32" else "python3 learn.py"
"""How a learner calls the command here."""

MOST_WORKERS = 16

OVERVIEW = f"""\
commands:
  list                chapters and exercises, their state, and the next thing to do
  run 1               start chapter 1 and open its page; run 1.2 starts an exercise
  check 1.2           check one exercise; check 1 checks the chapter's
  watch               check again at every save, and go on to the next exercise
  hint 1.2            the next of three hints
  solution 1.2        the solution, once the check is green or you give up
  reset 1.2           start the exercise again; your file is kept with its date
  notebook 1          read the chapter's notebook in JupyterLab
  report              write your progress into report.html, for you and your teacher
  test                test the whole workbook; test tests/ch01_echo tests a part
  explain 1006        a close code, a misconception, an error's text, explained
  doctor              find out what is wrong with this machine's set-up
  bench               measure what the text quotes; bench echo a part; minutes

The first command sets everything up in the folder .venv, which takes a moment.
{LEARN} COMMAND --help says more about one of them.
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence and a way out."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{sentence(message)} See {self.prog} --help\n")


def sentence(message: str) -> str:
    """`message` of argparse as a sentence: a capital first, a full stop last."""
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."


def port(text: str) -> int:
    """A port number; 0 asks for any free one."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 1 to 65535 are")
    return int(text)


def workers(text: str) -> int:
    """A number of processes."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of workers: 1 to {MOST_WORKERS} are"
        )
    return int(text)


def run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="N[.M]", help="a chapter or an exercise")
    parser.add_argument("--port", type=port, help="this port and no other")
    parser.add_argument(
        "--workers",
        type=workers,
        default=1,
        metavar="N",
        help="so many processes share the port, and no memory",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="do not open the page"
    )
    parser.add_argument(
        "--no-reload", action="store_true", help="do not start again at a save"
    )


def test_options(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{LEARN} test [...]"
    parser.epilog = "What follows `test` is handed to pytest: tests/ch01_echo -x, say."


def bench_options(parser: argparse.ArgumentParser) -> None:
    # benchmarks/ knows what there is, and says what is no such thing.
    parser.add_argument(
        "what",
        nargs="*",
        metavar="NAME",
        help="echo, concurrency, broadcast, redis, idle, growth, hotspots, feedback",
    )
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    parser.add_argument("--long", action="store_true", help="more rounds")
    parser.add_argument(
        "--suite", action="store_true", help="feedback: time the whole suite, too"
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="for a maintainer: these become the workbook's figures",
    )


def check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="N|N.M", help="a chapter or an exercise")


def exercise_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="N.M", help="an exercise")


def solution_options(parser: argparse.ArgumentParser) -> None:
    exercise_options(parser)
    parser.add_argument("--yes", action="store_true", help="give up without asking")


def watch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="N|N.M", nargs="?", help="where to begin: the next one"
    )
    parser.add_argument(
        "--manual", action="store_true", help="check at a key, not at every save"
    )


def report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=whole_path, metavar="FILE", help="not report.html"
    )


def whole_path(text: str) -> Path:
    """A path that means the same from any folder."""
    return Path(text).absolute()


def notebook_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="N", nargs="?", help="a chapter")


def explain_options(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{LEARN} explain [...]"
    parser.epilog = (
        "Asked for is a close code, a status such as 403, a misconception such as M20, "
        "a word, or an error's text, quoted; - reads a traceback from standard input."
    )


def no_options(_: argparse.ArgumentParser) -> None:
    pass


VERBS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "list": ("Show chapters and exercises and their state.", no_options),
    "run": ("Start a chapter or an exercise and open its page.", run_options),
    "check": ("Check an exercise, or all of a chapter.", check_options),
    "watch": ("Check again at every save.", watch_options),
    "hint": ("Show the next of three hints.", exercise_options),
    "solution": ("Show the solution of an exercise.", solution_options),
    "reset": ("Start an exercise again; your file is kept.", exercise_options),
    "notebook": ("Open a chapter's notebook in JupyterLab.", notebook_options),
    "report": ("Write your progress into one page of HTML.", report_options),
    "test": ("Test the whole workbook, or a part of it.", test_options),
    "explain": ("Explain a close code, a misconception or an error.", explain_options),
    "doctor": ("Find out what is wrong with the set-up.", no_options),
    "bench": ("Measure what the text quotes, beside others.", bench_options),
}


def build_parser() -> Parser:
    """The parser of the whole command."""
    parser = Parser(
        prog=LEARN,
        usage=f"{LEARN} [COMMAND]",
        description="A workbook that teaches WebSockets with FastAPI.",
        epilog=OVERVIEW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", help=argparse.SUPPRESS, prog=LEARN)
    for verb, (summary, add_options) in VERBS.items():
        add_options(verbs.add_parser(verb, description=summary))
    return parser


def unknown_verb(word: str) -> NoReturn:
    import difflib

    near = difflib.get_close_matches(word, VERBS, 1)
    guess = f" Did you mean `{near[0]}`?" if near else ""
    text = f"There is no command `{word}`.{guess} See {LEARN} --help\n"
    sys.stderr.write(text)
    raise SystemExit(2)


def absolute(argument: str) -> str:
    """`argument` of pytest with its path made absolute where it names one."""
    path, separator, test = argument.partition("::")
    if argument.startswith("-") or not path or not Path(path).exists():
        return argument
    return f"{Path(path).resolve()}{separator}{test}"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What `argv`, without the program's name, asks for.

    Paths among the arguments of `test` come back absolute, as the command may be
    called from any folder.

    Raises:
        SystemExit: help was asked for (0), or the arguments are wrong (2).
    """
    if argv and not argv[0].startswith("-") and argv[0] not in VERBS:
        unknown_verb(argv[0])
    if argv[:1] == ["test"] and argv[1:] not in (["-h"], ["--help"]):
        passed_on = [absolute(argument) for argument in argv[1:]]
        return argparse.Namespace(verb="test", pytest_args=passed_on)
    if argv[:1] == ["explain"] and argv[1:] not in (["-h"], ["--help"]):
        # What is pasted may begin with anything, a hyphen too.
        return argparse.Namespace(verb="explain", words=list(argv[1:]))
    arguments = build_parser().parse_args(argv)
    arguments.verb = arguments.verb or "list"
    return arguments
