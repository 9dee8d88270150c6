"""What the exercises of chapter 3 must do.

A parameter named like an exercise is the answer under test: the solution, or, with
--mine, the learner's own file.
"""

import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from workbook.answer import Answer, Reply
from workbook.client import Client
from workbook.failure import Failure, Hints, name_close, name_status

HINTS = {
    401: "This refuses, with another status. It is to be HTTP 403.",
    404: "This refuses, with another status. It is to be HTTP 403.",
}
"""What to say when a stranger is refused, and not with HTTP 403."""

ERROR = {500: "An error is HTTP 500. WebSocketException is 403, before accept()."}
"""What to say when a stranger meets an error of the learner's own choice."""

ECHO = "Who is let in gets every text back as it went."


def let_in(
    answer: Answer,
    name: str,
    hint: str,
    misconception: str | None = None,
    **options: Any,
) -> Client:
    """A client that must be let in."""
    try:
        return answer.connect(name, **options)
    except Failure as failure:
        if failure.hint is None:
            failure.hint, failure.misconception = hint, misconception
        raise


def keep_out(
    answer: Answer, hint: str, hints: Mapping[int, str] = HINTS, **options: Any
) -> None:
    """A client that must be refused before accept."""
    answer.expect_refusal("eve", hint=hint, hints=hints, **options)


def expect_echo(
    client: Client, hint: str | None = None, hints: Hints | None = None
) -> None:
    for text in ("hello", "and on"):
        try:
            client.send(text)
        except Failure as failure:
            code = failure.event.code if failure.event is not None else None
            failure.hint = failure.hint or (hints or {}).get(code or 0, hint)
            raise
        client.expect(text, hint=hint, hints=hints)


# 3.1 ticket

TICKET = "row-7-seat-12"


def ticket(value: str) -> dict[str, str]:
    return {"Cookie": f"ticket={value}"}


def test_who_shows_the_ticket_is_let_in(ex1_ticket: Answer) -> None:
    hint = "She shows the right ticket, as a cookie. Where do you look?"
    with let_in(ex1_ticket, "ana", hint, headers=ticket(TICKET)) as ana:
        expect_echo(ana, ECHO)
        ana.send("")
        ana.expect("", hint="An empty text is a text as well: it goes back, too.")
        hint = "The text before was empty. It ends nothing."
        ana.send("still here", hint=hint)
        ana.expect("still here", hint=hint)


def test_who_shows_no_ticket_is_refused(ex1_ticket: Answer) -> None:
    hint = "Nobody asked eve for a ticket. Ask before accept()."
    keep_out(ex1_ticket, hint, HINTS | ERROR)


def test_a_refusal_ends_without_an_error(ex1_ticket: Answer) -> None:
    try:
        ex1_ticket.connect("eve").close()
    except Failure as failure:
        if failure.event is None:
            raise
        ex1_ticket.wire.mark(failure.event, None)
        expect_no_error(ex1_ticket, failure)


def expect_no_error(answer: Answer, refused: Failure) -> None:
    """The handler that has refused this client must not raise when it goes on."""
    end = answer.process.await_report(
        lambda r: r["is"] in ("returned", "crash") and r["port"] == refused.port,
        answer.reply,
    )
    if end is None or end["is"] != "crash" or end["error"] == "WebSocketDisconnect":
        return
    refused.blame(end)
    refused.expected = "a handler that ends, without an error"
    refused.hint = "eve was refused, and the handler went on. What ends it there?"
    raise refused


def test_each_handshake_is_asked_anew(ex1_ticket: Answer) -> None:
    before = "The same ticket, and now refused. What is left of those before?"
    with let_in(ex1_ticket, "ana", before, headers=ticket(TICKET)) as ana:
        twice = "ana is in with this ticket. It opens to whoever else shows it."
        with let_in(ex1_ticket, "bo", twice, headers=ticket(TICKET)) as bo:
            expect_echo(bo, ECHO)
        expect_echo(ana, ECHO)


def test_a_wrong_ticket_is_no_ticket(ex1_ticket: Answer) -> None:
    hint = "The right name, and not the right ticket. Compare them."
    for value in ("row-7-seat-13", "none"):
        keep_out(ex1_ticket, hint, HINTS | ERROR, headers=ticket(value))


def test_an_empty_ticket_is_no_ticket(ex1_ticket: Answer) -> None:
    hint = "An empty ticket. An empty text is a part of every text."
    ex1_ticket.expect_refusal("eve", headers=ticket(""), hint=hint)


def test_a_part_of_the_ticket_is_no_ticket(ex1_ticket: Answer) -> None:
    hint = "Only the whole ticket counts: no part of it, and no more."
    for value in (TICKET[:-1], TICKET[1:], TICKET + "0", "x" + TICKET):
        keep_out(ex1_ticket, hint, headers=ticket(value))
    hint = "The ticket has small letters, and this one capitals: another text."
    keep_out(ex1_ticket, hint, headers=ticket(TICKET.upper()))


def test_any_text_may_be_shown_for_a_ticket(ex1_ticket: Answer) -> None:
    hint = "This ticket is not ASCII. Compare bytes: encode() takes it."
    for value in ("Grüße", TICKET + "é"):
        keep_out(ex1_ticket, hint, headers=ticket(value))


def test_a_ticket_in_the_address_does_not_count(ex1_ticket: Answer) -> None:
    hint = "This ticket is in the server's log now. Only the cookie counts."
    path = f"/ws?ticket={TICKET}"
    keep_out(ex1_ticket, hint, path=path, misconception="M16")


def test_a_ticket_in_a_header_does_not_count(ex1_ticket: Answer) -> None:
    hint = "A header of its own is no cookie. Only the cookie counts."
    for headers in ({"Ticket": TICKET}, {"Authorization": f"Bearer {TICKET}"}):
        keep_out(ex1_ticket, hint, headers=headers)
    keep_out(ex1_ticket, hint, subprotocols=[TICKET])


def test_there_may_be_other_cookies(ex1_ticket: Answer) -> None:
    cookies = {"Cookie": f"theme=dark; ticket={TICKET}; seen=1"}
    hint = "One of three cookies here is the ticket. Who parts them?"
    with let_in(ex1_ticket, "ana", hint, headers=cookies) as ana:
        expect_echo(ana, ECHO)


def test_only_a_cookie_named_ticket_is_a_ticket(ex1_ticket: Answer) -> None:
    hint = "The right value, under another name. Which cookie is the ticket?"
    for name in ("seat", "ticket2", "myticket", "Ticket"):
        keep_out(ex1_ticket, hint, headers={"Cookie": f"{name}={TICKET}; theme=dark"})


# 3.2 both doors

WHO = {"Cookie": "key=key-of-eve"}, {"Cookie": "key="}, {}
"""The cookies of strangers."""


def key(name: str) -> dict[str, str]:
    return {"Cookie": f"key=key-of-{name}"}


def expect_me(
    answer: Answer,
    headers: dict[str, str],
    status: int,
    name: str,
    hint: str,
    query: str = "",
) -> None:
    """`GET /me` must be answered with this status, and, if it is 200, this name."""
    reply = answer.get(f"/me{query}", headers)
    wanted, got = name_status(status), name_status(reply.status)
    if status == reply.status == 200:
        wanted += f", {json.dumps({'name': name})}"
        got += f", {canonical(reply.text)}"
    if got != wanted:
        shown = ", ".join(f"{key}: {value}" for key, value in headers.items())
        raise Failure(
            who="",
            action="asked",
            sent=f"GET /me{query}, {shown or 'no cookie'}",
            got=got,
            expected=wanted,
            hint=hint,
            port=reply.port,
        )


def canonical(text: str) -> str:
    """JSON as json.dumps writes it; other text as it is."""
    try:
        return json.dumps(json.loads(text))
    except ValueError:
        return text


def test_me_names_the_member(ex2_both_doors: Answer) -> None:
    hint = "GET /me was right as it came. What has changed for it?"
    for name in ("ana", "bo"):
        expect_me(ex2_both_doors, key(name), 200, name, hint)


def test_me_refuses_a_stranger(ex2_both_doors: Answer) -> None:
    hint = "GET /me was right as it came: it refuses a stranger."
    for cookie in WHO:
        expect_me(ex2_both_doors, cookie, 403, "", hint)


def expect_greeting(client: Client, name: str) -> None:
    """The greeting must be that of this member; what to say depends on what came."""
    wanted = f"Hello, {name}!"
    try:
        client.expect(wanted)
    except Failure as failure:
        event = failure.event
        text = event.data if event is not None and event.kind == "text" else None
        named = re.findall(r"(?<!-)\b(?:ana|bo)\b", str(text).lower())
        if not isinstance(text, str):
            failure.hint = f'After accept() comes the greeting, a text: "{wanted}"'
        elif named == [name]:
            failure.hint = f'The right name, in other words. Send "{wanted}"'
        else:
            failure.hint = (
                "Ask `member` here too, and greet by the name that it returns."
            )
        raise


def test_the_socket_greets_the_member(ex2_both_doors: Answer) -> None:
    for name in ("ana", "bo"):
        hint = f"This key is {name}'s, who is a member and is let in."
        with let_in(ex2_both_doors, name, hint, headers=key(name)) as client:
            expect_greeting(client, name)
            hint = "The greeting was right. After it the server closes, with 1000."
            client.expect_close(1000, hint=hint)


def test_the_socket_refuses_a_stranger(ex2_both_doors: Answer) -> None:
    hint = "GET /me refuses eve, the socket does not. Both ask `member`."
    for cookie in WHO:
        keep_out(ex2_both_doors, hint, headers=cookie)


def refuse(answer: Answer, headers: dict[str, str], hint: str, query: str = "") -> None:
    """A stranger must be refused at both doors."""
    expect_me(answer, headers, 403, "", hint, query)
    keep_out(answer, hint, headers=headers, path=f"/ws{query}")


def test_only_the_whole_key_is_a_key(ex2_both_doors: Answer) -> None:
    hint = "Only the whole key counts: no part of it, and no more."
    for value in ("k", "key-of-an", "ey-of-ana", "key-of-anatol", "xkey-of-bo"):
        refuse(ex2_both_doors, {"Cookie": f"key={value}"}, hint)
    hint = "The key has small letters, and this one capitals: another text."
    refuse(ex2_both_doors, {"Cookie": "key=KEY-OF-ANA"}, hint)
    hint = "A name is no key: it is not secret. MEMBERS lists the keys."
    for value in ("ana", "xxxxxxxana"):
        refuse(ex2_both_doors, {"Cookie": f"key={value}"}, hint)


def test_any_text_may_be_shown_for_a_key(ex2_both_doors: Answer) -> None:
    hint = "This key is not ASCII. Compare bytes: encode() takes it."
    refuse(ex2_both_doors, {"Cookie": "key=Grüße"}, hint)


def test_only_a_cookie_named_key_is_a_key(ex2_both_doors: Answer) -> None:
    hint = "A right key, under another name. Which cookie is the key?"
    for name in ("other", "key2", "Key"):
        refuse(ex2_both_doors, {"Cookie": f"{name}=key-of-bo"}, hint)
    hint = "A header of its own is no cookie. Only the cookie counts."
    for name in ("Key", "X-Key"):
        refuse(ex2_both_doors, {name: "key-of-bo"}, hint)


def test_a_key_in_the_address_does_not_count(ex2_both_doors: Answer) -> None:
    hint = "What the address says, anybody can write. Only the cookie counts."
    refuse(ex2_both_doors, {}, hint, "?key=key-of-bo")
    query = "?key=key-of-bo&name=bo"
    expect_me(ex2_both_doors, key("ana"), 200, "ana", hint, query)
    path = f"/ws{query}"
    with let_in(ex2_both_doors, "ana", hint, path=path, headers=key("ana")) as ana:
        ana.expect("Hello, ana!", hint=hint)


def test_each_client_keeps_its_own_name(ex2_both_doors: Answer) -> None:
    def come(name: str) -> Client:
        hint = f"{name} is let in as well when another comes at the same time."
        return let_in(ex2_both_doors, name, hint, headers=key(name))

    names = ("ana", "bo")
    ex2_both_doors.get("/me")  # it serves before two threads ask for it
    with ThreadPoolExecutor(len(names)) as pool:
        clients = [*pool.map(come, names)]
    hint = "Two came at once. Does each have a name of their own?"
    for name, client in zip(names, clients, strict=True):
        client.expect(f"Hello, {name}!", hint=hint)


# 3.3 origin


def test_the_pages_of_this_server_are_let_in(ex3_origin: Answer) -> None:
    hint = "This page is the very server's. Its origin begins with http."
    with let_in(ex3_origin, "ana", hint, origin=ex3_origin.address) as ana:
        expect_echo(ana, ECHO)


def knock(answer: Answer, host: str) -> Reply:
    """A handshake of a page that this very host has served, by another name of it."""
    headers = {"Host": host, "Origin": f"http://{host}"}
    headers |= {"Connection": "Upgrade", "Upgrade": "websocket"}
    headers |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 22 + "=="}
    return answer.get("/ws", headers)


def test_it_is_the_same_server_by_another_name(ex3_origin: Answer) -> None:
    host = ex3_origin.address.partition("://")[2].replace("127.0.0.1", "localhost")
    reply = knock(ex3_origin, host)
    if reply.status != 101:
        raise Failure(
            who="",
            action="asked",
            sent=f"GET /ws, Host: {host}, Origin: http://{host}",
            got=name_status(reply.status),
            expected=name_status(101),
            hint="It is the server's own page. Host says what the page calls it.",
            port=reply.port,
        )


def test_the_pages_of_the_list_are_let_in(ex3_origin: Answer) -> None:
    hint = "ALLOWED lists this origin. Its pages may come in."
    for origin in ("https://chat.example", "http://localhost:3000"):
        with let_in(ex3_origin, "ana", hint, origin=origin) as ana:
            expect_echo(ana, ECHO)


def test_programs_are_let_in(ex3_origin: Answer) -> None:
    hint = "A program sends no Origin: there is none to compare."
    with let_in(ex3_origin, "ana", hint) as ana:
        expect_echo(ana, ECHO)


def expect_refused(answer: Answer, *origins: str, hint: str) -> None:
    for origin in origins:
        keep_out(answer, hint, origin=origin, misconception="M05")


def test_the_pages_of_other_sites_are_refused(ex3_origin: Answer) -> None:
    hint = "A stranger's page, and the browser sends our cookies along."
    expect_refused(ex3_origin, "https://evil.example", "http://evil.example", hint=hint)


def test_another_host_is_its_own_only_where_it_is_asked_for(ex3_origin: Answer) -> None:
    hint = "A page came by this name of the server, and went. Who still lists it?"
    knock(ex3_origin, "evil.example")
    expect_refused(ex3_origin, "http://evil.example", hint=hint)


def test_a_page_of_nowhere_is_refused(ex3_origin: Answer) -> None:
    hint = "So says a page without an address: a file, or a sandboxed frame."
    expect_refused(ex3_origin, "null", hint=hint)


def test_another_scheme_is_another_origin(ex3_origin: Answer) -> None:
    own = ex3_origin.address.replace("http:", "https:")
    hint = "Its scheme is another. An origin is scheme, host and port together."
    expect_refused(ex3_origin, own, "http://chat.example", hint=hint)


def test_another_port_is_another_origin(ex3_origin: Answer) -> None:
    host, _, port = ex3_origin.address.rpartition(":")
    origins = [host, f"{host}:{int(port) - 1}"]
    origins += ["http://localhost", "https://chat.example:8443"]
    hint = "Its port is another. An origin is scheme, host and port together."
    expect_refused(ex3_origin, *origins, hint=hint)
    hint = "Its port is another. The same site is not the same origin."
    keep_out(
        ex3_origin,
        hint,
        origin=f"{host}:{int(port) - 1}",
        headers={"Sec-Fetch-Site": "same-site"},
        misconception="M05",
    )


def test_what_only_begins_so_is_refused(ex3_origin: Answer) -> None:
    origins = ["https://chat.example.evil.example", "http://localhost:3000.evil"]
    origins.append(f"{ex3_origin.address}.evil.example")
    expect_refused(ex3_origin, *origins, hint="It only begins as ours does.")


def test_what_only_ends_so_is_refused(ex3_origin: Answer) -> None:
    origins = ["https://evilchat.example", "https://pages.chat.example"]
    expect_refused(ex3_origin, *origins, hint="It only ends as ours does.")


def test_what_only_holds_it_is_refused(ex3_origin: Answer) -> None:
    own = ex3_origin.address.partition("://")[2]
    origins = [f"http://evil.example/{own}", "https://evil.example#chat.example"]
    expect_refused(ex3_origin, *origins, hint="It only holds one of ours.")


def test_a_dot_is_a_dot(ex3_origin: Answer) -> None:
    hint = "In a regular expression a dot stands for any character."
    expect_refused(ex3_origin, "https://chat-example", hint=hint)


# 3.4 expiry

SHORT = 0.2  # seconds that a session lasts which is to end under our eyes
SESSIONS = [SHORT * 2**n for n in range(6)]  # until one is longer than we stood still
MOMENT = 0.3  # seconds; whoever stood still for longer knows too little of an end
LONG = 600.0
LATE = 50  # texts that are sent when a session has ended; no answer is so late
PAUSE = 0.02  # seconds between them

EARLY_ENOUGH = 0.95  # of a session; uvloop counts whole milliseconds
MORE_TURNS = 20  # of the event loop, after which who was cancelled has ended
SOON = 4.0  # seconds that they may take

EARLY = {4401: "It lasts for ten minutes yet. Which clock does ENDS go by?"}
OTHERWISE = dict.fromkeys(
    (1000, 1008, *range(3000, 4401), *range(4402, 5000)),
    "The right moment, another code. It is to be 4401.",
)
"""What to say when a session's end is told, and not with 4401."""


def visit(answer: Answer, seconds: float) -> dict[str, str]:
    """Get the page, and with it a session; the headers that show it."""
    reply = answer.get(f"/?seconds={seconds}")
    cookie = reply.headers.get("set-cookie", "").partition(";")[0]
    return {"Cookie": cookie}


def test_while_the_session_lasts_each_text_is_sent_back(ex4_expiry: Answer) -> None:
    cookie = visit(ex4_expiry, LONG)
    with ex4_expiry.connect("ana", headers=cookie) as ana:
        hint = "This session lasts for ten minutes, and so does the echo."
        expect_echo(ana, hint, EARLY)
    ex4_expiry.expect_end_of(ana, hint="The client has left. What is left to wait for?")
    again = "She left, and comes again: her session lasts for ten minutes yet."
    with let_in(ex4_expiry, "ana", again, headers=cookie) as ana:
        expect_echo(ana, again, EARLY)


def test_without_a_session_the_handshake_is_refused(ex4_expiry: Answer) -> None:
    hint = "A stranger and no late comer: HTTP 403, as it came."
    for cookie in ({"Cookie": "session=made-up"}, {}):
        keep_out(ex4_expiry, hint, headers=cookie)


def test_a_session_that_has_ended_is_closed_with_4401(ex4_expiry: Answer) -> None:
    refused = "Refused before accept: no close code yet, only HTTP 403."
    cookie = visit(ex4_expiry, -1)
    with let_in(ex4_expiry, "ana", refused, "M43", headers=cookie) as ana:
        hint = "Her session has ended already. Close at once, with 4401."
        ana.expect_close(4401, hint=hint, hints=OTHERWISE)
        ex4_expiry.expect_end_of(ana, hint="After close() there is nothing left to do.")


def test_a_client_that_never_stops_talking_is_closed(ex4_expiry: Answer) -> None:
    for seconds in SESSIONS:
        ex4_expiry.begin()
        if is_closed_while_talking(ex4_expiry, seconds):
            break  # else she had stopped talking, as the machine stood still


def is_closed_while_talking(answer: Answer, seconds: float) -> bool:
    """The session must end in time; whether she still talked when it did.

    Who counts anew with each text closes, too, where none comes for as long as was
    `left` to her; and who closes early seems to be in time where the news is late.
    """
    hint = f"The session ran out {LATE} texts ago and messages still flow."
    began = time.monotonic()
    cookie = visit(answer, seconds)
    end = time.monotonic() + seconds  # at the latest
    with answer.connect("ana", headers=cookie) as ana:
        left = began + seconds - time.monotonic()
        spoke, late = began, 0
        while late < LATE:
            now = time.monotonic()
            if not talks(ana):
                break
            spoke, late = now, late + (now > end)
            time.sleep(PAUSE)
        else:
            ana.send("still here")
        expect_close(ana, hint, "M59")
        closed = time.monotonic()
        answer.expect_end_of(ana, hint="After close() there is nothing left to do.")
    expect_lasted(ana, closed - began, seconds)
    return closed - spoke < min(left, MOMENT)


def test_a_silent_client_is_closed_when_its_session_ends(ex4_expiry: Answer) -> None:
    hint = "The session ran out. Who looks while nobody talks?"
    for seconds in SESSIONS:
        ex4_expiry.begin()
        began = time.monotonic()
        cookie = visit(ex4_expiry, seconds)
        with ex4_expiry.connect("ana", headers=cookie) as ana:
            came = time.monotonic() - began
            expect_close(ana, hint, "M59")
            expect_lasted(ana, time.monotonic() - began, seconds)
        if came < seconds:
            break  # else she came too late, and was closed for that


def expect_lasted(client: Client, lasted: float, seconds: float) -> None:
    """The session must have lasted. It is known to have begun after the first look."""
    if lasted < seconds:
        raise Failure(
            who=client.name,
            sent=None,
            got=f"{name_close(4401)} after {lasted:.2f} s",
            expected=f"{name_close(4401)} after {seconds:g} s",
            hint="The session still lasted. Until when, and by which clock?",
            port=client.port,
        )


def test_the_end_of_a_session_is_nobody_elses(ex4_expiry: Answer) -> None:
    with ex4_expiry.connect("bo", headers=visit(ex4_expiry, LONG)) as bo:
        cookie = visit(ex4_expiry, SHORT)
        with ex4_expiry.connect("ana", headers=cookie) as ana:
            ana.expect_close(4401)
        expect_echo(bo, "ana's session has ended. bo's lasts for ten minutes.")


def test_a_session_begins_with_the_page(ex4_expiry: Answer) -> None:
    hint = "Her session began with the page, and she came later. When does it end?"
    for seconds in SHORT, 4 * SHORT, 16 * SHORT:  # until we stood still for less
        ex4_expiry.begin()
        cookie = visit(ex4_expiry, seconds)
        time.sleep(seconds / 2)
        came = time.monotonic()
        with ex4_expiry.connect("ana", headers=cookie) as ana:
            expect_close(ana, hint)
            lasted = time.monotonic() - came
        if lasted < EARLY_ENOUGH * seconds:
            return
    raise Failure(
        who=ana.name,
        sent=None,
        got=f"{name_close(4401)} {lasted:.2f} s after the handshake",
        expected=f"{name_close(4401)} {seconds / 2:g} s after it: half was over",
        hint=hint,
        port=ana.port,
    )


def test_all_tabs_of_a_session_are_closed(ex4_expiry: Answer) -> None:
    one, other = visit(ex4_expiry, SHORT), visit(ex4_expiry, SHORT)
    gone = "Two tabs share a session. What became of it when one was closed?"
    with (
        let_in(ex4_expiry, "ana", gone, headers=one) as ana,
        let_in(ex4_expiry, "bo", gone, headers=one) as bo,
        let_in(ex4_expiry, "cy", gone, headers=other) as cy,
    ):
        for client in (ana, bo, cy):
            hint = "Its session is over, as are others. Whose time do you look at?"
            expect_close(client, hint)
    again = "She comes again, too late as before: let her in, and close with 4401."
    with let_in(ex4_expiry, "ana", again, "M43", headers=one) as ana:
        expect_close(ana, again)


def test_who_leaves_leaves_no_task(ex4_expiry: Answer) -> None:
    hint = "The client has left, and something goes on until its session ends."
    for seconds in (LONG, SHORT):
        with ex4_expiry.connect("ana", headers=visit(ex4_expiry, seconds)):
            pass
    for seconds in (0, 2 * SHORT):
        time.sleep(seconds)
        for _ in range(MORE_TURNS):
            ex4_expiry.take_turns(SOON)
        ex4_expiry.expect_no_task_left(hint)
        ex4_expiry.expect_no_lost_error(hint, misconception="M24")


def expect_close(client: Client, hint: str, misconception: str | None = None) -> None:
    try:
        client.expect_close(4401, hint=hint, hints=OTHERWISE)
    except Failure as failure:
        if failure.hint == hint:
            failure.misconception = misconception
        raise


def talks(client: Client) -> bool:
    """Whether a text was sent back; how it ended, the client is asked next."""
    try:
        client.send("still here")
        client.receive()
    except Failure:
        return False
    return True
