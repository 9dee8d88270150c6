# %% [markdown]
# # Chapter 2: concurrency
#
# **About 60 minutes.** You need chapter 1 and this notebook.
#
# You will be able to
#
# - write a handler that listens and speaks at the same time, and say why one loop
#   cannot;
# - say at which `await` another task gets its turn, and at which it does not;
# - tell from what a client sees that a clock starves, that two tasks share one
#   receiver, or that the whole server stands still;
# - learn that a client has left, and leave no task behind;
# - explain each part of the chapter's app by what goes wrong without it.
#
# As before: answer each **Predict**, then run the cell. What we claim, the cells
# `assert`. Most handlers here are wrong on purpose; the chapter's own comes last.

# %%
import asyncio
import sys
import time
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from fastapi import WebSocket, WebSocketDisconnect

sys.path.append("..")  # the workbook's folder is the one above this notebook's
from chapters.ch02_concurrency import app as chapter
from chapters.ch02_concurrency.app import app, send_time, talk
from workbook.lesson import attempt, check, draw, run, serve, show

# %% [markdown]
# ## 1 · One loop, and its silence
#
# Chapter 1 echoed: `await` a text, `await` the sending of an answer, and again. Now the
# server shall also tell the time, every now and then, by itself. The obvious thing is
# one more line in that loop.
#
# **Predict:** ana says `hello` and gets an echo and the time. She is silent for 0.3
# seconds, then says `still there?`. How often is she told the time while she is silent?


# %% tags=["experiment"]
async def in_turn(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"Message text was: {text}")
        await websocket.send_text(f"It is: {time.ctime()}")


with serve(in_turn) as server, server.connect("ana") as ana:
    for text in ("hello", "still there?"):
        ana.send(text)
        time.sleep(0.3)
        ana.expect(f"Message text was: {text}")  # fails if the time is told before it
        assert str(ana.receive()).startswith("It is: ")
draw(server.wire, "The server speaks only after ana has spoken")

# %% [markdown]
# Not once. While this loop waits for a text it does nothing else, so its server never
# speaks first. A pause in the loop would not help: then the echo would have to wait.
# One loop does one thing at a time. Two things at a time need two tasks.
#
# ## 2 · Who runs when
#
# Tasks take turns on one *event loop*. Nobody interrupts a task: it runs until it has
# to wait, and only then another may run. `await` marks the places where that can
# happen. It does not say that it will.
#
# Below, `speak` says two lines with a pause between them. ana's runs as a task of its
# own, bo's is simply awaited. The whole is run twice: once with a pause that lets
# others run, which is what `asyncio.sleep(0)` is for, and once with an `async` function
# that has nothing to wait for. `run` is `asyncio.run`, and numbers what is printed.
#
# **Predict:** Write down all five lines. Which one is third? And in the second run?


# %%
async def no_pause() -> None: ...


async def speak(name: str, pause: Callable[[], Awaitable[None]]) -> None:
    print(f"{name}: one")
    await pause()
    print(f"{name}: two")


async def meet(pause: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.create_task(speak("ana", pause))
    await speak("bo", pause)
    print("and now ana")
    await task


runs = [run(meet(pause)).printed for pause in (partial(asyncio.sleep, 0), no_pause)]
assert [lines[2] for lines in runs] == ["bo: two", "and now ana"]

# %% [markdown] tags=["M20"]
# Three things to keep:
#
# - `create_task` starts nothing. ana is on the list, and begins when the one who runs
#   has to wait. That is why bo is first.
# - `await speak(...)` is a call like any other: it goes into the function at once.
# - An `await` that need not wait gives nobody a turn. In the second run ana got hers
#   when everything else was over.
#
# ## 3 · A clock that starves
#
# So: one task that hears, one that waits for the next tick. Many tutorials start both,
# take whichever is done first, cancel the other, and start both again. Below is such a
# handler. It does tell the time to a silent client, and it echoes.
#
# In our test ana says something every 0.14 seconds. A tick is due every 0.2 seconds.
# After a while she falls silent. The same is done to `talk`, the handler of this
# chapter's app, at the same time.
#
# **Predict:** Nine ticks are due while ana talks. How many does `restarting` send?
# How many of her texts does it echo? And what does it do when she is silent?


# %% tags=["experiment", "M20"]
async def restarting(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        hear = asyncio.create_task(websocket.receive_text())
        wait = asyncio.create_task(asyncio.sleep(chapter.TIME_INTERVAL))
        done, late = await asyncio.wait([hear, wait], return_when=FIRST_COMPLETED)
        for task in late:
            task.cancel()
        if hear in done:
            await websocket.send_text(f"Message text was: {hear.result()}")
        else:
            await websocket.send_text(f"It is: {time.ctime()}")


# %% tags=["M20"]
from benchmarks import timelines

chapter.TIME_INTERVAL = 0.2  # seconds; the app's 10 would be long for a lesson
naive, ours = timelines.measure(chapter.TIME_INTERVAL, restarting, talk)
for each in (naive, ours):
    echoes = f"{each.echoed} of {len(each.said)} texts echoed"
    print(f"{each.name:11} {timelines.score(each)}, {echoes}")

assert len(naive.came) < len(naive.due) / 2 < len(ours.came)
assert naive.echoed == ours.echoed == len(naive.said)
timelines.picture([naive, ours])

# %% [markdown] tags=["M28", "M03"]
# *Blue: what ana says. Rings: when a tick was due. Dots: when one came.*
#
# Each text cancels the clock's sleep, and a new sleep begins from nought. Who talks
# more often than the clock ticks never hears it. Nothing fails, and each echo is there:
# a test whose client is quiet would pass. When ana is silent it ticks, but out of step,
# counted from her last word.
#
# **Start each task once, and let it live as long as the connection.**
#
# ## 4 · One reader
#
# If two tasks are good, why not two that receive? One could take the commands, the
# other the chatter. Here are two readers on one socket, which only say who they are.
#
# ana says `0`, and when that is answered `1`, and so on to `5`. Then she vanishes
# without a goodbye, and half a second later we stop the server.
#
# **Predict:** Which of the readers answers what? And how many of them learn that ana
# has gone?


# %% tags=["experiment", "M28", "M03"]
import uvicorn


async def read(websocket: WebSocket, name: str) -> None:
    async for text in websocket.iter_text():
        await websocket.send_text(f"{name} reader: {text}")
    told.append(name)


async def two_readers(websocket: WebSocket) -> None:
    await websocket.accept()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(read(websocket, "first"))
        tasks.create_task(read(websocket, "second"))


config = uvicorn.Config(two_readers, log_config=None)
assert config.timeout_graceful_shutdown is None  # no limit

# %% tags=["M28", "M03"]
told: list[str] = []
with serve(two_readers, timeout_graceful_shutdown=1) as server:  # a limit of 1 second
    ana = server.connect("ana")
    for number in range(6):
        ana.send(str(number))
        ana.expect(f"{('first', 'second')[number % 2]} reader: {number}")
    ana.abort()
    time.sleep(0.5)
print(f"told that ana has gone: {told}", *server.log.splitlines()[:2], sep="\n")
assert len(told) == 1
assert "Cancel 1 running task" in server.log
draw(server.wire, "Each reader gets every other text")

# %% [markdown] tags=["M23"]
# Each text goes to *one* reader, whoever has waited longest. So each gets every other,
# and a command may land where nobody looks for it. **One task receives, and hands on.**
#
# The news that ana has gone also goes to one. The other reader waits for ever; the
# group waits for that reader, the handler for its group, and the server, told to stop,
# for its handler. After a second it was cancelled. That second was our wish: uvicorn
# by itself sets no limit. So when Ctrl-C or a reload hangs, ask: *which task still
# waits, and who cancels it?*
#
# ## 5 · Everybody's loop
#
# All connections of a server share one event loop. So what does it cost if one handler
# takes its time? ana makes hers wait for 0.3 seconds, in three ways, each on a server
# of its own. Meanwhile bo says a word every 25 ms, and a meter in the server's loop
# wakes up every 10 ms and notes how late it is.
#
# **Predict:** In which of the three does bo have to wait? Of his words, which waits the
# longest?

# %% tags=["M23"]
from benchmarks import drift

naps = {
    "time.sleep(0.3)": partial(time.sleep, 0.3),
    "await asyncio.sleep(0.3)": partial(asyncio.sleep, 0.3),
    "await asyncio.to_thread(time.sleep, 0.3)": partial(
        asyncio.to_thread, time.sleep, 0.3
    ),
}
blocked, *fine = drifts = drift.measure_all(naps)
print(drift.table(drifts))
assert blocked.late > 0.25 > max(each.late for each in fine)  # seconds
drift.picture(drifts)

# %% [markdown] tags=["M06", "M50"]
# *Red: for how long the loop has given nobody a turn. Blue: bo's words, and how long
# each waited for its echo.*
#
# `time.sleep` does not wait, it keeps the loop. All words that bo says meanwhile are
# answered in one moment, when it is over, so the first of them has waited longest. What
# else keeps the loop: `requests`, a database or Redis client whose calls are not
# awaited, a long computation. Use what you can `await`, and for the rest
# `asyncio.to_thread`.
#
# ## 6 · Is anybody there?
#
# Now a handler that does not receive. It would like to send news, but there is none
# yet. ana vanishes while it sleeps. After half a second it
#
# 1. looks at `client_state`, which is Starlette's idea of the client;
# 2. sends, and keeps what that raises;
# 3. sends again;
# 4. looks again;
# 5. asks `receive()` after all;
# 6. looks once more.
#
# **Predict:** What does it see at first, and when does that change? What do the two
# sends raise? (It is not the same.)


# %% tags=["experiment", "M06", "M50"]
async def only_sends(websocket: WebSocket) -> None:
    await websocket.accept()
    await asyncio.sleep(0.5)  # ana vanishes now, and nobody receives
    seen.append(websocket.client_state.name)
    news = [websocket.send_text("news"), websocket.send_text("more news")]
    seen.extend(await asyncio.gather(*news, return_exceptions=True))
    seen.extend([websocket.client_state.name, await websocket.receive()])
    seen.append(websocket.client_state.name)


seen: list[object] = []
attempt(only_sends, leave="abort")
print("", *enumerate(seen, 1), sep="\n")
assert (seen[0], seen[3], seen[-1]) == ("CONNECTED", "CONNECTED", "DISCONNECTED")

# %% [markdown] tags=["M22"]
# For half a second it did not know, and nobody would have told it later: **you learn
# that a client has left by receiving.** `client_state` is no help: it changes when
# somebody receives, and not before.
#
# Sending finds out, too, but in two ways. The first `send` after the end raises
# `WebSocketDisconnect`, the next one `WebSocketDisconnected`: two letters more, and
# neither is a kind of the other. Where two tasks send, expect both.
#
# ### Thrown out for saying hello
#
# Who never receives can also lose a client that is still there. uvicorn sends each
# client a ping every 20 seconds, and hangs up if no pong comes within 20 more. Here it
# is 0.3 seconds and 1 second. The clients answer each ping at once, by themselves.
#
# ana is silent. bo says `hello`, once. cy says it too, but to this chapter's app, which
# has the same pings and receives.
#
# **Predict:** Who of the three is still connected after two seconds?


# %% tags=["experiment", "M22"]
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


async def only_news(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.send_text("news")
        await asyncio.sleep(0.5)


assert (config.ws_ping_interval, config.ws_ping_timeout) == (20, 20)  # seconds
pings = {"ws_ping_interval": 0.3, "ws_ping_timeout": 1}

# %% tags=["M22"]
with serve(only_news, **pings) as server, serve(app, **pings) as ours:
    url = f"ws://127.0.0.1:{server.port}/ws"
    ana, bo, cy = server.connect("ana"), connect(url, proxy=None), ours.connect("cy")
    with ana, bo, cy:
        bo.send("hello")
        cy.send("hello")
        with suppress(ConnectionClosed):
            for news in bo:
                print("bo hears", news)
        print("bo:", bo.close_code, bo.close_reason)
        assert (ana.ping(), cy.ping()) == (True, True)
        assert bo.close_code == 1011

# %% [markdown] tags=["M24", "M36"]
# ana and cy. bo said one word too many: nobody received it, and while a message waits
# uvicorn reads no further from that connection. His pongs were sent and never read. ana
# had said nothing, and cy's word was received.
#
# `keepalive ping timeout` sounds like a bad network. Look first for a handler that does
# not receive, then for one that keeps the loop.
#
# ## 7 · Tasks that end together
#
# Two tasks live as long as the connection. When it ends, both must end. There are two
# ways to wait for several at once: `asyncio.gather`, which is older, and `TaskGroup`,
# since Python 3.11. In each of them one task raises `WebSocketDisconnect` at once, and
# the other sleeps for a minute. `run` says what was raised and what goes on.
#
# **Predict:** In which of the two does the sleeper go on? Do both raise the same? Then
# `plain` and `star` each try to catch it: which of them can?


# %% tags=["M24", "M36"]
async def leave() -> None:
    raise WebSocketDisconnect(1006)


async def gathered() -> None:
    await asyncio.gather(leave(), asyncio.sleep(60))


async def grouped() -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(leave())
        tasks.create_task(asyncio.sleep(60))


loose, tidy = run(gathered()), run(grouped())
assert (loose.left, tidy.left) == (["sleep"], [])


# %% tags=["M36"]
async def plain() -> None:
    try:
        await grouped()
    except WebSocketDisconnect:
        print("caught")


async def star() -> None:
    try:
        await grouped()
    except* WebSocketDisconnect:
        print("caught")


assert isinstance(run(plain()).error, ExceptionGroup)
assert run(star()).printed == ["caught"]

# %% [markdown] tags=["M24"]
# `gather` raises and cancels nobody. In a server that sleeper would be a clock that
# ticks for a client who has left: one more for each that leaves. A `TaskGroup` cancels
# the others, and waits until they have ended.
#
# As several tasks can fail at once, a group raises an `ExceptionGroup` with all their
# exceptions in it, even if it is only one. `except WebSocketDisconnect` does not look
# inside. `except*` does.
#
# ### What cancel() does
#
# `clock` below cleans up when it ends, whatever ends it. `stop` cancels it, prints
# whether it is done, waits for it, and prints that again.
#
# **Predict:** Three lines are printed. Which is second? Is the clock done after
# `cancel()`?


# %% tags=["M24"]
async def clock() -> None:
    try:
        await asyncio.sleep(60)
    finally:
        print("the clock cleans up")


async def stop() -> None:
    task = asyncio.create_task(clock())
    await asyncio.sleep(0)  # its turn: it begins
    print("cancel() says", task.cancel(), "and done() says", task.done())
    await asyncio.wait([task])
    print("after the wait done() says", task.done())


assert run(stop()).printed[1] == "the clock cleans up"

# %% [markdown]
# `cancel()` is a request. It is fulfilled when the task gets its next turn, as an
# exception at the `await` where it waits. Until you have waited for it, it is not done
# and has not cleaned up. **Cancel, then await.** A `TaskGroup` awaits for you.
#
# ## 8 · The app
#
# Now you have all the parts. `echo_messages` is the loop of chapter 1 under a new name.
# New are the two functions below, from the file that runs.
#
# | in the app | without it |
# | --- | --- |
# | `create_task`, once | the clock starves (section 3) |
# | one task that receives | two share the texts (4), none is told of the end (6) |
# | `asyncio.sleep` | everybody waits (5) |
# | `TaskGroup` | a clock goes on alone (7) |
# | `clock.cancel()` | the group waits for the clock, for ever (4) |
# | the end of `async with` | the clock is cancelled, and not yet done (7) |
# | `except*`, and two names | an error in the log when a client leaves (6, 7) |
#
# **Predict:** ana says a word every 0.3 seconds, four words. The clock ticks every 0.4
# seconds. In which order does she get four echoes and three ticks?

# %%
show(send_time)

# %%
show(talk)

# %%
chapter.TIME_INTERVAL = 0.4
words, echoes, ticks = ["one", "two", "three", "four"], [], []
with serve(app) as server, server.connect("ana") as ana:
    for word in words:
        ana.send(word)
        time.sleep(0.3)
    while len(echoes) < 4 or len(ticks) < 3:
        text = str(ana.receive())
        (ticks if text.startswith("It is: ") else echoes).append(text)
assert echoes == [f"Message text was: {word}" for word in words]
assert "Cancel" not in server.log  # no task had to be: all had ended
draw(server.wire, "Echoes at once, and a tick every 0.4 seconds")

# %% [markdown]
# Each word is answered at once, and each tick comes at its time, as if the other were
# not there. The order is that of the clock on the wall, and of nothing else. When ana
# leaves, the echo loop ends, the clock with it, and the handler.
#
# `python3 learn.py run 2` runs it with its page and with ten seconds.
#
# ## 9 · Exercises
#
# Each is one file with one `TODO`. Open it in an editor, change it, save it, then check
# it: here, or in a terminal with `python3 learn.py check 2.1`. `python3 learn.py watch`
# checks whenever you save, and `python3 learn.py hint 2.1` helps.
#
# | exercise | file in `chapters/ch02_concurrency/exercises` | what it asks for |
# | --- | --- | --- |
# | 2.1 | `ex1_countdown.py` | count down while echoing; who chatters must not stop it |
# | 2.2 | `ex2_one_reader.py` | `pause`, `resume` and an echo, with one reader |
# | 2.3 | `ex3_gone.py` | a feed that only sends, and ends when its client leaves |
# | 2.4 | `ex4_idle.py` | close who is silent for too long, and not who talks |
#
# **Predict:** The file of 2.1 counts down, then echoes. What does the check say to it?

# %%
check("2.1")
