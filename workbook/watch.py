"""`learn.py watch`: one exercise on one screen, checked again at every save.

One thread waits for keys, one for changes of files, one checks; each puts what it
has into one queue. The main thread takes it out, decides, and draws.
"""

import os
import platform
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal, NoReturn, Self

import watchfiles
from rich.text import Text

from workbook import checks, course, terminal
from workbook.arguments import LEARN
from workbook.checks import Verdict
from workbook.course import ROOT, Exercise
from workbook.desk import FINE, following, note, politely, refuse
from workbook.process import Process
from workbook.progress import Progress, State, digest
from workbook.terminal import Lines
from workbook.window import Keyboard, Screen, is_there, page

STEP = 40
"""Milliseconds without a further change after which a save is taken for whole."""

GATHER = 400
"""Milliseconds after which a save is looked at, also when changes go on."""

SETTLE = 0.5
"""Seconds in which an editor may put back a file that is gone or empty."""

TICK = 0.25
"""Seconds between two looks at the file, the window's size and our parent."""

LEAVE = 3.0
"""Seconds that an unfinished check gets to end when we quit."""


@dataclass(frozen=True)
class Pressed:
    """A key, as `window.Keyboard` calls it; None: there will be no more."""

    key: str | None


@dataclass(frozen=True)
class Stirred:
    """Something has changed among the files: a reason to look."""


@dataclass(frozen=True)
class Checked:
    """A check has ended. `file` is the digest of what was checked, `at` a clock time.

    `file` is None where the file changed meanwhile.
    """

    ticket: int
    verdict: Verdict
    file: str | None
    at: str


@dataclass(frozen=True)
class Broken:
    """One of our threads has failed."""

    error: BaseException


Event = Pressed | Stirred | Checked | Broken
Put = Callable[[Event], None]


class Checker:
    """Checks one exercise at a time, in a thread, and keeps the next process warm.

    Use it in a `with`; leaving ends what runs.
    """

    def __init__(self, put: Put) -> None:
        self.ticket = 0  # of the check that counts; what comes of others is too late
        self.since: float | None = None  # when it began, if it runs
        self._put = put
        self._lock = threading.Lock()
        self.spare: Process | None = None  # started, and waiting for its job
        self._running: Process | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            spare, self.spare = self.spare, None
        if spare is not None:
            spare.end()
        self.cancel()
        self.join()

    def begin(self, exercise: Exercise) -> None:
        """Check this exercise's file now; a check that still runs is given up."""
        self.cancel()
        with self._lock:
            spare, self.spare = self.spare, None
        if spare is not None and spare.status is not None:
            spare.end()  # somebody has ended it; see that nothing is left
            spare = None
        self._running = spare or Process()
        self.since = time.monotonic()
        self._thread = threading.Thread(
            target=self._work, args=(self.ticket, exercise, self._running), daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """Give up the check that runs, if one does."""
        self.ticket += 1
        self.since = None
        if self._running is not None:
            self._running.end("it was not needed any more")
        self._running = None

    def take(self, checked: Checked) -> bool:
        """Whether this is what we wait for; then nothing runs any more."""
        if checked.ticket != self.ticket:
            return False
        self.since = self._running = None
        return True

    def join(self) -> None:
        """Wait until no check runs and the next process has been started."""
        if self._thread is not None:
            self._thread.join(LEAVE)

    def _work(self, ticket: int, exercise: Exercise, process: Process) -> None:
        try:
            file = digest(exercise.path)
            verdict = checks.run(exercise, process=process)
            same = file == digest(exercise.path)
            at = time.strftime("%H:%M:%S")
            self._put(Checked(ticket, verdict, file if same else None, at))
            if ticket == self.ticket:
                self._warm_up()
        except BaseException as error:
            if ticket == self.ticket:
                self._put(Broken(error))

    def _warm_up(self) -> None:
        with self._lock:
            if self.spare is None and not self._closed:
                self.spare = Process()


class Ear:
    """Tells when something changes below a folder. Use it in a `with`.

    Who listens looks at the files at every tick all the same: folders of another
    machine send no events. The polling of watchfiles is no way out, as it compares
    whole seconds and so misses a second save within one.
    """

    def __init__(self, folder: Path, put: Put) -> None:
        self.hears = not must_poll()
        self._folder = folder
        self._put = put
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        if self.hears:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(LEAVE)

    def _listen(self) -> None:
        try:
            for _ in watchfiles.watch(
                self._folder,
                watch_filter=None,
                debounce=GATHER,
                step=STEP,
                stop_event=self._stop,
                force_polling=False,
                ignore_permission_denied=True,
            ):
                self._put(Stirred())
        except OSError:  # such as no inotify watch left
            self.hears = False


def must_poll() -> bool:
    """Whether native events are known not to come, or not wanted.

    As watchfiles decides it, which keeps it to itself: WATCHFILES_FORCE_POLLING,
    else WSL, whose Windows folders send none.
    """
    wish = os.environ.get("WATCHFILES_FORCE_POLLING", "").lower()
    if wish:
        return wish not in ("false", "disable", "disabled")
    return "microsoft-standard" in platform.uname().release.lower()


Sight = dict[str, tuple[int, int, int]]
"""The Python files that belong to an exercise: time in ns, size, place on the disk."""


def look(exercise: Exercise) -> Sight:
    """See the exercise's file, and modules of the learner's own beside it."""
    others = {ex.path.name for ex in exercise.chapter.exercises} - {exercise.path.name}
    found: Sight = {}
    with suppress(OSError), os.scandir(exercise.path.parent) as entries:
        for entry in entries:
            name = entry.name
            if not name.endswith(".py") or name.startswith(".") or name in others:
                continue
            with suppress(OSError):  # gone in this moment
                facts = Path(entry.path).stat()  # entry.stat() may be late on Windows
                found[name] = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
    return found


class Watch:
    """One exercise, its last verdict, and when to check it again."""

    def __init__(self, exercise: Exercise, progress: Progress) -> None:
        self.exercise = exercise
        self.progress = progress
        self.checked: Checked | None = None
        self.over = False
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.checker = Checker(self.events.put)
        self.ear = Ear(exercise.chapter.root / "chapters", self.events.put)
        self.due: float | None = None  # when to check
        self._sight: Sight = {}  # what the file was when that was decided
        self._parent = os.getppid()

    def run(self) -> None:
        """Watch until it is over."""
        with self.checker, self.ear:
            self.go(self.exercise)
            while not self.over:
                self.show()
                event = self._next()
                if event is not None:
                    self.handle(event)
                self.attend()

    def _next(self) -> Event | None:
        wait = TICK if self.due is None else self.due - time.monotonic()
        with suppress(queue.Empty):
            return self.events.get(timeout=max(0.0, min(TICK, wait)))
        return None

    def attend(self) -> None:
        """Look at the file, the clock, and whether learn.py still lives."""
        if look(self.exercise) != self._sight:
            self.saved()
        if self.due is not None and time.monotonic() >= self.due:
            self.check()
        if os.getppid() != self._parent:
            self.over = True

    def handle(self, event: Event) -> None:
        """Do what an event asks for."""
        match event:
            case Checked():
                if self.checker.take(event):
                    note(event.verdict, event.file, self.progress)
                    self.judged(event)
            case Broken(error):
                raise error
            case Pressed(key):
                if key is None:
                    self.over = True
                else:
                    self.press(key)
            case Stirred():
                pass  # after every event we look

    def go(self, exercise: Exercise) -> None:
        """Turn to an exercise."""
        self.checker.cancel()
        self.exercise, self.checked = exercise, None
        self.saved()

    def saved(self) -> None:
        """The file is another one now, or gone: plan to check it."""
        self._sight = look(self.exercise)
        facts = self._sight.get(self.exercise.path.name)
        whole = facts is not None and facts[1] > 0
        self.due = time.monotonic() + (0 if whole else SETTLE)

    def check(self) -> None:
        """Check the file as it is now."""
        self.due = None
        self.checker.begin(self.exercise)

    def judged(self, checked: Checked) -> None:
        """A check has ended."""
        self.checked = checked

    def show(self) -> None:
        """Show how things stand, where that is not said line by line."""

    def press(self, key: str) -> None:
        """Do what a key asks for; without a terminal there is none."""


class Plain(Watch):
    """Says everything line by line: for a pipe, a file, a screen reader."""

    def __init__(self, exercise: Exercise, progress: Progress) -> None:
        super().__init__(exercise, progress)
        self._console = terminal.make_console()

    def go(self, exercise: Exercise) -> None:
        super().go(exercise)
        path = terminal.shown_path(exercise)
        self._say(Text(f"Watching {path}: save it, and it is checked."))
        if self.progress.state(exercise) is State.UNTOUCHED:
            self.due = None

    def judged(self, checked: Checked) -> None:
        super().judged(checked)
        self._say(Text(), Text(f"{checked.at}"))
        terminal.tell(checked.verdict, self._console)
        if not checked.verdict.ok:
            record = self.progress.record(self.exercise)
            self._say(Text(), terminal.help_line(self.exercise, record))
            return
        after = following(self.exercise, self.progress)
        self._say(Text(), *terminal.after_pass(self.exercise, after), Text())
        if after is None:
            self.over = True
        else:
            self.go(after)

    def _say(self, *lines: Text) -> None:
        terminal.show(self._console, lines)


View = Literal["verdict", "hints", "list", "all"]


class Live(Watch):
    """Has a screen, and keys."""

    def __init__(self, exercise: Exercise, progress: Progress, manual: bool) -> None:
        super().__init__(exercise, progress)
        self.manual = manual
        self.view: View = "verdict"
        self.stale = False  # the file has changed since the check; manual mode only
        self.note = ""
        progress.say = self._note
        self._screen = Screen()
        self._scroll = 0
        self._waiting: list[Exercise] = []  # to be checked by `c`
        self._found: dict[str, Lines] = {}  # what `c` found, by exercise
        self._size: tuple[int, int] = (0, 0)
        self._dirty = True

    def run(self) -> None:
        with Keyboard(lambda key: self.events.put(Pressed(key))), self._screen:
            super().run()

    def _note(self, sentence: str) -> None:
        self.note = sentence

    # What happens

    def go(self, exercise: Exercise) -> None:
        super().go(exercise)
        self.stale = False
        self._turn("verdict")

    def saved(self) -> None:
        super().saved()
        if self.manual:
            self.due, self.stale = None, True
        else:
            self._turn("verdict")
        self._dirty = True

    def check(self) -> None:
        super().check()
        self.stale = False
        self._dirty = True

    def judged(self, checked: Checked) -> None:
        exercise = checked.verdict.exercise
        if exercise == self.exercise:
            self.checked, self._scroll = checked, 0
        if self.view == "all":
            self._found[exercise.id] = terminal.brief(checked.verdict)[:2]
            self._check_waiting()
        self._dirty = True

    def press(self, key: str) -> None:
        self.note, self._dirty = "", True
        match key:
            case "q":
                self.over = True
            case "n":
                self._go_on()
            case "p":
                self._go_back()
            case "r":
                self._turn("verdict")
                self.due = time.monotonic()
            case "h":
                self._hint()
            case "c":
                self._check_all()
            case "l" if self.view != "list":
                self._turn("list")
            case "up" | "down" | "page up" | "page down":
                _, height = self._screen.size
                step = max(1, height // 2) if key.startswith("page") else 1
                self._scroll = self._scroll + (-step if "up" in key else step)
            case _:
                self._turn("verdict")

    def _turn(self, view: View) -> None:
        if self._waiting:
            self._waiting = []
            self.checker.cancel()
            if self.checked is None and not self.manual:
                self.due = time.monotonic()
        self.view, self._scroll = view, 0

    def _go_on(self) -> None:
        everything = course.exercises(self.exercise.chapter.root)
        after = following(self.exercise, self.progress)
        place = everything.index(self.exercise) + 1
        if after is None and place < len(everything):
            after = everything[place]
        if after is None:
            self.note = "This is the last one."
        else:
            self.go(after)

    def _go_back(self) -> None:
        everything = course.exercises(self.exercise.chapter.root)
        place = everything.index(self.exercise)
        if place == 0:
            self.note = "This is the first one."
        else:
            self.go(everything[place - 1])

    def _hint(self) -> None:
        if self.view == "hints" or not self.progress.record(self.exercise).hints:
            there_are = len(terminal.read_hints(self.exercise))
            self.progress.give_hint(self.exercise, there_are)
        self._turn("hints")
        self._scroll = 10_000  # the newest stands last

    def _check_all(self) -> None:
        self._turn("all")
        self._found, self.due = {}, None
        everything = course.exercises(self.exercise.chapter.root)
        for exercise in everything:
            if self.progress.state(exercise) is State.UNTOUCHED:
                self._found[exercise.id] = [terminal.not_begun(exercise)]
            else:
                self._waiting.append(exercise)
        self._check_waiting()

    def _check_waiting(self) -> None:
        self._waiting = [ex for ex in self._waiting if ex.id not in self._found]
        if self._waiting:
            self.checker.begin(self._waiting[0])

    # What is shown

    def show(self) -> None:
        size = self._screen.size
        if not self._dirty and size == self._size and self.checker.since is None:
            return
        if size != self._size:
            self._screen.forget()
        self._size, self._dirty = size, False
        width, height = size
        rows, self._scroll = page(
            self._head(width),
            terminal.folded(self._body(width), width),
            self._foot(width),
            height,
            self._scroll,
        )
        self._screen.draw(rows)

    def _head(self, width: int) -> Lines:
        records = self.progress.read()
        everything = course.exercises(self.exercise.chapter.root)
        first = self._place(terminal.bar(everything, records), width)
        title = name = Text(terminal.title(self.exercise), "bold")
        match self.view:
            case "verdict" if self.checked is not None:
                name = terminal.summary(self.checked.verdict)
            case "hints":
                name = title + Text(": hints")
            case "list" | "all":
                name = Text("Every exercise", "bold")
            case "verdict":
                pass
        status = Text(self._status())
        second = terminal.both(name, status, width)
        if second == name and self.checker.since is not None:
            second = terminal.both(title, status, width)  # what is shown is past
        return [first, second, Text()]

    def _place(self, bar: Text, width: int) -> Text:
        """Where we are, and how far we have come, in short where it is narrow."""
        path = terminal.shown_path(self.exercise)
        short = Text(bar.plain.replace(" exercises", ""))
        for left in (Text(path), Text(self.exercise.path.name)):
            for right in (bar, short):
                row = terminal.both(left, right, width)
                if row != left:
                    return row
        return short

    def _status(self) -> str:
        if self.checker.since is not None:
            spent = time.monotonic() - self.checker.since
            which = f" {self._waiting[0].id}" if self._waiting else ""
            return f"checking{which} ..." + (f" {spent:.0f} s" if spent >= 1 else "")
        if self.view != "verdict" or self.checked is None:
            return ""
        if self.stale:
            return "changed since this check"
        return f"checked {self.checked.at}"

    def _body(self, width: int) -> Lines:
        match self.view:
            case "hints":
                return self._hints(width)
            case "list":
                everything = course.chapters(self.exercise.chapter.root)
                return terminal.overview(everything, self.progress.read())
            case "all":
                everything = course.exercises(self.exercise.chapter.root)
                return [row for ex in everything for row in self._rows(ex)]
            case "verdict":
                return self._verdict(width)

    def _rows(self, exercise: Exercise) -> Lines:
        """What `c` knows of an exercise by now."""
        begun = self._waiting[:1] == [exercise]
        return self._found.get(exercise.id, [terminal.not_judged(exercise, begun)])

    def _verdict(self, width: int) -> Lines:
        if self.checked is None:
            asks = self.manual and self.checker.since is None
            return [Text("Press r to check it.")] if asks else []
        verdict = self.checked.verdict
        lines = terminal.explain(verdict, min(terminal.WIDTH, width))[2:]
        passed = len(verdict.passed)
        if not verdict.ok and passed > 1 and len(lines) > self._room(width):
            lines[:passed] = [Text.assemble(("  ✔ ", "green"), f"{passed} checks pass")]
        if verdict.ok:
            after = following(self.exercise, self.progress)
            lines += [Text(), *terminal.after_pass(self.exercise, after)]
            lines += [Text("Press n to go on.")] if after is not None else []
        return lines

    def _room(self, width: int) -> int:
        """Rows between the head and the foot."""
        return self._size[1] - len(self._head(width)) - len(self._foot(width))

    def _hints(self, width: int) -> Lines:
        texts = terminal.read_hints(self.exercise)
        given = self.progress.record(self.exercise).hints
        if not texts:
            return [Text("There are no hints for this one.")]
        lines = terminal.hints(self.exercise, texts, given, given - 1, width)[2:]
        more = [Text(), Text("Press h for one more.")] if given < len(texts) else []
        return [*lines, *more]

    def _foot(self, width: int) -> Lines:
        way = "native events" if self.ear.hears else "polling"
        name = self.exercise.path.name
        how = f"{name}: checked at every save ({way})"
        how = "Manual: r checks" if self.manual else how
        lines = [Text("─" * min(width, terminal.WIDTH), "dim")]
        lines += [Text(part, "yellow") for part in terminal.wrap(self.note, width)]
        told = [Text(part, "dim") for part in terminal.wrap(how, width)]
        return [*lines, *terminal.keys(KEYS, width), *told]


KEYS = (
    ("n", "next"),
    ("p", "previous"),
    ("h", "hint"),
    ("l", "list"),
    ("r", "check again"),
    ("c", "check all"),
    ("q", "quit"),
)
"""What the footer says of the keys."""


@politely
def watch(target: str | None = None, manual: bool = False, root: Path = ROOT) -> int:
    """Check an exercise again at every save, and go on to the next, until `q`.

    Args:
        target: where to begin; None is the first exercise that has not passed.
        manual: check at a key, not at every save.
        root: the workbook's folder.

    Returns:
        The exit status; 128 and the signal's number where one ended it.
    """
    progress = Progress.of(root)
    begin = beginning(target, progress, root)
    if begin is None:
        return refuse("There is no exercise to watch here yet.")
    if not is_there():
        if manual:
            return refuse(
                "Without a terminal there are no keys, so nothing would be checked.\n"
                f"Way out: {LEARN} check {begin.id}"
            )
        return _until_stopped(Plain(begin, progress))
    status = _until_stopped(Live(begin, progress, manual))
    print(terminal.bar(course.exercises(root), progress.read()).plain + ".", end=" ")
    print(f"Go on with: {LEARN} watch")
    return status


def beginning(
    target: str | None, progress: Progress, root: Path = ROOT
) -> Exercise | None:
    """The exercise to begin with; None where there is none at all.

    Raises:
        NotFound: `target` is no exercise and no chapter.
    """
    found = course.exercises(root)
    if target is not None:
        place = course.find(target, root)
        if isinstance(place, Exercise):
            return place
        found = place.exercises
    goal = terminal.next_exercise(found, progress.read())
    return goal or (found[0] if found else None)


def _until_stopped(watch: Watch) -> int:
    """Run until it is over or a signal says so; returns the exit status."""
    stops = [signal.SIGINT, signal.SIGTERM]
    stops += [signal.SIGHUP] if sys.platform != "win32" else []

    def stop(number: int, _: FrameType | None) -> NoReturn:
        for other in stops:  # a second one must not cut the tidying short
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in stops}
    try:
        watch.run()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return FINE
