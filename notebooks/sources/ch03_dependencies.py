# %% [markdown]
# # Chapter 3: dependencies
#
# **About 60 minutes.** You need nothing but this notebook.
#
# You will be able to
#
# - write one function that decides who comes in, by HTTP as by WebSocket;
# - choose how a token travels, and say which way ends up in a log;
# - say what a refusal is in ASGI, on the wire and in a page, and let a page read why;
# - let somebody else's page hijack a socket, and stop it;
# - name what never sees a socket, and what a socket holds until it closes.
#
# As before: answer each **Predict**, then run the cell. What we claim, the cells
# `assert`. Some do what nobody should, with apps that are wrong on purpose.

# %%
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import BackgroundTasks, Request, Response, WebSocketDisconnect
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Query, WebSocket
from fastapi.requests import HTTPConnection

sys.path.append("..")  # the workbook's folder is the one above this notebook's
from chapters.ch03_dependencies import app as chapter
from chapters.ch03_dependencies.app import app, guest, only_our_pages
from workbook.lesson import Wire, attempt, check, draw, knock, serve, show

# %% [markdown] tags=["M11"]
# ## 1 · A function of the handshake
#
# A dependency is a function whose arguments FastAPI finds in a request: in its query,
# its headers, its cookies. A WebSocket begins with a request as well, the handshake. So
# the same function could stand at both doors.
#
# Here are two dependencies that differ in one type, and for each a socket that asks it.
# The last line of the cell shows the chapter's own.
#
# **Predict:** A route can use both. Which of them can a socket use? And what does ana
# get from the other one: 403, 422 or 500?


# %% tags=["experiment", "M11"]
async def narrow(request: Request) -> str:
    return request.headers["host"]


async def wide(connection: HTTPConnection) -> str:
    return connection.headers["host"]


async def asks_narrow(websocket: WebSocket, _: Annotated[str, Depends(narrow)]) -> None:
    await websocket.accept()


async def asks_wide(websocket: WebSocket, _: Annotated[str, Depends(wide)]) -> None:
    await websocket.accept()
    await websocket.close(1000, "come in")


assert attempt(asks_narrow).saw == ["HTTP 500 Internal Server Error"]
assert attempt(asks_wide).saw == ['close 1000 normal closure, "come in"']
show(guest)

# %% [markdown] tags=["M31"]
# At a handshake there is no `Request` to give, so FastAPI calls the function without
# one, and Python complains. `HTTPConnection` is what a Request and a WebSocket have in
# common: address, query, headers, cookies. Ask for no more than that, and your function
# serves both.
#
# `guest` is the chapter's. It stands before the route `/me` and before the socket
# `/ws`, and hands both a name. `browser` is a client that keeps cookies as a browser
# does. It asks for `/me`, logs in at `/login`, and asks again; then once more, by the
# server's other name: `localhost` in place of `127.0.0.1`. At last ana's client brings
# the same cookie to `/ws`.
#
# **Predict:** Which of the four answers hold ana's name, and which refuse?

# %% tags=["M31"]
server = serve(app)
browser = httpx.Client(base_url=server.http, trust_env=False)  # no proxy in between

stranger = browser.get("/me?username=ana").json()
login = browser.post("/login", data={"token": chapter.API_TOKEN})
ana_here = browser.get("/me?username=ana").json()
ana_there = browser.get(f"http://localhost:{server.port}/me?username=ana").json()

key = {"Cookie": f"token={browser.cookies['token']}"}
by_socket = knock(server, "/ws?username=ana", headers=key)

print(stranger, ana_here, ana_there, by_socket, "", sep="\n")
print("the cookie: token=…;", login.headers["set-cookie"].partition("; ")[2])
assert stranger == ana_there == {"detail": "no cookie named token"}
assert (ana_here, by_socket) == ({"username": "ana"}, 'text "Hello, ana!"')

# %% [markdown] tags=["M14", "M16"]
# One function, two doors. And a cookie belongs to the *name* of a host: when a page
# from `localhost` opens a socket to `127.0.0.1`, the cookie stays at home. So take the
# socket's address from the page's. `HttpOnly` keeps the cookie from every script;
# `SameSite=lax` we meet again in part 5.
#
# ## 2 · How a token travels
#
# | way | can a page use it? |
# | --- | --- |
# | query, `?token=…` | yes, it is part of the address |
# | header, `Authorization: …` | no: `new WebSocket()` takes no headers |
# | cookie | the browser adds it by itself |
# | subprotocol | yes, `new WebSocket(url, ["chat", token])` |
# | first message | yes, but by then a stranger is inside |
#
# The first four are part of the handshake, and a dependency can ask for them: `find`
# says where the token was. Ours is a throw-away, a *canary*: where it sings, a real
# token would have been heard. The last two clients offer it as a subprotocol, once
# beside `chat` and once alone. The server chooses `chat`, or nothing.
#
# **Predict:** Which of the five clients are let in? Which of them are in uvicorn's log
# with their token?


# %% tags=["experiment", "M14", "M16"]
async def find(
    query: Annotated[str, Query(alias="token")] = "",
    header: Annotated[str, Header(alias="Authorization")] = "",
    cookie: Annotated[str, Cookie(alias="token")] = "",
    offer: Annotated[str, Header(alias="Sec-WebSocket-Protocol")] = "",
) -> str:
    places = {"query": query, "header": header, "cookie": cookie, "subprotocol": offer}
    return next(place for place, said in places.items() if "canary" in said)


async def tell(websocket: WebSocket, place: Annotated[str, Depends(find)]) -> None:
    chosen = "chat" if "chat" in websocket.scope["subprotocols"] else None
    await websocket.accept(subprotocol=chosen)
    await websocket.close(1000, f"in the {place}, {chosen or 'nothing'} chosen")


# %% tags=["M14", "M16"]
ways = {
    "/ws?token=canary-5e1d": {},
    "/ws?by=header": {"headers": {"Authorization": "Bearer canary-5e1d"}},
    "/ws?by=cookie": {"headers": {"Cookie": "token=canary-5e1d"}},
    "/ws?by=subprotocol": {"subprotocols": ["chat", "canary-5e1d"]},
    "/ws?by=subprotocol-alone": {"subprotocols": ["canary-5e1d"]},
}
with serve(tell) as listening:
    answers = [knock(listening, path, **said) for path, said in ways.items()]
print(*answers, "", listening.log, sep="\n")
assert listening.log.count("canary") == 1
assert answers[-1] == 'close 1000 normal closure, "in the subprotocol, nothing chosen"'

# %% [markdown] tags=["M43"]
# All are let in, and one of them sings: uvicorn logs the address, with its query. Any
# proxy on the way may keep such a log, too. So no secret goes into a query.
#
# The last client offered a subprotocol, got none, and did not mind. **A browser does:**
# it gives up, and its page sees 1006 (`test_page.py` tries it in Chromium). So when
# something is offered, `accept(subprotocol=…)` one of it; not the token, though, or
# your answer repeats the secret. That leaves the cookie, which no script of the page
# ever holds.
#
# ## 3 · A no, seen from three sides
#
# An async function `(scope, receive, send)` is an ASGI app. `overheard` is one: it
# hands all on to the chapter's app, and writes down what that one says.
#
# bo knocks with a wrong token, and the chapter's app raises
# `WebSocketException(1008, "wrong token")`.
#
# **Predict:** What does the app say in ASGI? What does bo's client get? And what would
# a page be told: 1008, 403 or 1006?

# %% tags=["M43"]
from starlette.types import Message, Receive, Scope, Send

said: list[Message] = []


async def overheard(scope: Scope, receive: Receive, send: Send) -> None:
    async def relay(message: Message) -> None:
        said.append(message)
        await send(message)

    await app(scope, receive, relay)


with serve(overheard) as door:
    answer = knock(door, who="bo", headers={"Cookie": "token=wrong"})
in_asgi = next(message for message in said if message["type"].startswith("websocket"))
print(f"in ASGI      {in_asgi}\non the wire  {answer}\nin the log   {door.log}")
assert (in_asgi["code"], answer) == (1008, "HTTP 403 Forbidden")

# %% [markdown] tags=["M34", "M43"]
# | where | what is seen of the same refusal |
# | --- | --- |
# | in ASGI | `websocket.close` with 1008 and a reason |
# | on the wire | `HTTP/1.1 403 Forbidden`, no reason |
# | in a page | a `close` event with 1006 and the reason `""` |
#
# The last row is Chromium's, from `test_page.py`. No socket, so no close frame, so no
# code: the browser puts in 1006, as it does when nobody is there. The reason stays in
# the app; even the log has only the 403.
#
# The chapter's page wants to know more, and asks `/me`: the same function, and by HTTP
# a 403 can say why. There is another way. Accept, and close with a code of your own:
# that a page can read. It has a price: now a stranger has been inside. No line
# between `accept()` and `close()` may tell them anything, or keep anything for them.
#
# **Predict:** ana knocks at the chapter's app without a cookie, bo at a socket that
# explains. What is the first thing that each of them gets?


# %% tags=["experiment", "M34", "M43"]
async def explains(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(4401, "log in first")


wire = Wire()
with serve(explains) as explaining:
    refused = knock(server, who="ana", wire=wire)
    told = knock(explaining, who="bo", wire=wire)
assert refused == "HTTP 403 Forbidden"
assert told == 'close 4401 the app\'s own, "log in first"'
draw(wire, "ana is refused before accept; bo is let in, and told why he has to leave")

# %% [markdown] tags=["M26", "M27", "M44", "M45"]
# ### What may not be said
#
# 4401 is HTTP's 401, moved to where a close code may be. Why not close with 401 itself?
# And how long may a reason be?
#
# After that two handlers fail while the client is inside: `raises_404` raises an
# `HTTPException`, and `trusts_json` gets something that is no JSON.
#
# **Predict:** Which of the eight goodbyes arrive? The last two have a reason of 123
# letters `x`, and of 62 letters `é` (`%C3%A9` in an address). And what does ana get
# from the two handlers: a 404, an error message, a close code?

# %% tags=["experiment", "M44", "M45"]
closing = FastAPI(title="closing")


@closing.websocket("/{code}")
async def close(websocket: WebSocket, code: int, say: str = "", times: int = 1) -> None:
    await websocket.accept()
    await websocket.close(code, say * times)


long = ["/4401?say=x&times=123", "/4401?say=%C3%A9&times=62"]
with serve(closing) as goodbyes:
    for path in ["/4401", "/1008", "/401", "/1005", "/1006", "/5000", *long]:
        print(f"{path:27}{knock(goodbyes, path).replace('x' * 100, '…')}")
errors = [line for line in goodbyes.log.splitlines() if "ProtocolError:" in line]
print("", *errors, sep="\n")
assert len(errors) == 5


# %% tags=["experiment", "M26", "M27"]
async def raises_404(websocket: WebSocket) -> None:
    await websocket.accept()
    raise HTTPException(404, "no such room")


async def trusts_json(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        order = await websocket.receive_json()
        await websocket.send_text(f"{order['pieces']} ordered")


assert attempt(raises_404).saw[-1].endswith("(1006)")
outcome = attempt(trusts_json, '{"pieces": 2}', "three, please")
assert outcome.saw[0] == 'text "2 ordered"'
assert outcome.saw[1].endswith("(1006)")

# %% [markdown]
# Codes of your own are 4000 to 4999; below 1000 there are none. 1005 and 1006 stand for
# a close that *nobody* said, so nobody can say them. A reason has at most 123
# **bytes**, and `é` takes two of them. Who has more to say sends it as a message first.
# What breaks these rules never leaves the server: the client gets 1006, and only the
# log knows why.
#
# After the 101 there is no HTTP left for an `HTTPException`; `WebSocketException` works
# on both sides of `accept()`. And in `trusts_json` one message that could not be read
# ended the whole conversation. Answer it with an error and go on, as in exercise 1.2.
#
# ## 4 · The other judge
#
# Would a test have found all this? Many tests use Starlette's `TestClient`. It calls
# the app without a server: no uvicorn, no frames, no rules for frames. That is fast,
# and good enough for what happens *inside* a handler. Below it knocks at four doors,
# and a real client knocks at the same four, on uvicorn.
#
# **Predict:** At which of the four do they see the same?

# %% tags=["experiment", "M43", "M44", "M45"]
from fastapi.testclient import TestClient


@closing.websocket("/send/dict")
async def send_a_dict(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text({"sum": 3})


def rehearse(app: FastAPI, path: str) -> str:
    try:
        with TestClient(app).websocket_connect(path) as ana:
            return str(ana.receive())
    except WebSocketDisconnect as gone:
        return f"WebSocketDisconnect: {gone.code} {gone.reason}"


# %% tags=["M43", "M44", "M45"]
goodbyes = serve(closing)
for asked, served, path in [
    (app, server, "/ws"),
    (closing, goodbyes, "/401"),
    (closing, goodbyes, "/4401?say=x&times=200"),
    (closing, goodbyes, "/send/dict"),
]:
    rehearsed, real = rehearse(asked, path), knock(served, path)
    print(f"{path}\n  TestClient  {rehearsed.replace('x' * 180, '…')}")
    print(f"  the server  {real}")
    assert real.endswith(("403 Forbidden", "(1006)"))
    assert not any(seen in rehearsed for seen in ("403", "1006"))

# %% [markdown] tags=["M05", "M31"]
# At none. A test that asserts 1008 for a missing token is green, and no client will
# ever see that 1008. So the checks of this workbook start a real server.
#
# ## 5 · Somebody else's page
#
# The browser adds the cookie by itself, whoever wrote the page:
#
# 1. ana is logged in at your site.
# 2. In another tab she opens eve's page. Its script says
#    `new WebSocket("wss://your.site/ws")`.
# 3. The browser adds ana's cookie. Your server sees ana, and eve's script reads along.
#
# This is *cross-site WebSocket hijacking*. For `fetch` the browser has a rule: eve's
# script may not read what comes back, unless your server allows it (CORS). For sockets
# there is no such rule. There is only the header `Origin`. It says where the page came
# from; the browser writes it, no script can, and looking at it is **your** job.
#
# Eight clients knock, all with ana's cookie, each with another Origin. (`None` sends no
# such header; few programs do. `http://127.0.0.1` means port 80, not ours.) They knock
# twice. `dependency_overrides`, made for tests, puts one dependency in place of
# another: the first time nobody looks at Origin, and the app is naive. Then it is ours.
#
# **Predict:** Which of the eight does the naive app let in? And which does ours?

# %% tags=["M05"]
own = f"http://127.0.0.1:{server.port}"
origins = [own, None, "http://127.0.0.1", "https://evil.example", "null", own.upper()]
origins += ["http://127.0.0.1.evil.example", "http://evil.example/127.0.0.1"]
for origin in origins:
    app.dependency_overrides = {only_our_pages: lambda: None}
    naive = knock(server, headers=key, origin=origin)
    app.dependency_overrides = {}
    ours = knock(server, headers=key, origin=origin)
    print(f"{origin}".replace(str(server.port), "PORT").ljust(32), naive, " ", ours)
    assert naive == 'text "Hello, Anonymous!"'
    assert (ours == naive) == (origin in (own, None))
show(only_our_pages)

# %% [markdown] tags=["M05", "M31", "M37"]
# The naive app asks for the right cookie, and all of them had it. Ours compares the
# *whole* origin; who looks for a part of it also finds that part in a name that anybody
# can register. Other pages that may come in stand in `ALLOWED_ORIGINS`.
#
# ### For real
#
# `tests/ch03_dependencies/test_hijacking.py` does it in Chromium. ana logs in by the
# form, then opens eve's page, which comes from another port. This is what eve's script
# wrote down, and what the browser's console said:
#
# ```text
# without only_our_pages
#     read: Hello, ana!
#     read: Message text was: pay eve
#     closed: 1000
# with it
#     closed: 1006
#     Error during WebSocket handshake: Unexpected response code: 403
# ```
#
# The same script also tried to `fetch` `/me`, and failed both times: there the browser
# has its rule. And ana's cookie was `SameSite=lax`, but that is about *sites*, and a
# site has no port:
#
# | eve's page comes from | for ana's server that is | its socket has the cookie |
# | --- | --- | --- |
# | the same host, another port | another origin, the same site | yes |
# | `localhost`, the server being `127.0.0.1` | another site | no |
#
# The second time even the naive app said 403, for want of a cookie. So SameSite keeps
# strangers out, and Origin the neighbours too. Keep both.
#
# ## 6 · What never sees a socket
#
# CORS and much else is added to an app as *middleware*. `guarded` has two: CORS for one
# site only, and a function that lets nobody in at all. Behind them is `asks_wide` of
# part 1, which says `come in`.
#
# **Predict:** What does `GET /` get? And a socket, from a page of `evil.example`?

# %% tags=["experiment", "M37"]
from fastapi.middleware.cors import CORSMiddleware

guarded = FastAPI(title="guarded")
guarded.add_middleware(CORSMiddleware, allow_origins=["https://chat.example"])
guarded.add_api_websocket_route("/ws", asks_wide)


@guarded.middleware("http")
async def let_nobody_in(request: Request, call_next: object) -> Response:
    return Response("nobody comes in", 403)


with serve(guarded) as gate:
    by_http = browser.get(gate.http)
    by_socket = knock(gate, origin="https://evil.example")
print(f"GET /:   {by_http.status_code}, {by_http.text}\nsocket:  {by_socket}")
assert (by_http.status_code, by_socket) == (403, 'close 1000 normal closure, "come in"')

# %% [markdown] tags=["M30", "M37", "M52", "M59"]
# `middleware("http")` means it: HTTP only. CORS too looks at nothing else. What stands
# in front of a socket is a dependency, or an ASGI app round yours, such as `overheard`.
#
# ## 7 · As long as the socket
#
# A request is over in milliseconds, a socket after hours. So ask of all that you know
# from HTTP: when does it end, when does it run, when is it asked again?
#
# - `holds` depends on `session`, which stands for a session with a database: opened,
#   lent by `yield`, closed. `borrows` opens one for each message.
# - `adds_task` leaves a background task behind.
# - Then ana talks to the chapter's app, and meanwhile its token is changed.
#
# **Predict:** How many sessions are open while ana says nothing? When does the
# background task run? And whom does the old token still serve: ana, who is inside, or
# bo, who knocks now?

# %% tags=["experiment", "M30"]
opened: list[str] = []


async def session() -> AsyncIterator[str]:
    opened.append("a session")
    try:
        yield "seat 12"
    finally:
        opened.remove("a session")


async def holds(websocket: WebSocket, seat: Annotated[str, Depends(session)]) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{text} {seat}")


# %% tags=["experiment", "M30"]
async def borrows(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        async with asynccontextmanager(session)() as seat:
            answer = f"{text} {seat}"
        await websocket.send_text(answer)


for handler in (holds, borrows):
    with serve(handler) as box_office, box_office.connect("ana") as ana:
        ana.send("my seat?")
        print(f"{handler.__name__}: {ana.receive()!r}, then ana is idle: {opened}")
        assert opened == (["a session"] if handler is holds else [])
assert opened == []  # ana has left


# %% tags=["experiment", "M52"]
async def adds_task(websocket: WebSocket, tasks: BackgroundTasks) -> None:
    tasks.add_task(opened.append, "the background task ran")
    await websocket.accept()
    await websocket.close(1000, "added")


assert attempt(adds_task).saw == ['close 1000 normal closure, "added"']
print(f"its server has stopped; what the task left: {opened}")
assert opened == []

# %% tags=["M59"]
from unittest.mock import patch

with server.connect("ana", headers=key) as ana:
    print("ana:", ana.receive())
    with patch.object(chapter, "API_TOKEN", "another one"):
        bo = knock(server, who="bo", headers=key)
        ana.send("am I still here?")
        print(f"bo:  {bo}\nana:", ana.receive())

assert bo == "HTTP 403 Forbidden"
assert ana.received == 2

# %% [markdown] tags=["M30", "M52", "M59"]
# What `holds` was lent waits as long as ana does: a pool of ten sessions is empty when
# ten guests are idle. Borrow one for each message, and give it back before you send.
# The background task never ran, and nobody said so: it is for after the response, and
# a socket has none.
#
# And the handshake asks once. A token that is no longer right closes nothing: ana is
# inside, and stays. Where that matters, ask again, or set an alarm, as in exercise 3.4.
#
# ## 8 · Exercises
#
# Each is one file with one `TODO`. Open it in an editor, change it, save it, then check
# it: here, or in a terminal with `python3 learn.py check 3.1`. `python3 learn.py watch`
# checks whenever you save, and `python3 learn.py hint 3.1` helps.
#
# | exercise | file in `chapters/ch03_dependencies/exercises` | what it asks for |
# | --- | --- | --- |
# | 3.1 | `ex1_ticket.py` | refuse before accept who has not the right cookie |
# | 3.2 | `ex2_both_doors.py` | one dependency for a route and a socket |
# | 3.3 | `ex3_origin.py` | a list of origins that no trick gets past |
# | 3.4 | `ex4_expiry.py` | close with 4401 when a session ends, in time |
#
# **Predict:** In file 3.1 a stranger gets 1008 and a reason. Why is that not yet right?

# %%
check("3.1")
