"""Chapter 3's app knows who may come in, by HTTP as by WebSocket.

After each test the fixture `server` looks whether every handler has ended without an
exception, the log shows no traceback, and the next client is answered.
"""

import asyncio
import json
import secrets
import socket
import struct
from collections.abc import Iterator, Mapping, MutableMapping
from http.client import HTTPConnection
from typing import Any, NamedTuple

import httpx
import pytest

from chapters.ch03_dependencies import app as chapter
from tests.ch01_echo.raw import TEXT, RawClient, frame
from tests.ch03_dependencies.conftest import APP, COOKIE
from tests.waiting import wait_until
from workbook.server import Server

TOKEN = "SECRET_API_TOKEN"
FOREIGN = {"Origin": "https://evil.example"}
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
DEADLINE = 20.0


class Answer(NamedTuple):
    """What comes back by HTTP: 101 lets a handshake in, all else refuses it."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]


def ask(server: Server, path: str, headers: Mapping[str, str]) -> Answer:
    """A request with any headers, of which Host may be one, as UTF-8."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    encoded = {name: value.encode() for name, value in headers.items()}
    connection.request("GET", path, headers=encoded)
    response = connection.getresponse()
    answer = Answer(response.status, response.read(), response.getheaders())
    connection.close()
    return answer


def knock(server: Server, headers: Mapping[str, str], path: str = "/ws") -> Answer:
    return ask(server, path, {**HANDSHAKE, **headers})


def head(path: str, headers: Mapping[str, str]) -> bytes:
    """A handshake's bytes."""
    said = {"Host": "localhost", **HANDSHAKE, **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{key}: {said[key]}" for key in said)]
    return "\r\n".join([*lines, "", ""]).encode()


# Who is greeted, and how


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "Anonymous"),
        ("?username=ana", "ana"),
        ("?username=", ""),
        ("?username=Ana%20%26%20Bo", "Ana & Bo"),
        ("?username=Zo%C3%AB%20%F0%9F%91%8B", "Zoë 👋"),
        ("?username=%3Cb%3E&theme=dark", "<b>"),
        ("?username=%ff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_guest_is_greeted_by_name(server: Server, query: str, name: str) -> None:
    with server.connect("ana", f"/ws{query}", headers=COOKIE) as ana:
        ana.expect(f"Hello, {name}!")
        ana.send("hello")
        ana.expect("Message text was: hello")

    assert json.loads(ask(server, f"/me{query}", COOKIE).body) == {"username": name}


def test_the_cookie_may_come_among_others(server: Server) -> None:
    cookies = {"Cookie": f"theme=dark; token={TOKEN}; seen=1"}

    with server.connect("ana", headers=cookies) as ana:
        ana.expect("Hello, Anonymous!")


# The token

NO_COOKIE = {"detail": "no cookie named token"}
WRONG = {"detail": "wrong token"}

BAD_TOKENS = {
    "none": ({}, NO_COOKIE),
    "another cookie": ({"Cookie": f"ticket={TOKEN}"}, NO_COOKIE),
    "the name in capitals": ({"Cookie": f"TOKEN={TOKEN}"}, NO_COOKIE),
    "another header": ({"Authorization": f"Bearer {TOKEN}"}, NO_COOKIE),
    "empty": ({"Cookie": "token="}, NO_COOKIE),
    "wrong": ({"Cookie": "token=SECRET_API_TOKEM"}, WRONG),
    "truncated": ({"Cookie": f"token={TOKEN[:-1]}"}, WRONG),
    "with more": ({"Cookie": f"token={TOKEN}0"}, WRONG),
    "lower case": ({"Cookie": f"token={TOKEN.lower()}"}, WRONG),
    "very long": ({"Cookie": f"token={TOKEN * 500}"}, WRONG),
    "non-ASCII": ({"Cookie": "token=clé"}, WRONG),
    "right, and an accent": ({"Cookie": f"token={TOKEN}é"}, WRONG),
    "not UTF-8 once unquoted": ({"Cookie": r'token="\377"'}, WRONG),
    "right, then wrong": ({"Cookie": f"token={TOKEN}; token=wrong"}, WRONG),
}
"""Headers, and the reason that `GET /me` gives for refusing them."""


@pytest.mark.parametrize(("headers", "reason"), BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_token_opens_neither_door(
    server: Server, headers: dict[str, str], reason: dict[str, str]
) -> None:
    by_socket = knock(server, headers)
    by_http = ask(server, "/me", headers)

    # Why it is refused stays in ASGI: nothing of it goes over the wire.
    assert (by_socket.status, by_socket.body) == (403, b"")
    assert (by_http.status, json.loads(by_http.body)) == (403, reason)


def test_a_token_in_the_query_does_not_count(server: Server) -> None:
    assert knock(server, {}, f"/ws?token={TOKEN}").status == 403
    assert ask(server, f"/me?token={TOKEN}", {}).status == 403


def test_a_token_longer_than_a_header_may_be_reaches_no_app(server: Server) -> None:
    cookie = {"Cookie": f"token={'x' * 100_000}"}

    with socket.create_connection(("127.0.0.1", server.port), DEADLINE) as eve:
        eve.sendall(head("/unread", cookie))
        # A line of a handshake may have 8 KiB. What is longer uvicorn notes in its
        # log, and answers nothing: there is no response to wait for.
        wait_until(lambda: "(431 Request Header" in server.log, "431 is logged")

    calls = [r["path"] for r in server.process.reports if r["is"] == "call"]
    assert "/unread" not in calls
    assert ask(server, "/me", cookie).status == 403  # plain HTTP takes longer ones


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare_digest(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return False

    monkeypatch.setattr(secrets, "compare_digest", compare_digest)

    assert not chapter.is_right("clé")
    assert compared == [("clé".encode(), TOKEN.encode())]


def test_an_empty_token_in_the_environment_opens_no_door() -> None:
    with Server(APP, env={"API_TOKEN": ""}) as server:
        assert knock(server, {"Cookie": "token="}).status == 403
        assert knock(server, {}).status == 403
        assert knock(server, COOKIE).status == 101


# Origin

ORIGINS = {
    "own": ("http://localhost:{port}", 101),
    "own, on another port": ("http://localhost:1", 403),
    "foreign": ("https://evil.example", 403),
    "null": ("null", 403),
    "absent": (None, 101),  # no browser: the cookie alone decides
    "localhost.evil.example": ("http://localhost.evil.example:{port}", 403),
    "evil.example/localhost": ("http://evil.example/localhost:{port}", 403),
    "upper case": ("HTTP://LOCALHOST:{port}", 403),  # no browser writes it so
    "own, by another scheme": ("https://localhost:{port}", 403),
    "own, by the socket's scheme": ("ws://localhost:{port}", 403),
    "own, and a slash": ("http://localhost:{port}/", 403),
    "own, without the port": ("http://localhost", 403),
    "own, by another name": ("http://127.0.0.1:{port}", 403),
    "empty": ("", 403),
}
"""What Origin says of the page when the address was http://localhost:{port}."""


@pytest.mark.parametrize(("origin", "status"), ORIGINS.values(), ids=ORIGINS)
def test_only_our_own_pages_may_come_in(
    server: Server, origin: str | None, status: int
) -> None:
    headers = {**COOKIE, "Host": f"localhost:{server.port}"}
    if origin is not None:
        headers["Origin"] = origin.format(port=server.port)

    by_socket = knock(server, headers)
    by_http = ask(server, "/me", headers)

    assert by_socket.status == status
    if status == 101:
        assert json.loads(by_http.body) == {"username": "Anonymous"}
    else:
        assert by_http.status == 403
        assert json.loads(by_http.body) == {"detail": "this page is from another site"}


def test_our_own_page_needs_a_token_too(server: Server) -> None:
    assert knock(server, {"Origin": server.http}).status == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://chat.example", 101),
        ("http://localhost:3000", 101),
        ("https://chat.example.evil.example", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_the_environment_lists_more_origins(
    listing_server: Server, origin: str, status: int
) -> None:
    assert knock(listing_server, {**COOKIE, "Origin": origin}).status == status
    assert knock(listing_server, {"Origin": origin}).status == 403


@pytest.fixture(scope="module")
def listing_server() -> Iterator[Server]:
    origins = "https://chat.example, http://localhost:3000,"
    with Server(APP, env={"ALLOWED_ORIGINS": origins}) as server:
        yield server


def test_behind_https_our_pages_are_https(server: Server) -> None:
    # As a proxy on this machine says it; uvicorn believes that one.
    headers = {**COOKIE, "Host": "chat.example", "X-Forwarded-Proto": "https"}

    assert knock(server, {**headers, "Origin": "https://chat.example"}).status == 101
    assert knock(server, {**headers, "Origin": "http://chat.example"}).status == 403


# What both sides see of a refusal

RIGHT = {"cookie": f"token={TOKEN}"}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no cookie named token"),
        ({"cookie": "token=wrong"}, "wrong token"),
        (
            {"cookie": f"token={TOKEN}", "origin": "null"},
            "this page is from another site",
        ),
    ],
)
def test_a_refusal_is_1008_in_asgi(headers: dict[str, str], reason: str) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/ws",
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    asyncio.run(chapter.app(scope, receive, send))

    assert sent == [{"type": "websocket.close", "code": 1008, "reason": reason}]


# Logging in and out


def log_in(server: Server, **request: Any) -> httpx.Response:
    return httpx.post(f"{server.http}/login", timeout=DEADLINE, **request)


def test_the_page_is_html(server: Server) -> None:
    response = httpx.get(server.http, timeout=DEADLINE)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_a_right_token_is_kept_as_a_cookie_that_no_script_reads(server: Server) -> None:
    response = log_in(server, data={"token": TOKEN})

    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert attributes(response) == {"HttpOnly", "Path=/", "SameSite=lax"}


def test_behind_https_the_cookie_goes_by_https_only(server: Server) -> None:
    forwarded = {"X-Forwarded-Proto": "https"}

    response = log_in(server, data={"token": TOKEN}, headers=forwarded)

    assert attributes(response) == {"HttpOnly", "Path=/", "SameSite=lax", "Secure"}


def attributes(response: httpx.Response) -> set[str]:
    """What the cookie `token` says of itself."""
    (cookie,) = response.headers.get_list("set-cookie")
    name, *rest = cookie.split("; ")
    assert name == f"token={TOKEN}"
    return set(rest)


NO_LOGIN: dict[str, dict[str, Any]] = {
    "wrong": {"data": {"token": "wrong"}},
    "empty": {"data": {"token": ""}},
    "truncated": {"data": {"token": TOKEN[:-1]}},
    "very long": {"data": {"token": "x" * 100_000}},
    "non-ASCII": {"data": {"token": "ключ"}},
    "right, then wrong": {"data": {"token": [TOKEN, "wrong"]}},
    "under another name": {"data": {"ticket": TOKEN}},
    "as JSON": {"json": {"token": TOKEN}},
    "in the query": {"params": {"token": TOKEN}},
    "in the cookie": {"headers": COOKIE},
    "none": {},
}


@pytest.mark.parametrize("request_", NO_LOGIN.values(), ids=NO_LOGIN)
def test_a_wrong_token_gets_no_cookie(server: Server, request_: dict[str, Any]) -> None:
    response = log_in(server, **request_)

    assert response.status_code == 303
    assert response.headers["location"] == "/?login=refused"
    assert "set-cookie" not in response.headers


def test_a_form_that_is_none_gets_no_cookie(server: Server) -> None:
    form = {"content-type": "multipart/form-data; boundary=x"}
    for response in (
        log_in(server, files={"token": TOKEN.encode()}),
        log_in(server, content=b"--y", headers=form),
        log_in(server, data={"token": "x" * 2_000_000}),
    ):
        assert 400 <= response.status_code < 500
        assert "set-cookie" not in response.headers


def test_who_logs_in_is_let_in_until_they_log_out(server: Server) -> None:
    with httpx.Client(
        base_url=server.http, follow_redirects=True, timeout=DEADLINE
    ) as browser:
        assert browser.get("/me").status_code == 403

        assert browser.post("/login", data={"token": TOKEN}).url.path == "/"
        assert browser.get("/me?username=ana").json() == {"username": "ana"}
        cookie = {"Cookie": f"token={browser.cookies['token']}"}
        assert knock(server, cookie).status == 101

        assert browser.post("/logout").url.path == "/"
        assert browser.get("/me").status_code == 403
        assert not browser.cookies


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_another_sites_form_logs_nobody_in_or_out(server: Server, path: str) -> None:
    url = server.http + path
    response = httpx.post(url, data={"token": TOKEN}, headers=FOREIGN, timeout=DEADLINE)

    assert response.status_code == 403
    assert "set-cookie" not in response.headers


# Where the secret must not be

SECRET = "canary-7f3a"


def test_the_secret_stands_only_in_the_cookie() -> None:
    right = {"Cookie": f"token={SECRET}"}
    with Server(APP, env={"API_TOKEN": SECRET}) as server:
        with server.connect("ana", headers=right) as ana:
            ana.expect("Hello, Anonymous!")
            ana.send("hello")
            ana.expect("Message text was: hello")
            ana.send(b"binary")
            ana.expect_close(1003)
        answers = [knock(server, COOKIE), knock(server, {**right, **FOREIGN})]
        answers += [ask(server, path, right) for path in ("/", "/me", "/no", "/ws")]
        answers += [ask(server, path, {}) for path in ("/me", "/openapi.json")]
        for token in (SECRET, SECRET[:-1], SECRET + "é"):
            response = log_in(server, data={"token": token})
            response.headers.pop("set-cookie", None)
            items = list(response.headers.items())
            answers.append(Answer(response.status_code, response.content, items))
        assert log_in(server, files={"token": SECRET.encode()}).status_code == 422
        ask(server, "/the-last", {})
        wait_until(lambda: "/the-last" in server.log, "the last request is logged")
        log, frames = server.log, server.wire.to_json()

    assert '"POST /login HTTP/1.1" 422' in log
    assert len(answers) == 11
    for text in (log, frames, *map(str, answers)):
        assert SECRET not in text


# As chapter 1


@pytest.mark.parametrize("data", [b"", b"bytes"], ids=["empty", "not empty"])
def test_a_binary_message_is_refused_with_1003(server: Server, data: bytes) -> None:
    with server.connect("ana", headers=COOKIE) as ana:
        ana.expect("Hello, Anonymous!")
        ana.send(data)
        ana.expect_close(1003, "this socket takes text only")


HOSTILE = [
    "",
    " ",
    "\0",
    "\n",
    "null",
    "{",
    "[]",
    '{"a": ',
    "{'a': 1}",
    '{"type": "websocket.disconnect"}',
    "1e999",
    "NaN",
    "[" * 10_000,
    "<script>alert(1)</script>",
    "'; DROP TABLE users; --",
    "%s%n{0}{username}",
    r"\ud800",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "bye",
    "x" * (1 << 20),
]


def test_no_text_ends_the_conversation(server: Server) -> None:
    assert len(HOSTILE) == 20
    with server.connect("ana", headers=COOKIE) as ana:
        ana.expect("Hello, Anonymous!")
        for text in [*HOSTILE, "and on"]:
            ana.send(text)
            ana.expect(f"Message text was: {text}")


def test_a_guest_may_vanish(server: Server) -> None:
    for _ in range(20):
        server.connect("ana", headers=COOKIE).abort()
    RawClient(server.port, "/ws").reset()


def test_a_guest_may_vanish_while_the_server_sends(server: Server) -> None:
    with socket.socket() as eve:
        eve.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        eve.settimeout(DEADLINE)
        eve.connect(("127.0.0.1", server.port))
        eve.sendall(head("/ws", COOKIE))
        assert eve.recv(12) == b"HTTP/1.1 101"
        # More than the kernel keeps for who does not read: the answer has to wait.
        eve.sendall(frame(TEXT, b"x" * (8 << 20)) + frame(TEXT, b"second"))
        wait_until(
            lambda: any("send_text" in line.code for line in server.waiting()),
            "a handler waits in send_text",
        )
        linger = struct.pack("ii", 1, 0)  # for 0 s: RST in place of FIN
        eve.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def test_twenty_guests_keep_their_names(server: Server) -> None:
    guests = [
        server.connect(f"g{n}", f"/ws?username=g{n}", headers=COOKIE) for n in range(20)
    ]
    for guest in guests:
        guest.send(f"I am {guest.name}")
    for guest in guests:
        guest.expect(f"Hello, {guest.name}!")
        guest.expect(f"Message text was: I am {guest.name}")
        guest.close()
