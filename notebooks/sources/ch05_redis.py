# %% [markdown]
# # Chapter 5: redis
#
# **About 75 minutes.** You need chapter 4 and this notebook. A Redis is started for
# you; nobody else uses it, and it ends with the notebook.
#
# You will be able to
#
# - say why a room in memory is not enough, and what Redis adds to it;
# - publish and subscribe, and tell a message from what only looks like one;
# - find the messages that a chat loses although nothing fails;
# - count Redis connections, and keep them at one subscription a process;
# - survive a Redis that goes away, and say what was lost meanwhile;
# - say in one sentence what *at most once* promises, and when to leave Redis.
#
# As before: answer each **Predict**, then run the cell. What we claim, the cells
# `assert`. Most handlers here are wrong on purpose; the chapter's own comes last.

# %%
import asyncio
import json
import sys
from pathlib import Path

from fastapi import WebSocket
from redis.asyncio.client import PubSub, Redis

sys.path.append("..")  # the workbook's folder is the one above this notebook's
from chapters.ch04_broadcast import app as four
from chapters.ch05_redis import app as five
from chapters.ch05_redis.app import Channel, Said
from workbook.lesson import Wire, check, draw, link, lost, run, serve, show
from workbook.server import Server

# %% [markdown]
# ## 1 · Two processes, two rooms
#
# A process has one Python, and that uses one core. Who needs more starts several:
# `uvicorn --workers 4`, or the same container four times. Chapter 4 keeps its room in a
# variable, and each process has variables of its own.
#
# Here are two processes of chapter 4. ana and bo came to the first, cy and dee to the
# second. ana says `hello`, then dee says `anybody?`.
#
# **Predict:** Who hears ana? What is the first thing that cy hears?


# %%
def told(username: str, message: str) -> str:
    return json.dumps({"username": username, "message": message})


with Server(Path(four.__file__)) as one, Server(Path(four.__file__)) as two:
    ana, bo = one.connect("ana @1", "/ws?username=ana"), one.connect("bo @1")
    cy = two.connect("cy @2", wire=one.wire)
    dee = two.connect("dee @2", "/ws?username=dee", wire=one.wire)
    ana.send("hello")
    bo.expect(told("ana", "hello"))
    dee.send("anybody?")
    cy.expect(told("dee", "anybody?"))
    seen = lost(one.wire, "cy @2", [told("ana", "hello"), told("dee", "anybody?")])
draw(seen, "cy does not hear ana")

# %% [markdown] tags=["M39"]
# Only bo. Nothing failed, and with one process all tests are green. So the processes
# need somebody whom all of them know, and who passes on what one of them says.
#
# ## 2 · Publish and subscribe
#
# That is what Redis does. `PUBLISH chat hello` hands a text to whoever has said
# `SUBSCRIBE chat`, at this moment, and forgets it. `link()` starts a private Redis and
# puts a relay before it, which counts for us and can misbehave. `redis.url` is what an
# app would have to know.
#
# `by_hand` publishes, subscribes, publishes again, and prints what `publish` returns
# and what comes. `naive` looks at the `data` of whatever comes.
#
# **Predict:** What does the first `publish` return? How many things come to `by_hand`?
# And what is the first `data` that `naive` sees?

# %% tags=["M39"]
redis = link()


async def by_hand() -> None:
    async with Redis.from_url(redis.url) as client, client.pubsub() as pubsub:
        print("heard by", await client.publish("chat", "too early"))
        await pubsub.subscribe("chat")
        for text in ("hello", "how are you?"):
            print(await pubsub.get_message(timeout=5))
            print("heard by", await client.publish("chat", text))
        print(await pubsub.get_message(timeout=5))


assert run(by_hand()).printed[0] == "heard by 0"


# %% tags=["experiment", "M39"]
async def naive() -> None:
    async with Redis.from_url(redis.url) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("chat")
        async for message in pubsub.listen():
            print("came:", json.loads(message["data"]))


assert isinstance(run(naive()).error, TypeError)
show(Said)

# %% [markdown] tags=["M29"]
# Three things to keep:
#
# - Who has not subscribed yet hears nothing, and nobody keeps it for them. Nor does
#   `publish` fail: it returns 0.
# - **The first thing that comes is no message.** It is Redis' confirmation, of type
#   `subscribe`, and its data is a number. Look at the type. And `subscribe()` has only
#   *asked*: before this confirmation has come, you may hear nothing.
# - What comes is bytes. What they mean you have to agree on.
#
# `Said` above is what our processes agreed on, the *envelope*. A text alone would not
# do: the process that published it hears it as well, so the envelope says whose it is,
# by the connection and not by the name. What `number` is good for we shall see.
#
# ## 3 · One subscription each?
#
# The obvious handler subscribes for its client. Twenty clients come to `alone`, and
# twenty to this chapter's app.
#
# **Predict:** How many connections to Redis does `alone` hold, and how many the app?
# When something is said, how often does Redis send it?


# %% tags=["experiment", "M29"]
async def hand_over(websocket: WebSocket) -> None:
    async with Redis.from_url(redis.url) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("chat")
        async for message in pubsub.listen():
            if message["type"] == "message":
                await websocket.send_text(message["data"].decode())


async def alone(websocket: WebSocket) -> None:
    await websocket.accept()
    await hand_over(websocket)


# %% tags=["M29"]
with serve(alone, timeout_graceful_shutdown=0) as server:
    clients = [server.connect(f"{number}") for number in range(20)]
    assert redis.until(lambda r: r.subscriptions() == {"chat": 20}, within=5)
    print("alone:  ", redis.connections(), "connections", redis.subscriptions())
    print("heard by", redis.publish("chat", "hello"))


def start(url: str) -> Server:
    return Server(Path(five.__file__), env={"REDIS_URL": url})


with start(redis.url) as server:
    clients = [server.connect(f"{number}") for number in range(20)]
    print("the app:", redis.connections(), "connections", redis.subscriptions())
    assert redis.subscriptions() == {"chat": 1}

# %% [markdown]
# `alone` holds a connection for each client. That does no harm with twenty, but with
# many it does: one pool of redis-py's ends at 100 (`Too many connections`), Redis at
# 10,000 (`max number of clients reached`). And Redis sends each message twenty times to
# the same process. The app has one subscription, whoever comes, and one connection to
# publish; its room does the rest, as in chapter 4.
#
# ## 4 · A subscription that is given up with each word
#
# A handler must both hear its client and tell it what the others say. From chapter 2
# you know the one that many tutorials have for that: start both, take whichever is done
# first, cancel the other, start both again. `race` does it with `hand_over`.
#
# bo does not read for a moment: his train is in a tunnel. Sixteen long letters come for
# him and for cy, from some other process. cy has got all of them when bo says one word.
# Then he reads on, and leaves.
#
# **Predict:** Which letters does bo get?


# %% tags=["experiment", "M20"]
letters = [f"letter {number}, {'x' * 40_000}" for number in range(1, 17)]


async def race(websocket: WebSocket) -> None:
    await websocket.accept()
    async with Redis.from_url(redis.url) as client:
        while True:
            hear = asyncio.create_task(websocket.receive_text())
            tell = asyncio.create_task(hand_over(websocket))
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait([hear, tell], return_when=first)
            tell.cancel()
            if not hear.cancel():  # it was done
                await client.publish("chat", hear.result())


# %% tags=["M20"]
with serve(race) as server, server.connect("bo", narrow=True) as bo:
    cy = server.connect("cy", wire=Wire())
    assert redis.until(lambda r: r.subscriptions() == {"chat": 2}, within=5)
    bo.stall()  # he reads nothing
    for letter in letters:
        redis.publish("chat", letter)
        cy.expect(letter)
    bo.send("wait, I am in a tunnel")
    cy.expect("wait, I am in a tunnel")
seen = lost(server.wire, "bo", letters)
assert "missing" in [event.kind for event in seen]
draw(seen, "bo says one word, and loses all that waited for him")

# %% [markdown] tags=["M13"]
# The first ones had left before his word: they were on their way, in the buffers of the
# two systems. All the others waited for bo, in the subscription. His word cancelled it,
# and what waits in a subscription goes with it. Redis had delivered it; it does not
# know. Nothing is in the log.
#
# Who reads fast loses less. But from one subscription to the next some time passes, and
# what is said then is gone. A test with two quick clients that take turns is green.
# **Subscribe once, and let it live as long as the process.**
#
# ## 5 · The chat that delivered 0 of 10
#
# There is a library for this, `broadcaster`, and FastAPI's documentation names it. On
# Python 3.11 and redis-py 8 it delivers nothing, and nothing fails. With
# `socket_timeout=None`, which was redis-py's default before version 8, it delivers. Now
# the default is 5 seconds.
#
# So a read gives up after five seconds of silence? A subscription's does not. What
# happens is shown by `listen_to` and `tell_first`, which go about it as the library
# does: a listener waits to be told that there is something to listen to. Then ten texts
# are published.
#
# **Predict:** What is wrong with the order of `set()` and `subscribe()`? The three runs
# at the end differ in two things only: a time-out, and whether the connection is there
# before. Which of them hears the ten?


# %% tags=["experiment", "M13"]
async def listen_to(pubsub: PubSub, ready: asyncio.Event) -> int:
    await ready.wait()
    return sum([message["type"] == "message" async for message in pubsub.listen()])


async def tell_first(pubsub: PubSub, client: Redis) -> int:
    ready = asyncio.Event()
    listening = asyncio.create_task(listen_to(pubsub, ready))
    ready.set()
    await pubsub.subscribe("chat")
    for number in range(10):
        await client.publish("chat", number)
    await pubsub.unsubscribe()  # with no subscription listen() ends
    return await listening


# %% tags=["experiment", "M13"]
async def chat(limit: float | None, connect: bool) -> None:
    client = Redis.from_url(redis.url, socket_timeout=limit)
    async with client, client.pubsub() as pubsub:
        if connect:
            await pubsub.connect()
        heard = await tell_first(pubsub, client)
    print(f"{limit=}, {connect=}: {heard} of 10")


runs = [run(chat(None, True)), run(chat(5, True)), run(chat(5, False))]
some = "0" if sys.version_info < (3, 12) else "10"
assert [ran.printed[0].split()[-3] for ran in runs] == ["10", some, "0"]

# %% [markdown] tags=["M04"]
# `ready` is set before it is true. If `subscribe()` gives nobody a turn, all is well
# when the listener looks. If it does, the listener finds no subscription, is done, and
# nobody tells it again: ten texts go to Redis, Redis sends them, and nobody reads.
#
# Making a connection always gives a turn (the third run). With a time-out, redis-py
# leaves the sending to another task on Python 3.11, and that is a turn, too; from 3.12
# on it is not. So whether a whole chat worked hung on one `await` in another library,
# and on the version of Python. **Say it when it is so: first subscribe, then tell.**
#
# The time-out does end other reads: `XREAD BLOCK`, `BLPOP` and their like raise
# `TimeoutError` when they wait longer than `socket_timeout`. And `get_message` with a
# time-out of its own returns `None` in a silence: neither a message nor the end.
#
# ## 6 · The listener dies
#
# `beside` does better than `race`: the listener is a task that lives as long as the
# connection. ana is there. Then Redis hangs up on all who listen, as it does when it is
# restarted, and would take them back at once. When ana says something, the handler
# looks what its listener has come to. Then `hello` is published.
#
# **Predict:** Is ana still connected? What has become of the listener, and who noticed?
# By how many is `hello` heard?


# %% tags=["experiment", "M04"]
async def beside(websocket: WebSocket) -> None:
    await websocket.accept()
    listening = asyncio.create_task(hand_over(websocket))
    async for _ in websocket.iter_text():
        await asyncio.wait([listening], timeout=5)
        await websocket.send_text(type(listening.exception()).__name__)


with serve(beside) as server, server.connect("ana") as ana:
    assert redis.until(lambda r: r.subscriptions() == {"chat": 1}, within=5)
    redis.drop_subscribers()
    ana.send("what about my listener?")
    ana.expect("ConnectionError")
    print("hello is heard by", redis.publish("chat", "hello"))

# %% [markdown] tags=["M54", "M55"]
# She is; it is dead; nobody; by none. The exception lies in a task that no one awaits.
# If no one looks, as we did, Python mentions it when the task is thrown away (`Task
# exception was never retrieved`), which is after ana has left. Until then the handler
# receives, pings are answered, and ana's chat is silent for ever. **The listener needs
# a loop of its own**, which subscribes again, and somebody who says that it had to.
#
# ## 7 · Twice at once, once twice
#
# Two more that pass each test with one client. `join` subscribes if nobody has yet.
# Three come at the same moment, as all clients do after a restart.
#
# `publish_once` publishes one text while the link loses one answer: Redis has done it,
# and the connection breaks before Redis can say so. Clients made by `Redis(host=…)`
# would try up to ten times more, those of `from_url()` not once.
#
# **Predict:** Who is in `members` in the end? How often is the text heard with retries?
# And without them: what does the publisher believe, and is it true?


# %% tags=["experiment", "M54"]
async def three_at_once() -> None:
    members: dict[str, set[str]] = {}
    async with Redis.from_url(redis.url) as client:

        async def join(room: str, who: str) -> None:
            if room not in members:  # nobody has subscribed yet
                await client.ping()  # stands for subscribing and its confirmation
                members[room] = set()
            members[room].add(who)

        await asyncio.gather(*(join("chat", who) for who in ("ana", "bo", "cy")))
    print("members:", *members["chat"])


assert len(run(three_at_once()).printed[0].split()) == 2


# %% tags=["experiment", "M55"]
async def publish_once(client: Redis) -> None:
    async with client, client.pubsub() as pubsub:
        await pubsub.subscribe("chat")
        await pubsub.get_message(timeout=5)  # the confirmation
        redis.lose_replies(1, to="PUBLISH")
        sure = await asyncio.gather(client.publish("chat", 1), return_exceptions=True)
        print("publish:", *sure)
        redis.publish("chat", "the end")
        while (message := await pubsub.get_message(timeout=5))["data"] != b"the end":
            print("heard", message["data"])


clients = Redis(host="127.0.0.1", port=redis.port), Redis.from_url(redis.url)
assert [len(run(publish_once(client)).printed) for client in clients] == [3, 2]

# %% [markdown]
# One alone: all three asked before any had been answered, and whoever was last threw
# the others out. Between a question and what follows from it there was an
# `await`. **Subscribe before anybody is let in**, or let one ask and the others wait.
#
# With retries it was heard twice. Without, the publisher was told of an error, and yet
# it was heard. Whoever publishes cannot know, when no answer comes. You choose between
# perhaps twice and perhaps not; never twice is easier to live with in a chat, if the
# one who spoke is told.
#
# ## 8 · The chapter's channel
#
# Now you know why each line of `channel.py` is there.
#
# | in the channel | without it |
# | --- | --- |
# | `type` is looked at | the confirmation is taken for a message (section 2) |
# | one subscription | one connection a client (3), and what waits in it is lost (4) |
# | `up` is set after the confirmation | told before it was true (5) |
# | opened before anybody is served | the first to come overlap (7) |
# | a loop round the subscription | the listener dies (6) |
# | a `ping` each second | a link that is dead and silent looks like a quiet evening |
# | no retries | heard twice (7) |
# | numbers | nobody knows that something was lost (4, 6) |
# | `publish` waits until it is heard back | who talks fast outruns Redis |

# %%
from IPython.display import display

for name in ("_subscribe", "_hear_all", "_ask", "_is_next", "publish"):
    display(show(getattr(Channel, name)))

# %% [markdown] tags=["M04"]
# `publish` returns when this process has heard its own message: then Redis passes on,
# and so does our own subscription. The client's next text is not read before that. So
# who floods us is slowed down by their own socket.
#
# For the last run each of two processes has a link of its own to the same Redis. ana
# and cy are at the first, bo is at the second. ana says `hi`. Then Redis is gone, but
# only for the second process; ana says `one`, and bo says `two`. Redis comes back, and
# ana says `three`.
#
# **Predict:** Who hears `one`, `two` and `three`? What is bo told, and when? And what
# does the second process know in the end?

# %% tags=["M04"]
there = link("there")
one, two = start(redis.url), start(there.url)
ana, cy = one.connect("ana @1", "/ws?username=ana"), one.connect("cy @1")
bo = two.connect("bo @2", wire=one.wire)
ana.send("hi")
bo.expect(told("ana", "hi"))
there.kill()
cy.expect(told("ana", "hi"))
ana.send("one")
cy.expect(told("ana", "one"))
bo.send("two")
assert "error" in str(bo.receive())

# %% tags=["M04"]
import httpx

there.start()
with one, two:
    assert there.until(lambda r: r.subscriptions() == {"chat": 1}, within=10)
    ana.send("three")
    bo.expect(told("ana", "three"))
    health = httpx.get(f"{two.http}/health", trust_env=False).json()
    heard = [told("ana", word) for word in ("hi", "one", "three")]
    seen = lost(one.wire, "bo @2", heard)
print(f"the second process: Redis is {health['redis']}, {health['lost']} lost")
assert health["lost"] == 1
draw(seen, "bo misses what ana said while Redis was away")

# %% [markdown] tags=["M13", "M20", "M29"]
# The sockets stayed open, bo was told at once that nobody may have heard him, the
# second process came back by itself, and knows by the numbers what it has missed; its
# log and `/health` say so. It cannot get it back: Redis keeps nothing that is
# published. That is *at most once*:
#
# > Whoever is subscribed at this moment gets a message once; whoever is not never gets
# > it, and learns that there was one only when the next one comes.
#
# ## 9 · What it costs
#
# Twenty clients say two hundred texts each, at 50 a second and then as fast as their
# sockets take them; for each text there are nineteen who should hear it. `lost`,
# `twice` and `order` are counted, not sampled. The peers are what one finds first: the
# race of section 4 on `broadcaster`, `hand_over` for each client, python-socketio, and
# Django's channels on Redis. `by hand: the limit` is no peer: one subscription a
# process without FastAPI and redis-py, as little as can be. All of it ran on one
# machine, interleaved:
#
#     python3 learn.py bench redis --long
#
# **Predict:** Which of them lose nothing? And how does the cost of one `PUBLISH` grow
# with the number of processes that listen?

# %% tags=["M13", "M20", "M29", "M54"]
from benchmarks.redis_broadcast import OURS, read
from benchmarks.redis_promises import table, table_of_publish

results = read()
print(table(results), table_of_publish(results), sep="\n\n")
ours = [each for each in results.rounds if each.design == OURS]
assert sum(each.lost + each.doubled + each.disordered for each in ours) == 0

# %% [markdown]
# The race loses, and nothing in its log says so. With the library and redis-py as they
# are installed today, on Python 3.11, a process hears nothing (section 5) until one of
# its many new subscriptions happens to be in time: in one run never, in the next one at
# once. A subscription each loses nothing, and pays for it with each client.
# python-socketio loses nothing either, but where `order` is not 0 somebody read an
# answer before its question.
#
# ### How it grows
#
# Each `PUBLISH` is sent once to each process that has subscribed, whether or not it has
# anybody who wants it. With twice the processes, each saying as much as before, Redis
# has four times as much to send, and it does that on one core.
#
# 1. **A channel a room.** A process subscribes only to the rooms of those who are
#    there (exercise 5.3).
# 2. **Sharded pub/sub.** On a Redis Cluster a plain `PUBLISH` goes to every node.
#    `SPUBLISH` and `SSUBSCRIBE`, since Redis 7, stay with the node to which the
#    channel's name belongs: more nodes, more rooms.
# 3. **Leave Redis' pub/sub** when a message must not be lost: for who comes back and
#    wants what was said meanwhile, a stream or a table (chapter 6); for work that must
#    be done by somebody, a queue that is told when it has been.
#
# ## 10 · Exercises
#
# Each is one file with one `TODO`. Open it in an editor, change it, save it, then check
# it: here, or in a terminal with `python3 learn.py check 5.1`. `python3 learn.py watch`
# checks whenever you save, and `python3 learn.py hint 5.1` helps.
#
# | exercise | file in `chapters/ch05_redis/exercises` | what it asks for |
# | --- | --- | --- |
# | 5.1 | `ex1_relay.py` | one subscription a process, before anybody is served |
# | 5.2 | `ex2_comeback.py` | survive a Redis that restarts |
# | 5.3 | `ex3_rooms.py` | a channel a room; the last one out unsubscribes |
#
# **Predict:** The file of 5.1 is served by two processes. What does the check say to
# it?

# %%
check("5.1")
