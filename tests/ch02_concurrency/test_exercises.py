"""What the exercises of chapter 2 must do.

A parameter named like an exercise is the answer under test: the solution, or, with
--mine, the learner's own file.

The checks set the files' intervals, short where a tick is awaited and LONG where none
may come. No wait proves that nothing came: the next message does, and a right answer
has several times as long as it needs.
"""

import time

from workbook.answer import Answer
from workbook.client import Client
from workbook.failure import Failure, name, name_close
from workbook.wire import Event

LONG = 600.0
"""Seconds of an interval that does not end while a check lasts."""

SOON = 1.5
"""Seconds within which a handler ends when its client has left. The texts say 0.5 s:
a busy machine has three times as long."""


def heard(answer: Answer, client: Client) -> list[Event]:
    """Every message that has come to this client, read or not."""
    kinds = ("text", "binary")
    mine = [e for e in answer.wire if e.client == client.name and e.kind in kinds]
    return [event for event in mine if event.direction == "in"]


def instead_of(
    expected: str,
    answer: Answer,
    client: Client,
    hint: str,
    misconception: str | None = None,
) -> Failure:
    """What to say of the message that this client has received last."""
    event = heard(answer, client)[client.received - 1]
    answer.wire.mark(event, f"expected {expected}")
    return Failure(
        who=client.name,
        sent=client.sent,
        got=name(event),
        expected=expected,
        hint=hint,
        event=event,
        misconception=misconception,
        port=client.port,
        received=client.received - 1,
    )


def expect_among(
    answer: Answer, client: Client, text: str, others: str, hint: str
) -> None:
    """This text must come, before it ten that begin with `others` at most."""
    wanted, before = f'text "{text}"', 0
    try:
        while (came := client.receive(wanted)) != text:
            before += 1
            if before > 20 or not str(came).startswith(others):
                raise instead_of(wanted, answer, client, hint)
    except Failure as failure:
        failure.hint = hint  # also when nothing came
        raise


def expect_end(answer: Answer, client: Client) -> None:
    """The client has left: so must its handler, and all that it started."""
    hint = "The client has left, and its handler goes on. What does it wait for?"
    try:
        answer.expect_end_of(client, hint, within=SOON, misconception="M03")
    except Failure as failure:
        if failure.silent and answer.server is not None:
            waiting = answer.server.waiting(client.port)
            failure.where = waiting[0] if len(waiting) == 1 else None
        raise
    hint = "A task goes on when its handler has returned. Cancel it, then await it."
    answer.expect_nothing_left(client, hint)


# 2.1 countdown

NUMBERS = ["5", "4", "3", "2", "1", "0"]
STEP = 0.15  # seconds between two numbers while a client talks
PAUSES = 5  # of STEP seconds, from 5 to 0
ANEW = "With each text the pause begins anew, so it never ends."


def test_it_counts_down_to_0(ex1_countdown: Answer) -> None:
    step = 0.1
    ex1_countdown.set(STEP=step)
    began = time.monotonic()
    with ex1_countdown.connect("ana") as ana:
        for number in NUMBERS:
            ana.expect(number, hint="The numbers from 5 to 0 come by themselves.")
        took = time.monotonic() - began
        if took < PAUSES * step:
            hint = "STEP seconds pass from one number to the next. Await the pause."
            expected = f'text "0" {PAUSES * step:g} s after the handshake'
            failure = instead_of(expected, ex1_countdown, ana, hint)
            failure.got += f" {took:.2f} s after the handshake"
            raise failure
        hint = "The countdown is over, the conversation is not: echo this text."
        ana.send("hello", hint=hint)
        ana.expect("hello", hint=hint)


def test_it_echoes_while_it_counts(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=STEP)
    wanted = 'text "hello"'
    with ex1_countdown.connect("ana") as ana:
        ana.expect("5")
        ana.send("hello")
        sent = since_handshake(ex1_countdown, "hello")
        while (came := ana.receive(wanted)) != "hello":
            # Not where 0 was under way before `hello`: then it was we who were late.
            late = since_handshake(ex1_countdown, "0") - sent if came == "0" else 0
            if came not in NUMBERS or late > 2 * STEP:
                hint = "The echo waits for the countdown. Let them run side by side."
                raise instead_of(wanted, ex1_countdown, ana, hint)


def test_it_counts_while_a_client_talks(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=STEP)
    with ex1_countdown.connect("ana") as ana:
        sent = talk_until_0(ex1_countdown, ana)
        came = hear_out(ex1_countdown, ana, sent)
        numbers = [text for text in came if text in NUMBERS]
        if numbers != NUMBERS:
            raise Failure(
                who="ana",
                sent=f"{len(sent)} texts in {len(sent) * STEP / 4:.0f} s",
                got=f"each echo, and of the numbers: {' '.join(numbers) or 'none'}",
                expected=f"all the numbers: {' '.join(NUMBERS)}",
                hint=ANEW,
                port=ana.port,
                silent=True,
            )
        took = since_handshake(ex1_countdown, "0")
        if took < PAUSES * STEP:
            raise Failure(
                who="ana",
                sent=f"a text every {STEP / 4:g} s",
                got=f'text "0" {took:.2f} s after the handshake',
                expected=f'text "0" {PAUSES * STEP:g} s after the handshake',
                hint="Each text cuts a pause short. What is it that ends the waiting?",
                port=ana.port,
            )


def hear_out(answer: Answer, ana: Client, sent: list[str]) -> list[str]:
    """What has come by when all is echoed; the echoes must be in order."""
    ana.send("over")
    came: list[str] = []
    while "over" not in came:
        came.append(str(ana.receive('text "over"')))
        echoes = [text for text in came if text not in NUMBERS]
        if echoes != [*sent, "over"][: len(echoes)]:
            missed = [*sent, "over"][len(echoes) - 1]
            hint = "An echo is missing. Who held this text, and was cancelled?"
            raise instead_of(f'text "{missed}"', answer, ana, hint)
    return came


def since_handshake(answer: Answer, text: str) -> float:
    """Seconds from the first word of the handshake to this text's first coming."""
    request = next(e for e in answer.wire if e.kind == "request")
    return next(e for e in answer.wire if e.data == text).time - request.time


def talk_until_0(answer: Answer, ana: Client) -> list[str]:
    """Say something four times a step, until 0 has come or it is far too late."""
    sent: list[str] = []
    deadline = time.monotonic() + 3 * PAUSES * STEP
    while time.monotonic() < deadline:
        sent.append(f"text {len(sent) + 1}")
        ana.send(sent[-1])
        time.sleep(STEP / 4)
        if "0" in [event.data for event in heard(answer, ana)]:
            break
    return sent


def test_it_ends_when_the_client_says_goodbye(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=LONG)
    with ex1_countdown.connect("ana") as ana:
        ana.expect("5")
    expect_end(ex1_countdown, ana)


def test_it_ends_when_the_client_vanishes(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=LONG)
    with ex1_countdown.connect("ana") as ana:
        ana.expect("5")
        ana.abort()
    expect_end(ex1_countdown, ana)


def test_each_client_has_a_countdown_of_its_own(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=0.05)
    with ex1_countdown.connect("ana") as ana:
        ana.expect("5")
        ana.expect("4")
        with ex1_countdown.connect("bo") as bo:
            for number in NUMBERS:
                bo.expect(number, hint="bo came later: this countdown is bo's own.")
        for number in NUMBERS[2:]:
            ana.expect(number, hint="bo has come and gone. ana's countdown is hers.")


# 2.2 one reader

TICK = 0.1  # seconds between two ticks
TOO_LATE = 2.5  # seconds for what a right answer sends in 0.6 at most


def too_late(answer: Answer) -> float:
    return min(TOO_LATE, answer.reply)


def test_the_ticks_come_by_themselves(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    began = time.monotonic()
    with ex2_one_reader.connect("ana") as ana:
        for _ in range(3):
            ana.expect("tick", hint="Nobody has said anything yet.")
        took = time.monotonic() - began
        if took < 3 * TICK:
            hint = "STEP seconds pass before each tick."
            failure = instead_of("as many ticks", ex2_one_reader, ana, hint)
            failure.got = f"three ticks in {took:.2f} s"
            failure.expected = f"one every STEP = {TICK:g} s"
            raise failure


def test_the_ticks_come_while_a_client_talks(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    began = time.monotonic()
    with ex2_one_reader.connect("ana") as ana:
        for _ in range(30):  # at once: if each brings a tick, that is no stutter
            ana.send("one thing")
        deadline = time.monotonic() + too_late(ex2_one_reader)
        while time.monotonic() < deadline and ticks_of(ex2_one_reader, ana) < 3:
            ana.send("and another thing")
            time.sleep(TICK / 4)
        ticks = ticks_of(ex2_one_reader, ana)
        took = time.monotonic() - began  # later than the last of these ticks
        if not 3 <= ticks <= took / TICK:
            early = "Each text cuts a pause short. What is it that ends the waiting?"
            raise Failure(
                who="ana",
                sent="one text after the other",
                got=f"{ticks} ticks in {took:.2f} s",
                expected=f"one every STEP = {TICK:g} s",
                hint=ANEW if ticks < 3 else early,
                port=ana.port,
                silent=ticks < 3,
            )


def ticks_of(answer: Answer, client: Client) -> int:
    return [event.data for event in heard(answer, client)].count("tick")


def test_every_text_is_echoed_once_and_in_order(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        texts = ["one", "two", "three", "four", "five", "six"]
        for text in texts:
            ana.send(text)
        for text in texts:
            hint = "An echo is missing. Who else receives, and got this text?"
            expect_among(ex2_one_reader, ana, text, "tick", hint)


def test_no_tick_comes_during_a_pause(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        ana.expect("tick")
        hint = "After `pause` no tick comes, not even one that was under way."
        expect_a_pause(ex2_one_reader, ana, hint)
        for text in ("pause", "and now?"):
            ana.send(text)
        ana.expect("and now?", hint="`pause` is not echoed, said twice or once.")


def expect_a_pause(answer: Answer, client: Client, hint: str) -> None:
    """No tick comes in a pause, or none in the next.

    Where another task hears of the pause, its tick may be due in the same moment: it
    comes behind an echo then, once in some hundred runs on a busy machine.
    """
    text = "still there?"
    for last in (False, True):
        pause(answer, client)
        time.sleep(3 * TICK)  # in which ticks would come
        client.send(text)
        before = client.received
        if last:
            client.expect(text, hint=hint)
        else:
            expect_among(answer, client, text, "tick", hint)
        if client.received == before + 1:
            return
        client.send("resume")


def pause(answer: Answer, client: Client) -> None:
    """Say `pause`; when this returns, the last tick before it has been received."""
    client.send("pause")
    client.send("hello")
    hint = "`pause` is not echoed; what comes after it is, also in a pause."
    expect_among(answer, client, "hello", "tick", hint)


def test_after_resume_the_ticks_go_on(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        for _ in range(2):
            pause(ex2_one_reader, ana)
            ana.send("resume")
            ana.expect("tick", hint="`resume` is not echoed; it ends the pause.")
        ana.send("hello")
        hint = "Every text is echoed but two, before, in and after a pause."
        expect_among(ex2_one_reader, ana, "hello", "tick", hint)


def test_the_ticks_go_on_after_the_shortest_pause(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        for _ in range(3):
            for text in ("one", "two", "three", "pause", "resume", "hello"):
                ana.send(text)  # so many that the server finds some together
            for text in ("one", "two", "three", "hello"):
                hint = "Every text is echoed but two, before, in and after a pause."
                expect_among(ex2_one_reader, ana, text, "tick", hint)
            hint = "`resume` came right behind `pause`. What has ended by then?"
            ana.expect("tick", hint=hint)


def test_no_other_text_is_an_order(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        for text in ("please pause", " pause", "PAUSE", "resume ", "Resume", ""):
            ana.send(text)
            ana.send("hello")
            hint = "Two texts are orders, to the letter. This is one like any other."
            expect_among(ex2_one_reader, ana, text, "tick", hint)
            expect_among(ex2_one_reader, ana, "hello", "tick", hint)


def test_resume_without_a_pause_changes_nothing(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        for text in ("resume", "resume"):
            ana.send(text)
        hint = "She said `resume` twice, and `pause` once. What still ticks?"
        expect_a_pause(ex2_one_reader, ana, hint)


def test_a_pause_is_nobody_elses(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with (
        ex2_one_reader.connect("ana") as ana,
        ex2_one_reader.connect("bo") as bo,
    ):
        pause(ex2_one_reader, ana)
        for _ in range(len(heard(ex2_one_reader, bo)) + 2):
            bo.expect("tick", hint="ana has paused her own ticks. bo's go on.")


def test_it_ends_when_a_paused_client_says_goodbye(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=LONG)
    with ex2_one_reader.connect("ana") as ana:
        pause(ex2_one_reader, ana)
    expect_end(ex2_one_reader, ana)


def test_it_ends_when_a_ticking_client_vanishes(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=LONG)
    with ex2_one_reader.connect("ana") as ana:
        ana.send("hello")
        ana.expect("hello")
        ana.abort()
    expect_end(ex2_one_reader, ana)


# 2.3 gone

NEWS = 0.1  # seconds between two pieces of news


def test_the_news_comes_by_itself(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=NEWS)
    with ex3_gone.connect("ana") as ana:
        for number in range(1, 4):
            ana.expect(f"news {number}", hint="Nobody has said anything yet.")


def test_it_ends_when_the_client_leaves(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=LONG)
    with ex3_gone.connect("ana") as ana:
        ana.expect("news 1")
    expect_end(ex3_gone, ana)


def test_it_ends_when_the_client_is_gone_without_a_goodbye(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=LONG)
    with ex3_gone.connect("ana") as ana:
        ana.expect("news 1")
        ana.abort()
    expect_end(ex3_gone, ana)


def test_what_the_client_says_changes_nothing(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=NEWS)
    began = time.monotonic()
    with ex3_gone.connect("ana") as ana:
        ana.expect("news 1")
        for number in range(2, 5):
            for message in ("hello", "", "stop", b"\x00\xff"):
                ana.send(message, hint="What a client says must not end the feed.")
            hint = "What a client says is read, and then forgotten. The news goes on."
            ana.expect(f"news {number}", hint=hint)
        last = len(heard(ex3_gone, ana))
        took = time.monotonic() - began  # later than the last of these came
        if took < (last - 1) * NEWS:
            expected = f'text "news 4" {3 * NEWS:g} s after the handshake'
            hint = "What she says cuts a pause short. What is it that ends the waiting?"
            failure = instead_of(expected, ex3_gone, ana, hint)
            failure.got = f'text "news {last}" {took:.2f} s after the handshake'
            raise failure


def test_a_client_that_never_stops_talking_gets_its_news(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=2 * NEWS)
    with ex3_gone.connect("ana") as ana:
        deadline = time.monotonic() + too_late(ex3_gone)
        while time.monotonic() < deadline and len(heard(ex3_gone, ana)) < 4:
            ana.send("and another thing")
            time.sleep(NEWS / 4)
        hint = "While she talks no news comes. Does a text begin the pause anew?"
        came = len(heard(ex3_gone, ana))
        if came < 4:
            raise Failure(
                who="ana",
                sent=f"a text every {NEWS / 4:g} s for {too_late(ex3_gone):g} s",
                got=f"news {came}, and no more",
                expected=f"one piece of news every {2 * NEWS:g} s",
                hint=hint,
                port=ana.port,
                silent=True,
            )
        for number in range(1, 5):
            ana.expect(f"news {number}", hint=hint)


def test_what_the_client_says_is_read(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=LONG)
    with ex3_gone.connect("ana") as ana:
        ana.expect("news 1")
        for text in ("one", "two", "three"):
            ana.send(text)
            # uvicorn reads on when the text before has been received. What came
            # with it has been read by then, so not the first ping tells.
            if not ana.ping(SOON):
                record = ex3_gone.wire.record
                raise Failure(
                    who="ana",
                    sent=f'text "{text}", then a ping',
                    got=f"no pong for {SOON:g} s",
                    expected="a pong: a server that reads",
                    hint="The server reads no more, so it would miss a pong: 1011.",
                    event=record("ana", "in", "missing", mark="expected a pong"),
                    misconception="M22",
                    port=ana.port,
                )
    expect_end(ex3_gone, ana)


# 2.4 idle

IDLE = 1.0  # seconds of silence that are too long
TALK = 1.3  # seconds that a client talks, IDLE and more
PAUSE = 0.1  # seconds between what it says, IDLE and far less


def test_each_text_is_echoed(ex4_idle: Answer) -> None:
    ex4_idle.set(IDLE=LONG)
    with ex4_idle.connect("ana") as ana:
        for text in ("one", "", "three"):
            ana.send(text, hint="Each text is echoed, an empty one too.")
            ana.expect(text, hint="Each text is echoed, an empty one too.")


def test_a_silent_client_is_closed(ex4_idle: Answer) -> None:
    idle = IDLE / 4
    ex4_idle.set(IDLE=idle)
    began = time.monotonic()
    with ex4_idle.connect("ana") as ana:
        expect_idle(ana, "She is silent, and stays. Who looks while nobody talks?")
        expect_so_late(ana, time.monotonic() - began, idle)
        expect_end(ex4_idle, ana)


def expect_idle(client: Client, hint: str) -> None:
    normal = 'The right moment, the wrong words: close with 4000 and "idle".'
    hints = {4000: normal, 1000: normal, 1001: normal, 1008: normal, 1011: normal}
    hints[1006] = "The silence was noticed, and ended in an error, not in a close."
    client.expect_close(4000, "idle", hint=hint, hints=hints)


def expect_so_late(client: Client, silence: float, idle: float) -> None:
    """The silence before the close must have lasted long enough."""
    if silence < idle:
        raise Failure(
            who=client.name,
            sent="nothing more",
            got=f"{name_close(4000, 'idle')} after {silence:.2f} s",
            expected=f"{name_close(4000, 'idle')} after {idle:g} s of silence",
            hint="This is too early. From when on do you count?",
            port=client.port,
        )


def test_a_talking_client_is_not_closed_and_a_silent_one_is(ex4_idle: Answer) -> None:
    ex4_idle.set(IDLE=IDLE)
    hint = f"She says something every {PAUSE:g} s. That is no silence."
    with ex4_idle.connect("bo") as bo, ex4_idle.connect("ana") as ana:
        began = time.monotonic()
        while time.monotonic() < began + TALK:
            ana.send("still here", hint=hint)
            ana.expect("still here", hint=hint)
            time.sleep(PAUSE)
        last = time.monotonic()  # before it is sent: who counts from it is not early
        ana.send("the last word", hint=hint)
        ana.expect("the last word", hint=hint)
        expect_closed_by_now(ex4_idle, bo)
        expect_idle(ana, "She has talked, and fallen silent: close now, as well.")
        expect_so_late(ana, time.monotonic() - last, IDLE)
        expect_end(ex4_idle, ana)


def expect_closed_by_now(answer: Answer, bo: Client) -> None:
    """bo was closed while ana talked, and not when she had fallen silent, too."""
    hint = "ana talks, bo does not. Whose silence do you look at?"
    expect_idle(bo, hint)
    word = next(e for e in answer.wire if e.data == "the last word")
    close = next(e for e in answer.wire if e.client == "bo" and e.kind == "close")
    if close.time > word.time + IDLE / 2:
        answer.wire.mark(close, "expected while ana talked")
        raise Failure(
            who="bo",
            sent="nothing",
            got=f"{name(close)} {close.time:.1f} s after the handshake",
            expected=f"{name(close)} {IDLE:g} s after the handshake",
            hint=hint,
            port=bo.port,
        )


def test_it_ends_when_the_client_leaves_by_itself(ex4_idle: Answer) -> None:
    ex4_idle.set(IDLE=LONG)
    with ex4_idle.connect("ana") as ana:
        ana.send("hello")
        ana.expect("hello")
    expect_end(ex4_idle, ana)


def test_it_ends_when_the_client_vanishes_by_itself(ex4_idle: Answer) -> None:
    ex4_idle.set(IDLE=LONG)
    with ex4_idle.connect("ana") as ana:
        ana.send("hello")
        ana.expect("hello")
        ana.abort()
    expect_end(ex4_idle, ana)
