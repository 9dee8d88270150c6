"""What the exercises of chapter 1 must do.

A parameter named like an exercise is the answer under test: the solution and other
right answers, or, with --mine, the learner's own file.
"""

from workbook.answer import Answer


def test_it_answers_in_capitals(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        ana.send("hello")
        ana.expect(
            "HELLO",
            hint="Every answer is the text in capitals, and nothing else.",
            hints={"hello": "The text came back as it went. Where are its capitals?"},
        )


def test_it_goes_on_after_the_first_answer(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        for text in ("one", "", "Grüße, 2!"):
            ana.send(text)
            ana.expect(
                text.upper(),
                hint="One answer for each text, until the client says `bye`.",
            )


def test_bye_closes_with_1000_and_no_answer(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        ana.send("hello")
        ana.expect("HELLO")
        ana.send("bye")
        ana.expect_close(
            1000,
            hint="On `bye` the server closes, and sends nothing more.",
            hints={"BYE": "`bye` was answered. Look at it before you answer."},
        )


def test_after_bye_the_handler_has_ended(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        ana.send("bye")
        ana.expect_close(1000)
        ex1_shout.expect_end_of(ana, hint="After close() there is nothing left to do.")


def test_only_bye_means_bye(ex1_shout: Answer) -> None:
    with ex1_shout.connect("ana") as ana:
        ana.send("goodbye")
        ana.expect("GOODBYE", hint="Only the whole text `bye` ends the conversation.")
