# %% [markdown]
# # Chapter 4: broadcast
#
# **About 75 minutes.** You need chapter 2 and this notebook.
#
# You will be able to
#
# - say when a `send` waits, and what may happen in a room while it does;
# - tell from what the others hear that a client has died, or does not read;
# - give each client a bounded inbox, choose what happens when it is full, and choose
#   the bound so that it throws out nobody healthy;
# - explain each part of the chapter's app by what goes wrong without it;
# - show which client misses what when there are two processes.
#
# As before: answer each **Predict**, then run the cell. What we claim, the cells
# `assert`. Most handlers here are wrong on purpose; the chapter's own comes last.

# %%
import asyncio
import sys
import tracemalloc
from contextlib import suppress

from fastapi import WebSocket
from IPython.display import display

sys.path.append("..")  # the workbook's folder is the one above this notebook's
from benchmarks.audience import LONG, beside_sleepers, enter, listen, listen_all, say
from chapters.ch04_broadcast import app as chapter
from chapters.ch04_broadcast.app import Member, Room, app
from workbook.lesson import attempt, check, draw, lost, serve, show

# %% [markdown] tags=["M10"]
# ## 1 · A room that changes
#
# What one says, all shall hear. The obvious thing is a set of sockets and a loop. It is
# copied often, and it works where it is tried: alone, with two tabs.
#
# `send_text` seldom waits. It hands a text to the system, which keeps some for a client
# that is slow. Only when too much is kept does the next `send_text` to this client
# wait, and while it waits, others run. Below, bo stalls: he reads nothing. ana says
# something long, then `hello`, and the loop waits for bo. Meanwhile cy comes in. Then
# bo reads on.
#
# Then the same with a list; `Row` is one. bo, cy, di and ana come in this order. cy
# stalls, ana says `hello`, bo hears it and leaves. cy reads on, ana says `anybody?`.
#
# **Predict:** With the set, what happens to ana, who has only spoken? With the list,
# does di hear `hello`?


# %% tags=["experiment", "M10"]
class Row(list[WebSocket]):
    add = list.append


async def naive(websocket: WebSocket) -> None:
    await websocket.accept()
    room.add(websocket)
    try:
        async for text in websocket.iter_text():
            for member in room:
                await member.send_text(text)
    finally:
        room.remove(websocket)


# %% tags=["M10"]
room = set()
with serve(naive) as server:
    ana, bo = enter(server, "ana", "bo")
    bo.stall()
    say(ana, LONG, "hello")
    assert all(ana.ping() for _ in range(5))  # the server has done what it can
    (cy,) = enter(server, "cy")
    bo.read_on()
    assert "1006" in listen(ana)[-1]  # her connection has ended
print(last := server.log.splitlines()[-1])
assert "Set changed size during iteration" in last
draw(server.wire, "cy comes in, and ana's connection ends")

# %% tags=["M10"]
room = Row()
with serve(naive) as server:
    bo, cy, di, ana = enter(server, "bo", "cy", "di", "ana")
    cy.stall()
    say(ana, LONG, "hello")
    listen(bo, "hello")  # so the loop is at cy
    bo.close()
    cy.read_on()
    say(ana, "anybody?")
    assert listen(di, "anybody?") == ["anybody?"]
draw(lost(server.wire, "di", ["hello", "anybody?"]), "di is skipped, without an error")

# %% [markdown] tags=["M01"]
# With a set, an error is raised in the handler of who speaks: it is ana who is thrown
# out, because cy came in. A `dict` says `dictionary changed size`. A list says nothing.
# When bo left, everybody behind him moved up by one place, and the loop, which counts
# places, went past di. No log tells of it, which is worse. `for member in room.copy()`
# mends both.
#
# ## 2 · One is dead
#
# It does not mend this one. ana, bo and cy come in. bo stalls again, and while the loop
# waits for him he vanishes, as a phone does in a tunnel. Then cy says `hello?`.
#
# **Predict:** Who gets an error, bo's handler or ana's? Does cy hear `hello`?

# %% tags=["experiment", "M01"]
room = Row()
with serve(naive) as server:
    ana, bo, cy = enter(server, "ana", "bo", "cy")
    bo.stall()
    say(ana, LONG, "hello")
    listen(ana, "hello")  # she hears herself; now the loop is at bo
    bo.abort()
    assert "1006" in listen(ana)[-1]  # her connection has ended
    say(cy, "hello?")
    assert listen(cy, "hello?") == ["hello?"]  # himself, and nothing before
assert "WebSocketDisconnect" in server.log
draw(lost(server.wire, "cy", ["hello", "hello?"]), "bo dies, and ana is thrown out")

# %% [markdown] tags=["M01", "M49"]
# bo's death is raised where somebody sends to him: in ana's handler, which it ends. So
# one dead client silences whoever speaks and whoever comes behind him in the room.
# **Catch it where you send, and go on with the next.** The names to catch are those of
# chapter 2: `WebSocketDisconnect`, and the second time `WebSocketDisconnected`.
#
# Many add a `close()` to their `finally`, to be polite.
#
# **Predict:** Does that harm, when the client has said goodbye? When it has vanished?


# %% tags=["experiment", "M49"]
async def polite(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        async for text in websocket.iter_text():
            await websocket.send_text(text)
    finally:
        await websocket.close()


goodbye, abrupt = attempt(polite, leave="close"), attempt(polite, leave="abort")
assert "Traceback" not in goodbye.log
assert "Traceback" in abrupt.log

# %% [markdown] tags=["M32", "M60"]
# Where it can be seen, it does nothing; where it does something, it is a traceback.
# Who has left needs no `close()`: it is for those whom *you* send away.
#
# ## 3 · One does not read
#
# The dead are the easier case: the system notices. Now bo stays, and reads nothing: a
# laptop that was closed, a page that hangs. There are three ways to tell the room: one
# `send` after the other; all at once with `asyncio.gather`; one after the other, each
# for 0.2 seconds at most. And there is a hope: uvicorn pings each client and throws out
# who does not answer, here after 0.6 seconds. ana says `one`, `two`, `three`.
#
# **Predict:** How many of the three does cy hear in each way, and how late is the last?
# Whom do the pings throw out?


# %% tags=["experiment", "M32", "M60"]
async def in_turn(room: Row, text: str) -> None:
    for member in room.copy():
        await member.send_text(text)


async def gathered(room: Row, text: str) -> None:
    await asyncio.gather(*(member.send_text(text) for member in room))


async def in_time(room: Row, text: str) -> None:
    for member in room.copy():
        with suppress(TimeoutError):
            await asyncio.wait_for(member.send_text(text), 0.2)


# %% tags=["M32", "M60"]
pings = {"ws_ping_interval": 0.3, "ws_ping_timeout": 0.3}
ways = [(in_turn, {}), (gathered, {}), (in_time, {}), (in_turn, pings)]
found = beside_sleepers(*ways)  # four rooms, all at once
print(*found, sep="\n")
assert [len(each.came) for each in found] == [0, 1, 3, 0]
assert found[2].late > 0.6  # seconds
assert "keepalive ping timeout" in found[3].speaker
draw(found[3].wire, "The pings throw out ana")

# %% [markdown] tags=["M32"]
# - **One after the other:** all behind bo wait for him, and ana's handler, too.
# - **`gather`** sends to all at once, then waits for the slowest. So cy hears one text
#   more, and that is all.
# - **A time limit** lets it go on, at the pace of the limit: everybody pays 0.2 seconds
#   for bo, for each text, again and again. Two who do not read cost twice that.
# - **Pings** clean up the wrong one. The `send` to bo waits on. ana's handler waits for
#   it and does not receive: so her pongs are not read, and she is closed with 1011.
#
# In each the speaker does the waiting. **Nobody may wait for a listener but a task of
# the listener's own.** So each gets an inbox and a task that sends from it; to speak is
# to put into all inboxes, which does not wait.
#
# ## 4 · How much may wait
#
# `inboxes` below is such a room. An inbox holds `limit` texts (0: any number), and what
# no longer fits is not delivered. Of that bound there are two ways to be wrong.
#
# None: bo stalls, and ana says 200 texts of 64 KiB. One that sounds right: who leaves
# 200 texts unread is surely too slow. Then 20 clients say 100 texts each, at once, as
# fast as their sockets take them, and all of them read. The chapter's app gets the same
# flood.
#
# **Predict:** Without a limit nobody is held up. What grows? With 200, how many of the
# 38,000 texts that are due are lost?


# %% tags=["experiment", "M32"]
async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while text := await inbox.get():
        await websocket.send_text(text)
        await free.wait()
    await websocket.close(1013)  # an empty text: too slow


def put(inbox: asyncio.Queue[str], text: str) -> None:
    if not inbox.full():
        inbox.put_nowait(text)


def tell(username: str, text: str) -> None:
    for name, inbox in waiting.items():
        if name != username:
            rules.get(name, RULE)[1](inbox, text)


# %% tags=["experiment", "M32"]
async def inboxes(websocket: WebSocket, username: str) -> None:
    limit, _ = rules.get(username, RULE)
    inbox = waiting[username] = asyncio.Queue(limit)
    await websocket.accept()
    async with asyncio.TaskGroup() as tasks:
        delivery = tasks.create_task(deliver(websocket, inbox))
        async for text in websocket.iter_text():
            free.set() if text == "go on" else tell(username, text)
        delivery.cancel()
    del waiting[username]


RULE, rules, waiting, free = (0, put), {}, {}, asyncio.Event()
free.set()

# %% tags=["M32"]
tracemalloc.start()
with serve(inboxes, timeout_graceful_shutdown=0) as server:  # bo reads nothing
    ana, bo = enter(server, "ana", "bo")
    bo.stall()
    for _ in range(5):
        say(ana, *["x" * 65_536] * 40)
        assert ana.ping()  # the server has read them
        mib = tracemalloc.get_traced_memory()[0] / 2**20
        print(f"{waiting['bo'].qsize():4} texts wait for bo, {mib:5.1f} MiB in use")
tracemalloc.stop()
assert mib > 9

# %% tags=["M32"]
from benchmarks import load

RULE, waiting = (200, put), {}
for handler in (inboxes, app):
    with serve(handler) as server:
        came = load.flood(server.port, 20, 100)
    name = "200 texts" if handler is inboxes else "the chapter"
    print(f"{name:11} lost {came.lost:6,} of {came.expected:,}")
    assert came.lost > 10_000 if handler is inboxes else came.lost == 0

# %% [markdown] tags=["M32"]
# Without a bound, memory: nothing says so until the system ends the process, and
# everybody's connection with it.
#
# With 200, nearly all, and nobody was slow. A sender's texts come in one read, and its
# handler puts them all before any deliverer has a turn: 19 times 100 do not fit into
# 200. Such a bound measures how your tasks happen to take turns. So the chapter
#
# - counts bytes, which is what runs out, and allows 1 MiB (`BACKLOG`);
# - gives the deliverers a turn every now and then (`settle`);
# - and makes senders wait a little while somebody is behind. Their sockets are not read
#   meanwhile, so TCP slows them down: that is *backpressure*.
#
# ## 5 · What too slow should mean
#
# A full inbox needs a rule, and which one is right depends on what the texts mean. Here
# each of four clients has a rule, named like it: *oldest* drops what has waited
# longest, *newest* what comes now, *latest* keeps one text alone, *letgo* is
# disconnected. They keep three, *latest* one. ana says `1`; all hear it, and are busy
# with it until she says `go on`. Before that she says `2` to `12` in one breath.
#
# **Predict:** Which numbers does each of them hear after `1`?


# %% tags=["experiment", "M32"]
def drop_oldest(inbox: asyncio.Queue[str], text: str) -> None:
    if inbox.full():
        inbox.get_nowait()
    inbox.put_nowait(text)


def let_go(inbox: asyncio.Queue[str], text: str) -> None:
    if inbox.full():
        while not inbox.empty():
            inbox.get_nowait()
        text = ""  # so deliver() ends
    inbox.put_nowait(text)


# %% tags=["M32"]
waiting, free = {}, asyncio.Event()
rules = {"oldest": (3, drop_oldest), "newest": (3, put)}
rules |= {"latest": (1, drop_oldest), "letgo": (3, let_go)}
with serve(inboxes) as server:
    *listeners, ana = enter(server, *rules, "ana")
    say(ana, "1")
    assert [listen(each, "1") for each in listeners] == [["1"]] * 4
    say(ana, *(str(number) for number in range(2, 13)), "go on")
    heard = listen_all(listeners)
print(*(f"{name:8} {', '.join(texts)}" for name, texts in heard.items()), sep="\n")
assert heard["oldest"][-2] == heard["latest"][0] == "12" != heard["newest"][-2]
draw(server.wire, "Four rules for one burst")

# %% [markdown] tags=["M32", "M51"]
# | rule | right for | wrong for |
# | --- | --- | --- |
# | drop the oldest | a log to look at | a chat: it skips the middle, and says nothing |
# | drop the newest | requests, if who sent it is told | news: what comes is old |
# | keep the latest | a price, a position, a score | whatever adds up |
# | disconnect | a chat: they know that they missed something | prices on a bad line |
#
# The chapter's app lets go who is too slow: with 1013, *try again later*.
#
# ## 6 · The app
#
# `room.py` holds the people of a process, `app.py` the conversation. As in chapter 2
# one task receives and one sends; new is that the one sends what others said.
#
# | in the app | without it |
# | --- | --- |
# | `with room.join()`, before `accept()` | who was just let in misses the first text |
# | `put` never awaits | the room changes in the loop (1), all wait for one (3) |
# | errors caught in `deliver` | one dead client ends the speaker (2) |
# | `BACKLOG`, in bytes | memory grows, or the healthy go (4) |
# | `settle()` | a burst fills the inboxes before anybody may send (4) |
# | `let_go()` cancels | a send that waits for ever, and its handler with it (3) |
# | `member.id` | two people of one name (below) |
#
# `let_go()` has to cancel: who is too slow hangs in a `send`, and a last text in its
# inbox, as in section 5, would never be looked at.
#
# And a connection is not its name. `inboxes` above keeps its inboxes by name: of two
# people called `Anonymous` the first would hear nothing more. Others compare names to
# leave out the sender, and then namesakes never hear each other.
#
# Now bo, as ever, reads nothing. ana and cy give no name, so both are `Anonymous`. ana
# says 40 texts of 64 KiB. When cy has heard them all, bo reads on.
#
# **Predict:** How many does cy hear? How many are in the room then? What comes to bo
# last?

# %% tags=["M51"]
display(show(chapter.chat), show(Member))
show(Room)

# %% tags=["M51", "M32", "M60"]
with serve(app) as server:
    (bo,) = enter(server, "bo")
    ana, cy = server.connect("ana"), server.connect("cy")
    bo.stall()
    say(ana, *(f"{number:08}" * 8192 for number in range(40)))
    heard = [cy.receive("what ana said") for _ in range(40)]
    print(f"cy heard {len(heard)} of 40, and {len(chapter.room)} are in the room")
    bo.read_on()
    print("bo's last word:", (last := listen(bo)[-1]))
assert "1013" in last

# %% [markdown] tags=["M15"]
# cy lost nothing, and bo is told in the end. While bo was behind, ana was slowed down,
# to 400 KiB a second at worst (`SLOWEST`), until 1 MiB waited for him. That is the
# price of not throwing out the healthy: in a burst nobody can tell who reads late from
# who never reads. Where people pause, they can: who took nothing in 0.2 seconds without
# a word (`PATIENCE`) is not waited for.
#
# ## 7 · Two processes
#
# `room` is a variable. `uvicorn --workers 2` starts two processes, and each has its
# own. Which one a client gets, the system decides; here we do, with two servers of the
# same file: ana and bo come to the first, cy and di to the second. Each says their own
# name.
#
# **Predict:** Who hears whom?

# %% tags=["M15"]
from pathlib import Path
from benchmarks.audience import table, who_heard_whom
from workbook.process import Process
from workbook.server import Server

file, one, two = Path(chapter.__file__), Process(), Process()
with Server(file, process=one) as first, Server(file, process=two) as second:
    people = enter(first, "ana", "bo") + enter(second, "cy", "di")
    heard = who_heard_whom(people)
print(table(heard))
assert heard == {"ana": ["bo"], "bo": ["ana"], "cy": ["di"], "di": ["cy"]}

# %% [markdown] tags=["M02", "M18"]
# Half the room is in another process, and nothing says so: no error, no log. With four
# workers three of four texts are missing. Memory is not shared. What carries a text
# from process to process is chapter 5.
#
# ## 8 · The page, and the price
#
# `python3 learn.py run 4` shows two people in one window. Its page keeps two rules.
# What others said it shows with `textContent`: with `innerHTML`, a text such as
# `<img src=x onerror=...>` would run in everybody's tab. And it adds each listener
# once, not when a connection opens: or, after reconnecting, each text would go out
# twice.
#
# Does an inbox each cost much? `python3 learn.py bench broadcast --long` found this.
# One client speaks, the rest listen, and *times* compares what designs deliver in a
# second of CPU, with the naive loop, and with the loop of chapter 2 that cancels and
# restarts, on the library `broadcaster`.
#
# **Predict:** The naive loop has no inbox, no second task, no bound. How much faster is
# it? Can anything with a bound come near?

# %%
from benchmarks import broadcast
from benchmarks.broadcast import NAIVE, OURS, ratio
from benchmarks.designs import write_through

print(broadcast.table(results := broadcast.load()))
assert all(ratio(results, clients, OURS, NAIVE) < 1 for clients in results)
show(write_through.Member)

# %% [markdown]
# `write-through` comes near. Most sends do not wait, so it sends at once, in the turn
# of who speaks: it takes the coroutine of `send` and makes its first step by hand. If
# that has ended it, all is sent. Else the text goes to the deliverer, with the rest of
# the coroutine. All else is the chapter's.
#
# It is not the chapter's app, for nobody should have to know that `await` is made of
# `send(None)` to understand a chat. And the first step is made in a task that is not
# the coroutine's own: an `asyncio.timeout` in it would cancel the speaker.
#
# ## 9 · Exercises
#
# Each is one file with one `TODO`. Open it in an editor, change it, save it, then check
# it: here, or in a terminal with `python3 learn.py check 4.1`. `python3 learn.py watch`
# checks whenever you save, and `python3 learn.py hint 4.1` helps.
#
# | exercise | file in `chapters/ch04_broadcast/exercises` | what it asks for |
# | --- | --- | --- |
# | 4.1 | `ex1_announce.py` | tell who comes and who goes, each exactly once |
# | 4.2 | `ex2_survivor.py` | one dead client, and a room that talks on |
# | 4.3 | `ex3_slow.py` | one that does not read, and a bound that keeps who does |
# | 4.4 | `ex4_namesakes.py` | two people of one name, who hear each other |
#
# **Predict:** As it is, the file of 4.1 tells who leaves with a goodbye, and never who
# comes. What does the check say to it?

# %%
check("4.1")
