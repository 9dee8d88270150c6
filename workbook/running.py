"""`learn.py run`: an app on uvicorn that starts again at a save and ends at once.

This process holds the port and watches the files; a second one, the server, imports
the learner's file: `python -m workbook.serving FILE`.
"""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import psutil

    from workbook.broker import Broker

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PORT = 8000
PORTS_TRIED = 100

PATIENCE = 2.0
"""Seconds after which a server that was told to stop is ended by force."""

NOT_STARTED = 3
"""Exit status of a server whose file could not be used; it has said why."""

WATCHED = {".py", ".html", ".css", ".js"}


@dataclass(frozen=True)
class App:
    """A file that holds a FastAPI application called `app`."""

    title: str  # "Chapter 1, echo"
    file: Path

    @property
    def folder(self) -> Path:
        """The chapter's folder: what is watched."""
        here = self.file.parent
        return here.parent if here.name == "exercises" else here

    def uses(self, path: Path) -> bool:
        """Whether a change of `path` is a reason to start again."""
        if path.suffix not in WATCHED or path.name.startswith("."):
            return False
        beside = path.relative_to(self.folder).parts
        return beside[0] != "exercises" or path == self.file


class PortTaken(Exception):
    """The port asked for cannot be had. The text says why, and the way out."""


def listen(port: int) -> socket.socket:
    """A socket that listens on `port` of this machine; 0 is any free one.

    Raises:
        OSError: it is taken, or needs rights that the learner has not.
    """
    # Named, or asyncio would not turn off Nagle's delay.
    sock = socket.socket(proto=socket.IPPROTO_TCP)
    if sys.platform == "win32":
        # SO_REUSEADDR would share the port with whoever has it.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen()  # before that, another could bind the port as well
    except OSError:
        sock.close()
        raise
    return sock


def claim(port: int | None, first: int = PORT) -> tuple[socket.socket, str]:
    """A listening socket, and what to say about its port: nothing, as a rule.

    Without `port` it is `first`, or the next one that is free.

    Raises:
        PortTaken: `port` was asked for and cannot be had, or none is free.
    """
    if port is not None:
        try:
            return listen(port), ""
        except OSError as error:
            raise PortTaken(why_not(port, error)) from None
    for number in range(first, first + PORTS_TRIED):
        with contextlib.suppress(OSError):
            sock = listen(number)
            if number == first:
                return sock, ""
            return sock, f"Port {first} is held by {holder(first)}: {number} it is."
    last = first + PORTS_TRIED - 1
    raise PortTaken(f"The ports {first} to {last} are all taken: choose one, --port N.")


def why_not(port: int, error: OSError) -> str:
    """Why a port cannot be had, and the way out."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} is kept for the system: choose one above 1023."
    return (
        f"Port {port} is held by {holder(port)}:"
        " end that, choose another port, or leave --port away."
    )


def holder(port: int) -> str:
    """Who listens on `port`, as far as the system tells: command, process number."""
    try:
        import psutil
    except ModuleNotFoundError:
        return "another program"
    with contextlib.suppress(psutil.Error):
        for number, pid in listeners():
            if number == port and pid:
                return described(psutil.Process(pid).cmdline(), pid)
    return "another program"


def listeners() -> Iterator[tuple[int, int | None]]:
    """Port and process number of every listening TCP socket that the system shows."""
    import psutil

    try:
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr:
                yield one.laddr.port, one.pid
    except psutil.AccessDenied:  # macOS: one's own processes, one by one
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                for one in process.net_connections("tcp"):
                    if one.status == psutil.CONN_LISTEN and one.laddr:
                        yield one.laddr.port, process.pid


def described(command: list[str], pid: int) -> str:
    """A process in a few words; one of ours by what the learner typed."""
    if "workbook" in command:
        typed = " ".join(command[command.index("workbook") + 1 :])
        return f"another learn.py {typed} (process {pid})"
    if "workbook.serving" in command:
        file = command[command.index("workbook.serving") + 1]
        return f"another learn.py, with {file} (process {pid})"
    short = " ".join([Path(command[0]).name, *command[1:]]) if command else "a program"
    return f"{short if len(short) <= 60 else short[:57] + '...'} (process {pid})"


def may_open_browser(env: Mapping[str, str] = os.environ) -> bool:
    """Whether there is somebody in front of this machine, with a browser to open."""
    if not sys.stdout.isatty() or env.get("TERM") == "dumb" or "CI" in env:
        return False
    if {"CODESPACES", "REMOTE_CONTAINERS", "DEVCONTAINER"} & env.keys():
        return False  # the editor outside shows the page
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in env
    # Without a screen, `webbrowser` would start a text browser in this terminal.
    return bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def address(port: int, env: Mapping[str, str] = os.environ) -> str:
    """Where a browser finds the page; in GitHub's Codespaces that is elsewhere."""
    name = env.get("CODESPACE_NAME")
    domain = env.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    if name and domain:
        return f"https://{name}-{port}.{domain}"
    return f"http://{HOST}:{port}"


def end_with_parent(parent: int) -> None:
    """End this process when the one that started it has been killed.

    Args:
        parent: its number. Who asks for it here may ask too late.
    """
    if sys.platform == "win32":
        return  # there every process of a console ends with it

    def look() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(1)
        os.kill(os.getpid(), signal.SIGTERM)
        pause.wait(PATIENCE)
        os._exit(1)

    # A Ctrl-C that comes while the process is stopped may be given to any thread, and
    # the main one, which waits in the system, would not learn of it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    threading.Thread(target=look, daemon=True).start()  # it keeps them blocked
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Server:
    """The process that serves the learner's file, started again and again.

    With several workers it starts these, and serves nothing itself.
    """

    def __init__(
        self,
        app: App,
        listener: socket.socket,
        browser: bool,
        workers: int = 1,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.app = app
        self.workers = workers
        self.env = {**os.environ, **(env or {})}
        self.port: int = listener.getsockname()[1]
        self.url = address(self.port)
        self._browser = browser  # whether the page is still to be opened
        self._listener = listener
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. What it has to say about the file, it says itself."""
        file = self.app.file.relative_to(ROOT)
        command = [sys.executable, "-m", "workbook.serving", str(file), str(self.port)]
        command += [self.url if self._browser else "", str(self.workers)]
        command.append(str(os.getpid()))
        how: dict[str, Any] = {"cwd": ROOT, "env": self.env}
        if sys.platform == "win32":
            # A group of its own, as only a group can be told to stop there. It
            # binds the port itself.
            self._listener.close()
            how["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
        else:
            command.append(str(self._listener.fileno()))
            how["pass_fds"] = (self._listener.fileno(),)
        self._process = subprocess.Popen[bytes](command, **how)

    def wait(self) -> int:
        """Wait for its end; returns the exit status."""
        assert self._process is not None
        if sys.platform != "win32":
            return self._process.wait()
        while True:  # Ctrl-C is noticed only between waits
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(0.5)

    def ended(self) -> int | None:
        """The exit status, once, of a server that has ended by itself."""
        status = None if self._process is None else self._process.poll()
        if status is not None:
            self._process = None
            self._browser = self._browser and status == NOT_STARTED
        return status

    def stop(self) -> None:
        """Tell it to stop; end it by force after `PATIENCE`."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        self._browser = False
        workers = children(process.pid)
        if sys.platform == "win32":
            process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            process.terminate()
        try:
            # Who asks others to stop, and waits for them, takes longer.
            process.wait(PATIENCE if self.workers == 1 else 2 * PATIENCE)
        except subprocess.TimeoutExpired:
            print("The server did not stop by itself: some handler never gives way.")
        finally:
            process.kill()
            process.wait()
            for worker in workers:  # of one that could not end them itself
                end_now(worker)


def end_now(process: "psutil.Process") -> None:
    """End a process that may have ended already."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def children(pid: int) -> "list[psutil.Process]":
    """What a process has started."""
    import psutil

    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def run(
    app: App, *, port: int | None, browser: bool, reload: bool, workers: int = 1
) -> int:
    """Serve `app` until Ctrl-C; returns the exit status.

    An app that mentions REDIS_URL gets one: the one that is there, or a private one.

    Args:
        app: the app.
        port: the one that the learner has asked for; None is 8000 or the next free.
        browser: whether to open the page, where there is somebody to see it.
        reload: whether to start again at each save.
        workers: how many processes share the port.
    """
    from workbook.broker import URL, Broker, NoBroker, is_needed

    end_with_parent(os.getppid())
    signal.signal(signal.SIGTERM, interrupt)
    try:
        with contextlib.ExitStack() as ends:
            listener, note = claim(port)
            broker = None
            if is_needed(app.file):
                broker = ends.enter_context(Broker(running=True))
            env = {} if broker is None else {URL: broker.url}
            show = browser and may_open_browser()
            server = Server(app, listener, show, workers, env)
            ends.callback(server.stop)
            print(*heading(server, note, broker), sep="\n", flush=True)
            return keep_running(server) if reload else run_once(server)
    except (PortTaken, NoBroker) as missing:
        print(missing, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def heading(server: Server, note: str, broker: "Broker | None") -> Iterator[str]:
    """What is said at the start, line by line."""
    from workbook.broker import hidden

    if note:
        yield note
    yield f"{server.app.title}: {server.url}"
    if broker is not None:
        yield f"Redis: {hidden(broker.url)} ({broker.name})"
    if server.workers > 1:
        yield (
            f"{server.workers} workers share the port, and no memory: which of them"
            " a browser gets is chance."
        )


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def run_once(server: Server) -> int:
    """Serve until the server ends."""
    print("Ctrl-C ends it.", flush=True)
    server.start()
    return 1 if server.wait() else 0


Sight = set[tuple[Path, tuple[int, int, int]]]
"""Files: time in ns, size, place on the disk."""


def look(app: App) -> Sight:
    """See the files that an app uses."""
    found: Sight = set()
    for path in app.folder.rglob("*"):
        with contextlib.suppress(OSError):  # gone in this moment
            if app.uses(path):
                facts = path.stat()
                found.add((path, (facts.st_mtime_ns, facts.st_size, facts.st_ino)))
    return found


def keep_running(server: Server) -> NoReturn:
    """Serve, and start the server again at each save."""
    import watchfiles

    folder = server.app.folder
    shown = folder.relative_to(ROOT)
    print(f"Save a file in {shown} and it starts again. Ctrl-C ends it.", flush=True)
    seen: Sight | None = look(server.app)
    server.start()
    for changes in watchfiles.watch(
        folder,
        watch_filter=lambda _, path: server.app.uses(Path(path)),
        rust_timeout=500,
        yield_on_timeout=True,
    ):
        saved = {Path(path).name for _, path in changes}
        if seen is not None:
            # Of what was saved before anybody watched nothing is told, or too late.
            now = look(server.app)
            saved = {path.name for path, _ in seen ^ now}
            seen = now if saved and not changes else None
        if saved:
            names = ", ".join(sorted(saved))
            print(f"\n{names} was saved: starting again.", flush=True)
            server.stop()
            server.start()
        elif (status := server.ended()) is not None:
            print(f"The server has ended ({status}). Save a file to start it again.")
    raise KeyboardInterrupt  # watchfiles ends its loop at Ctrl-C
