"""watch: from a save to the verdict, keys, and an end that leaves nothing behind."""

import codecs
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest

from tests.small_course import HALF_RIGHT, SHIPPED, SOLVED, make_course, save
from tests.waiting import wait_until
from workbook import course, watch
from workbook.course import Exercise
from workbook.process import Process
from workbook.progress import PLACE, Progress, State, digest

fcntl = pytest.importorskip("fcntl", reason="Windows has no pseudo-terminals")
termios = pytest.importorskip("termios", reason="Windows has no pseudo-terminals")

DEADLINE = 30.0
"""Seconds that anything may take. Generous: it takes a fraction of one."""

BEGIN = """
import fcntl, os, sys, termios
from pathlib import Path
if os.isatty(0):
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from workbook.watch import watch
sys.exit(watch(sys.argv[2] or None, sys.argv[3] == "True", Path(sys.argv[1])))
"""


class Session:
    """`watch` in a process of its own, on a terminal or on pipes. Use it in a `with`.

    Args:
        root: the course.
        target: where to begin.
        manual: check only when asked.
        terminal: whether it has one.
        through: a program that starts it and waits.
        env: more environment variables.
    """

    def __init__(
        self,
        root: Path,
        target: str = "",
        *,
        manual: bool = False,
        terminal: bool = True,
        through: str = "",
        **env: str,
    ) -> None:
        self.mark = uuid.uuid4().hex
        self._seen = ""
        begin = [BEGIN, str(root), target, str(manual)]
        self._news = threading.Condition()
        mine, theirs = os.openpty() if terminal else os.pipe()
        self._terminal = mine
        self.before = None
        if terminal:
            self.resize(80, 24)
            self.before = termios.tcgetattr(mine)
        self.process = subprocess.Popen(
            [sys.executable, "-c", *([through] if through else []), *begin],
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "SESSION": self.mark, **env},
            cwd=course.ROOT,
            start_new_session=True,
        )
        if terminal:
            self._theirs = theirs  # kept open: the settings are asked for at the end
        else:
            os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)
        if self.before is not None:
            os.close(self._theirs)
        self._reader.join(DEADLINE)
        os.close(self._terminal)

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")  # letters come cut
        try:
            while chunk := os.read(self._terminal, 65536):
                with self._news:
                    self._seen += decoder.decode(chunk)
                    self._news.notify_all()
        except OSError:  # all that had the terminal have ended
            pass

    @property
    def screen(self) -> str:
        """The last whole screen, what followed it, or all that came over the pipe."""
        shown, over, after = self._seen.partition("\x1b[?1049l")
        whole = after if over else shown.rpartition("\x1b[J")[0] or shown
        last = whole.rpartition("\x1b[H")[2].replace("\r\n", "\n")
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last)

    def until(self, *texts: str, gone: str | None = None) -> str:
        """Wait for a screen that shows all `texts`, and `gone` no more.

        It may be missed where another one follows by itself.
        """

        def there() -> bool:
            screen = self.screen
            return all(t in screen for t in texts) and (not gone or gone not in screen)

        with self._news:
            assert self._news.wait_for(there, DEADLINE), f"{texts} in\n{self.screen}"
            return self.screen

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        size = rows.to_bytes(2, sys.byteorder) + columns.to_bytes(2, sys.byteorder)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size + bytes(4))

    def end(self) -> int:
        """Wait for its end; its exit status."""
        return self.process.wait(DEADLINE)

    def is_restored(self) -> bool:
        """Whether the terminal is as it was before, when all has come that was said."""

        def back() -> bool:
            return self._seen.endswith("\n") and "\x1b[?25h\x1b[?1049l" in self._seen

        with self._news:
            there = self._news.wait_for(back, DEADLINE)
        return there and termios.tcgetattr(self._theirs) == self.before

    def left(self) -> list[str]:
        """What still runs of it after a while: a process that ends may take time."""
        deadline = time.monotonic() + DEADLINE
        while (found := self._running()) and time.monotonic() < deadline:
            psutil.wait_procs(found, timeout=0.1)
        return [process.name() for process in found]

    def _running(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("SESSION") == self.mark:
                    found.append(process)
            except psutil.Error:
                continue
        return found


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(PLACE, raising=False)
    make_course(tmp_path)
    return tmp_path


@pytest.fixture
def first(root: Path) -> Exercise:
    return course.find_exercise("1.1", root)


def test_saves_of_every_kind_are_seen(root: Path, first: Exercise) -> None:
    with Session(root) as session:
        how = "ex1_double.py: checked at every save (native events)"
        session.until("✘ 1.1 double: not yet, check 1 of 2", how)
        save(first.path, HALF_RIGHT)
        session.until("check 2 of 2 fails", "called    double(2)")
        first.path.unlink()
        session.until("no such file", "reset 1.1")
        first.path.write_text(SHIPPED)
        session.until("check 1 of 2 fails")
        with first.path.open("w") as file:
            file.write(SOLVED[:20])  # half a save: a text that does not end
            file.flush()
            session.until("SyntaxError")
            file.write(SOLVED[20:])
        session.until("✔ 1.1 double: all 2 checks pass", "1 of 3 exercises passed")

    assert Progress.of(root).state(first) is State.PASSED


def test_a_passed_exercise_stays_until_a_key_goes_on(
    root: Path, first: Exercise
) -> None:
    first.path.write_text(SOLVED)
    with Session(root) as session:
        session.until("✔ 1.1 double: all 2 checks pass", "Press n to go on.")
        session.press("n")
        session.until("✘ 1.2 twice: not yet", "ex2_twice.py: checked at every save")
        session.press("p")
        session.until("✔ 1.1 double: all 2 checks pass", "Press n to go on.")
        session.press("p")
        session.until("This is the first one.")
        session.press("q")

        assert session.end() == 0
        session.until("1 of 3 exercises passed. Go on with: ")
        assert session.is_restored()
        assert session.left() == []


def test_keys_show_hints_lists_and_every_check(root: Path, first: Exercise) -> None:
    first.path.write_text(HALF_RIGHT)
    with Session(root) as session:
        session.until("check 2 of 2 fails")
        session.press("h")
        session.until("1.1 double: hints", "Hint 1 of 3", "Press h for one more")
        session.press("h")
        session.until("Hint 2 of 3")
        session.press("l")
        session.until("1 one", "› 1.1 double   tried once, 2 hints seen")
        session.press("c")
        session.until("✘ 1.1 double: not yet", "· 1.2 twice: not begun")
        session.press("\x1b")
        session.until("called    double(2)")
        session.resize(60, 12)
        small = session.until("check 2 of 2 fails", "more line")
        session.press("\x1b[B")
        session.until("✘ 1.1 double", gone="✔ it doubles one")
        session.resize(70, 30)
        large = session.until("✔ it doubles one", "expected  4", gone="more line")

    assert small.count("\n") + 1 == 12
    assert large.count("\n") + 1 == 30
    assert max(map(len, small.split("\n"))) == 60


def test_where_it_is_narrow_the_checks_that_pass_share_a_line(
    root: Path, first: Exercise
) -> None:
    checks = first.chapter.tests / "test_exercises.py"
    one_more = "\ndef test_{n}_is_doubled(ex1_double: Answer) -> None:\n    pass\n"
    text = checks.read_text()
    begin = text.index("\ndef ")
    more = one_more.format(n="nothing") + one_more.format(n="everything")
    checks.write_text(text[:begin] + more + text[begin:])
    first.path.write_text(HALF_RIGHT)
    with Session(root) as session:
        session.until("✔ nothing is doubled", "called    double(2)")
        session.resize(80, 14)
        narrow = session.until("✔ 3 checks pass", "✘ it doubles two", gone="nothing is")

    assert "called    double(2)" in narrow
    assert "more line" not in narrow


def test_where_it_is_narrow_the_count_and_the_commands_can_be_read(
    root: Path, first: Exercise
) -> None:
    first.path.write_text(HALF_RIGHT)
    with Session(root) as session:
        session.resize(36, 30)
        session.until("ex1_double.py          0 of 3 passed", "✘ it doubles two")
        save(first.path, HALF_RIGHT + "\nwhile True:\n    pass\n")
        session.until("1.1 double              checking ...", "✘ it doubles two")
        session.press("hhh")
        session.until("up: python3 learn.py solution 1.1\n")
        save(first.path, SOLVED)
        said = session.until("Press n to go on.")

    assert "How we did it:\n  python3 learn.py solution 1.1" in said
    assert "chapters/ch01_one/exercises/ex2_twice.py" in said.replace("\n  ", "")
    assert max(map(len, said.split("\n"))) <= 36


def test_while_every_exercise_is_checked_none_is_missing(
    root: Path, first: Exercise
) -> None:
    first.path.write_text(SHIPPED + "\nwhile True:\n    pass\n")
    second = course.find_exercise("1.2", root)
    second.path.write_text(SOLVED)
    with Session(root) as session:
        session.until("checking ...")
        session.press("c")
        screen = session.until("checking 1.1 ...", "1.1 double: being checked")

    assert "1.2 twice: not checked yet" in screen
    assert "2.1 again: not begun" in screen


def test_every_exercise_that_was_begun_is_checked_in_turn(
    root: Path, first: Exercise
) -> None:
    first.path.write_text(HALF_RIGHT)
    course.find_exercise("1.2", root).path.write_text(HALF_RIGHT)
    with Session(root) as session:
        session.until("check 2 of 2 fails")
        session.press("c")
        session.until("✘ 1.1 double: not yet", "✘ 1.2 twice: not yet", gone="checking")


def test_where_there_are_no_arrows_the_screen_has_ascii(
    root: Path, first: Exercise
) -> None:
    first.path.write_text(HALF_RIGHT)
    with Session(root, PYTHONIOENCODING="ascii") as session:
        screen = session.until("x 1.1 double: not yet", "+ it doubles one", "-" * 80)

    assert screen.isascii()
    assert "?" not in screen


def test_in_manual_mode_only_a_key_checks(root: Path, first: Exercise) -> None:
    with Session(root, manual=True) as session:
        session.until("Press r to check it.", "Manual: r checks")
        session.press("r")
        session.until("check 1 of 2 fails")
        save(first.path, SOLVED)
        session.until("changed since this check", "check 1 of 2 fails")
        session.press("r")
        session.until("all 2 checks pass")


def test_a_check_that_hangs_holds_up_no_save_and_outlives_no_kill(
    root: Path, first: Exercise
) -> None:
    hung = SHIPPED + "\nwhile True:\n    pass\n"
    first.path.write_text(hung)
    with Session(root) as session:
        session.until("checking ...")
        save(first.path, SOLVED)
        session.until("all 2 checks pass")
        save(first.path, hung)
        session.until("checking ... ", " s\n")  # for a second at least, or for more
        session.process.send_signal(signal.SIGKILL)
        session.end()

        assert session.left() == []


@pytest.mark.parametrize(
    ("stop", "status"),
    [
        (lambda session: session.press("\x03"), 130),
        (lambda session: session.process.terminate(), 143),
        (lambda session: session.process.send_signal(signal.SIGHUP), 129),
    ],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_however_it_ends_the_terminal_is_as_it_was_and_nothing_runs(
    root: Path, stop: Callable[[Session], None], status: int
) -> None:
    with Session(root) as session:
        session.until("not yet")
        stop(session)

        assert session.end() == status
        session.until("Go on with: ")
        assert session.is_restored()
        assert session.left() == []


def test_an_error_of_our_own_gives_the_terminal_back_first(root: Path) -> None:
    with Session(root) as session:
        session.until("not yet")
        shutil.rmtree(root / "solutions")  # there is no exercise any more
        session.press("n")

        assert session.end() == 1
        session.until("Traceback", "Error: ")
        assert session.is_restored()
        assert session.left() == []


def test_without_terminal_and_events_it_polls_and_tells_line_by_line(
    root: Path, first: Exercise
) -> None:
    with Session(root, terminal=False, WATCHFILES_FORCE_POLLING="1") as session:
        session.until("Watching chapters/ch01_one/exercises/ex1_double.py")
        save(first.path, HALF_RIGHT)
        session.until("✘ 1.1 double: not yet, check 2 of 2", "hint 1.1")
        save(first.path, SOLVED)  # as may be, within the same second
        told = session.until("✔ 1.1 double: all 2 checks pass", "ex2_twice.py: save it")

    assert "\x1b" not in told


@pytest.mark.parametrize(("wish", "polls"), [("1", True), ("false", False)])
def test_polling_is_wished_for_as_for_watchfiles(
    monkeypatch: pytest.MonkeyPatch, wish: str, polls: bool
) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", wish)

    assert watch.must_poll() is polls


def test_it_ends_when_learn_py_has_gone(root: Path) -> None:
    learn = "import subprocess as s, sys; s.run([sys.executable, '-c', *sys.argv[1:]])"
    with Session(root, terminal=False, through=learn) as session:
        session.until("Watching")
        session.process.kill()
        session.end()

        assert session.left() == []


def test_the_next_check_finds_its_process_warm_and_does_without_a_dead_one(
    first: Exercise,
) -> None:
    first.path.write_text(SOLVED)
    events: queue.SimpleQueue[watch.Event] = queue.SimpleQueue()
    with watch.Checker(events.put) as checker:
        checker.begin(first)
        events.get(timeout=DEADLINE)
        wait_until(lambda: checker.spare, "the next process has been started")
        warm = checker.spare
        assert warm is not None
        psutil.Process(warm.pid).kill()
        warm.join(DEADLINE)
        checker.begin(first)
        event = events.get(timeout=DEADLINE)

        assert isinstance(event, watch.Checked)
        assert event.verdict.ok
        assert checker.take(event)


def test_a_check_takes_the_warm_process_and_a_given_up_one_is_not_heard(
    first: Exercise,
) -> None:
    first.path.write_text(SHIPPED + "\nwhile True:\n    pass\n")  # it cannot end before
    events: queue.SimpleQueue[watch.Event] = queue.SimpleQueue()
    with watch.Checker(events.put) as checker:
        warm = checker.spare = Process()
        checker.begin(first)
        checker.cancel()
        event = events.get(timeout=DEADLINE)

        assert warm.ending == "it was not needed any more"
        assert isinstance(event, watch.Checked)
        assert not checker.take(event)


def test_without_a_terminal_there_is_no_manual_mode(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch.watch(None, True, root) == 2
    assert "check 1.1" in capsys.readouterr().err


def test_an_unknown_target_is_one_sentence(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch.watch("1.9", root=root) == 2
    assert capsys.readouterr().err.startswith("There is no exercise '1.9'.")


@pytest.mark.parametrize(
    ("target", "begin"), [(None, "1.2"), ("1", "1.2"), ("2", "2.1"), ("1.1", "1.1")]
)
def test_it_begins_with_the_first_that_has_not_passed(
    root: Path, first: Exercise, target: str | None, begin: str
) -> None:
    first.path.write_text(SOLVED)
    progress = Progress.of(root)
    progress.judge(first, digest(first.path), True)

    found = watch.beginning(target, progress, root)

    assert found is not None
    assert found.id == begin


def test_other_exercises_and_editors_files_are_not_looked_at(first: Exercise) -> None:
    folder = first.path.parent
    before = watch.look(first)
    for name in (".ex1_double.py.swp", "ex1_double.py~", "4913", ".#ex1_double.py"):
        (folder / name).write_text("")
    (folder / "ex2_twice.py").write_text("")
    same = watch.look(first) == before
    (folder / "mine.py").write_text("")

    assert same
    assert watch.look(first) != before
