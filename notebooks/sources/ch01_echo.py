# %% [markdown]
# # Chapter 1: echo
#
# **About 45 minutes.** You need nothing but this notebook.
#
# You will be able to
#
# - say what a WebSocket saves over asking again and again, in requests, bytes and
#   milliseconds that you measured yourself;
# - write the handshake by hand, and read a frame bit by bit;
# - read the chapter's app, and say beforehand what it answers and in which order;
# - tell from a close code how a conversation ended, and from a log why.
#
# Before a run there is a question, marked **Predict**. Answer it first, best on paper.
# Then run the cell with Shift+Enter. What we claim, the cells `assert`: were it wrong,
# they would fail. Run them in order; the longest takes five seconds.

# %%
import socket
import sys

sys.path.append("..")  # the workbook's folder is the one above this notebook's
from chapters.ch01_echo.app import PAGE, app, echo, echo_raw
from workbook.lesson import Wire, attempt, check, draw, draw_frame, serve, show

# %% [markdown]
# ## 1 · Why HTTP is not enough
#
# In HTTP the client asks and the server answers. The server cannot speak first. So how
# does a page get the news? Four ways are in use:
#
# | way | what the client does |
# | --- | --- |
# | polling | asks "anything new?" again and again: here every 0.5 s, and every 0.1 s |
# | long polling | asks; the server answers when there is news; the client asks again |
# | server-sent events | asks once; the answer never ends, each line of it is news |
# | WebSocket | asks once to switch over; from then on both sides may speak |
#
# The next cell tells the same 12 pieces of news in all these ways at once, within 2.5
# seconds. Each client reaches the server through a relay of its own, which counts every
# byte that passes. Afterwards the client says one word back: `thanks`, 6 letters.
#
# **Predict:** Which way needs the most bytes? Which brings the news late, and by how
# much? What does the word cost by a POST, and what on a socket that is already open?

# %%
from benchmarks import why_not_http

rows = why_not_http.measure()
slow_poll, fast_poll, long_poll, events, websocket = rows
print(why_not_http.table(rows))
by_post, by_socket = why_not_http.say_back("thanks")
print(f"\n`thanks`, said back: {by_post} bytes by a POST, {by_socket} on the socket")

assert events.requests == websocket.requests == 1 < long_poll.requests
assert websocket.median < min(fast_poll.median, slow_poll.median)
assert websocket.up + websocket.down < (long_poll.up + long_poll.down) / 2
assert by_socket * 5 < by_post
why_not_http.picture(rows)

# %% [markdown]
# *Left: bytes on the wire for the same 12 pieces of news, both ways. Right: how late
# each piece came, one dot each; the bar is the median. The scale is logarithmic.*
#
# Polling makes you choose: ask seldom and be late, or ask often and pay for answers
# that say "nothing new". Long polling is on time, but each piece of news costs a whole
# request. And the requests of our client are small: a browser sends more headers, and
# your cookies, each time.
#
# Server-sent events do as well as the WebSocket. If only the server has something to
# say, they are a good choice. What decides is the word *back*: on the socket it costs
# its letters and 6 bytes more.
#
# ## 2 · The handshake
#
# A WebSocket begins as HTTP: a GET with a few headers that ask to switch over. No
# library is needed for that, so let us write it ourselves. We ask for `/ws/raw`, where
# the chapter's app sends everything back unchanged.
#
# **Predict:** With which status does the server agree? (It is not 200.)

# %%
server = serve(app, ws_ping_interval=None)  # its pings would get between our bytes
key = "c2l4dGVlbiBsZXR0ZXJzIQ=="  # any 16 bytes, in base64; a browser draws new ones
request = (
    "GET /ws/raw HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
).encode()
tcp = socket.create_connection(("127.0.0.1", server.port), timeout=5)
tcp.sendall(request)
answer = tcp.recv(4096).decode()
print(request.decode() + answer)
assert answer.startswith("HTTP/1.1 101 Switching Protocols\r\n")

# %% [markdown]
# Above, our request; below it, the answer. `101` means: from here on this connection
# speaks another language. It stays open, in `tcp`; we need it again soon.
#
# `Sec-WebSocket-Accept` proves that whoever answered knows WebSockets, and does not
# just repeat what it is sent. RFC 6455, section 1.3, says how: put a fixed text behind
# the key, hash both with SHA-1, write the hash in base64. It is no secret and protects
# nothing. It only makes sure that both sides mean the same thing.
#
# **Predict:** Does the same key give the same answer from every server in the world?

# %%
from base64 import b64encode
from hashlib import sha1

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # in every WebSocket server there is
ours = b64encode(sha1((key + MAGIC).encode()).digest()).decode()
theirs = answer.partition("Sec-WebSocket-Accept: ")[2].split()[0]

print("ours:  ", ours)
print("theirs:", theirs)
assert ours == theirs

# %% [markdown] tags=["M07", "M08", "M25", "M35"]
# ### When the answer is no
#
# Four ways to be refused. Our app is asked twice:
#
# 1. with the right request, for a path that does not exist: `/nosuch`;
# 2. for `/ws/raw` by a plain GET, which is what your browser's address bar would send.
#
# Then two servers that are wrong on purpose get the right request for the right path:
#
# 3. an app that serves files from `/`, and declares its socket *below* that;
# 4. our app on a uvicorn that has no WebSocket library to speak with.
#
# **Predict:** All get 403 or 404. Which of the four get which? And would you find
# `/ws/raw` in `/docs`?


# %% tags=["M07", "M35"]
def ask(port: int, request: bytes) -> str:
    """The first line of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as tcp:
        tcp.sendall(request)
        return tcp.recv(4096).decode().splitlines()[0]


wrong_path = ask(server.port, request.replace(b"/ws/raw", b"/nosuch"))
plain_get = ask(server.port, b"GET /ws/raw HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
print(f"wrong path:  {wrong_path}\nplain GET:   {plain_get}\n\n{server.log}")
assert wrong_path.endswith("403 Forbidden")
assert plain_get.endswith("404 Not Found")
assert "/ws/raw" not in app.openapi()["paths"]  # what /docs shows

# %% tags=["experiment", "M08", "M25"]
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

files_first = FastAPI(title="files first")
files_first.mount("/", StaticFiles(directory=PAGE.parent))
files_first.add_api_websocket_route("/ws/raw", echo_raw)  # too late: / takes it all

with serve(files_first) as hiding, serve(app, ws="none") as deaf:
    hidden, unheard = ask(hiding.port, request), ask(deaf.port, request)
print(f"socket below the mount:  {hidden}\n{hiding.log}\n")
print(f"no WebSocket library:    {unheard}\n{deaf.log}")
assert hidden.endswith("403 Forbidden")
assert unheard.endswith("404 Not Found")

# %% [markdown]
# A **403** sounds like "you may not". Here it means: **no WebSocket route matches this
# path.** Nothing was accepted that could be closed with a code, so the server can only
# answer in HTTP. In number 3 the route is there. But routes are tried from top to
# bottom, and a mount at `/` matches everything: declare sockets above it.
#
# A **404** for a path that you can read in the code means: **it was asked in plain
# HTTP, and it speaks WebSocket only.** That is also why `/docs`, which describes HTTP,
# does not list it. In number 4 it is uvicorn that knows only HTTP, and it warns you.
#
# ## 3 · A frame, bit by bit
#
# After the 101 there are no more headers. What crosses the wire are *frames*:
#
# | bits | field | meaning |
# | --- | --- | --- |
# | 1 | FIN | 1: this is the last piece of its message |
# | 3 | RSV1-3 | 0, unless an extension is in use |
# | 4 | opcode | 1 text, 2 binary, 8 close, 9 ping, 10 pong |
# | 1 | MASK | 1: the payload is masked. Clients must do it, servers must not |
# | 7 | length | of the payload, in bytes |
# | 32 | masking key | only if MASK is 1: four bytes, new ones for each frame |
# | | payload | if masked: byte *n* is XORed with byte *n* mod 4 of the key |
#
# An extension is something that both sides agree on in the handshake. Every browser
# offers one, permessage-deflate; then RSV1 says that a message is compressed. uvicorn
# accepts it, unless it is told not to. `learn.py run` tells it not to: within one
# machine the bytes it saves cost nothing, and compressing them does; here is how many
# echoes a second of the server's CPU is good for
# ([all figures](../benchmarks/README.md)):
#
# ![Chapter 1 and others, with and without compression](../benchmarks/results/echo.png)
#
# The mask is no secret either: its key stands beside it. It keeps a malicious page from
# choosing the bytes on the wire, which an old proxy might take for a request.
#
# Here is a frame from a client: `81 86 0a 1b 2c 3d 62 72 0c 5f 65 3a`.
#
# **Predict:** Is it text or binary? How long is its payload? What does it say? And
# does the echo send back these very bytes?

# %%
frame = bytes.fromhex("81 86  0a 1b 2c 3d  62 72 0c 5f 65 3a")
tcp.sendall(frame)
reply = tcp.recv(4096)

fin, opcode = frame[0] >> 7, frame[0] & 0b1111
masked, length = frame[1] >> 7, frame[1] & 0b111_1111
mask, payload = frame[2:6], frame[6:]
text = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload)).decode()

print(f"{fin=}  {opcode=}  {masked=}  {length=}  {text=}\nreply: {reply.hex(' ')}")
assert (fin, opcode, masked, length) == (1, 1, 1, len(payload))
assert reply == bytes([0x81, length]) + text.encode()  # the same text, not masked
draw_frame(frame, "Our frame: its two head bytes bit by bit, its key, its payload")

# %% [markdown]
# Two bytes of head, four of key, six of text. The reply needs no key, so it is shorter.
#
# But 7 bits can only count to 127. So a length up to 125 means itself; 126 means that
# the next 2 bytes hold the length, and 127 the next 8.
#
# **Predict:** Texts of 125, 126 and 65,536 letters: how many bytes more than the
# letters go up to the server, how many more come down?

# %%
from websockets.frames import Frame, Opcode

for size, predicted in {125: (6, 2), 126: (8, 4), 65_536: (14, 10)}.items():
    sent = Frame(Opcode.TEXT, b"x" * size).serialize(mask=True)
    tcp.sendall(sent + Frame(Opcode.TEXT, b"end").serialize(mask=True))
    got = b""
    while not got.endswith(b"end"):
        got += tcp.recv(65_536)
    up, down = len(sent) - size, len(got) - size - 5  # 5: the frame that says "end"
    print(f"{size:6,} letters: {up:2} bytes more up, {down:2} bytes more down")
    assert (up, down) == predicted

# %% [markdown]
# At most 14 bytes, whatever the size. Compare that with the headers of a request.
#
# ## 4 · The app
#
# From here on uvicorn takes the frames apart. What reaches the app are messages: a
# connection asks to come in, something was received, the client has gone. The next cell
# shows the chapter's handler, from the file that is running.
#
# Then `ana` and `bo` talk to it at the same time. They are real clients, and `wire`
# records what each of them sends and receives.
#
# **Predict:** ana sends `one`, bo sends `uno`, ana sends `two`, and only then do they
# look at what came. What does bo find? Can ana find the answer to `two` first?

# %%
show(echo)

# %%
wire = Wire()
with server.connect("ana", wire=wire) as ana, server.connect("bo", wire=wire) as bo:
    ana.send("one")
    bo.send("uno")
    ana.send("two")
    bo.expect("Message text was: uno")  # fails if anything else is next
    ana.expect("Message text was: one")
    ana.expect("Message text was: two")

assert wire.clients == ["ana", "bo"]
draw(wire, "ana and bo each get the answers to their own messages, in order")

# %% [markdown]
# Each connection runs the handler once more: two calls of `echo`, each with its own
# loop and its own `websocket`. So bo never sees ana's answers. One connection keeps
# its order, always. Between two connections there is no order at all.
#
# At the end of the drawing each side says *close*, with a code:
#
# | code | means | who says it |
# | --- | --- | --- |
# | 1000 | the conversation is over | either side |
# | 1001 | going away | a page that is left, a server that stops |
# | 1003 | I don't take this kind of data | our `echo` |
# | 1006 | no close frame came | nobody! Your own side fills it in |
# | 1009 | your message is too big | a server with a limit; uvicorn has one |
# | 1011 | something broke in here | a server |
# | 4000 to 4999 | what you like | your app |
#
# **Predict:** ana sends `hello`, then three bytes in a binary frame. Look at `echo`
# above: what does she get, and what does the server log?

# %%
wire = Wire()
with server.connect("ana", wire=wire) as ana:
    ana.send("hello")
    ana.expect("Message text was: hello")
    ana.send(bytes([1, 2, 3]))
    ana.expect_close(1003, "this socket takes text only")

assert "Traceback" not in server.log
draw(wire, "After a binary frame the server closes with 1003 and a reason")

# %% [markdown] tags=["M47"]
# ### The same, the way it is often written
#
# `echo` calls `receive()` and looks at what kind of message came. That seems clumsy.
# Starlette has a loop for texts, `iter_text()`, and many tutorials use it, or
# `receive_text()`. Below is such an app; we try the same on it.
#
# **Predict:** What does ana see after the three bytes? What stands in the log?

# %% tags=["experiment", "M47"]
from fastapi import WebSocket


async def naive_echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"Message text was: {text}")


naive = attempt(naive_echo, "hello", bytes([1, 2, 3]))
print("", naive.log, sep="\n")
assert naive.saw[-1].endswith("(1006)")
assert "KeyError: 'text'" in naive.log
draw(naive.wire, "After a binary frame the connection is gone, without a close frame")

# %% [markdown] tags=["M41", "M42", "M46"]
# One frame that it did not expect, and the handler is dead: `KeyError: 'text'`. Any
# client can send that frame, and learns nothing from it but 1006.
#
# Four more handlers that are wrong on purpose. All of them are easy to write:
#
# | handler | what is wrong |
# | --- | --- |
# | `no_goodbye` | accepts, and returns without `close()` |
# | `no_accept` | sends without accepting |
# | `no_await` | calls `accept()` without `await` |
# | `sends_dict` | gives a dict to `send_text()` |
#
# **Predict:** In which of them is the handshake answered with 101? What does ana see
# in each, and which of them leave something in the log?


# %% tags=["experiment", "M41", "M42", "M46"]
async def no_goodbye(websocket: WebSocket) -> None:
    await websocket.accept()


async def no_accept(websocket: WebSocket) -> None:
    await websocket.send_text("hello")


async def no_await(websocket: WebSocket) -> None:
    websocket.accept()


async def sends_dict(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text({"sum": 3})


a, b, c, d = map(attempt, (no_goodbye, no_accept, no_await, sends_dict))
assert a.saw == d.saw == ["the connection ended without a close frame (1006)"]
assert b.saw == c.saw == ["HTTP 500 Internal Server Error"]

# %% [markdown] tags=["M48"]
# ana cannot tell `no_goodbye` from `sends_dict`, nor `no_accept` from `no_await`.
# **When a client reports 1006 or 500, read the server's log.** But `no_goodbye` leaves
# nothing even there, so remember it: `await websocket.close()` when you are done.
#
# The last one is about the other side: how does the *server* learn that a client has
# gone? `receive()` says so, once. This handler does not listen, and asks again.
#
# **Predict:** ana leaves twice, first with a goodbye, then without. Which code is the
# server told each time? And what does one more `receive()` do?

# %% tags=["experiment", "M48"]
told = []


async def asks_again(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        told.append(await websocket.receive())


attempt(asks_again, "hello", leave="close")
rude = attempt(asks_again, leave="abort")
print("", *told, sep="\n")
assert [message.get("code") for message in told] == [None, 1000, 1005]
assert 'Cannot call "receive" once a disconnect' in rude.log

# %% [markdown] tags=["M61"]
# After `websocket.disconnect` there is nothing left to ask for: leave the loop, as
# `echo` does with `return`. And don't build on the second code. By the RFC it should be
# 1006, "no close frame"; uvicorn says 1005, "a close frame without a code".
#
# ## 5 · The page
#
# `python3 learn.py run 1` opens the chapter's page. It does by script what ana did
# here, and shows every frame and the close code. One thing about it is worth a look:
# where it gets the address of its socket from.
#
# **Predict:** The page is served from `https://chat.example/`. To which address does
# it connect? And what would `ws://localhost:8000/ws`, written into the page, do there?

# %% tags=["M61"]
assert "https://chat.example/".replace("http", "ws", 1) == "wss://chat.example/"
assert "localhost" not in PAGE.read_text(encoding="utf-8")
show(PAGE, "connect")

# %% [markdown]
# `location` is the address of the page itself, so the socket follows it: to the same
# host, the same port, and encrypted when the page is. A fixed `ws://localhost:8000`
# would look for a server on the *visitor's* machine.
#
# ## 6 · Exercises
#
# Each is one file with one `TODO`. Open it in an editor, change it, save it, then check
# it: here, or in a terminal with `python3 learn.py check 1.1`. `python3 learn.py watch`
# checks whenever you save, and `python3 learn.py hint 1.1` helps.
#
# | exercise | file in `chapters/ch01_echo/exercises` | what it asks for |
# | --- | --- | --- |
# | 1.1 | `ex1_shout.py` | answer in capitals, close when the client says `bye` |
# | 1.2 | `ex2_sum.py` | add two numbers that come as JSON, survive everything else |
# | 1.3 | `ex3_frames.py` | count: characters of a text frame, bytes of a binary one |
# | 1.4 | `ex4_handshake.py` | the accept key and the unmasking, as functions |
#
# **Predict:** What does the check say to a file that nobody has changed yet?

# %%
check("1.1")
