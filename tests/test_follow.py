"""Questions that lean on those before them: how they are made to stand alone, and what they bring new."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from qa.answer import CableQA
from qa.follow import is_joined, standalone, standing
from qa.fresh import fresh
from qa.named import Named
from qa.question import read_question
from qa.read import Reading
from qa.result import Turn

NURSES = ("How many nurses did Maravel have at the end of 2009?", "Maravel had 5,120 nurses at the end of 2009. [1]")


def test_follow_ups_lean_on_the_turn_before_and_others_do_not() -> None:
    history = [("Who runs the port?", "Jorin Halbek.")]

    assert standalone("And since when?", history) == "And since when? (Who runs the port? Jorin Halbek.)"
    for leaning in (
        "How long has he run it?", "Why?", "Did Kestrin answer her?", "What penalty was its owner likely to face?",
        "Which of them would be for freight?", "At what sum was the damage to that place put?", "How about the year before?", "And the Kestrin Bank?", "In which year?", "What penalty?", "When did Halbek resign?",
    ):  # fmt: skip
        assert standalone(leaning, history) == f"{leaning} (Who runs the port? Jorin Halbek.)"
        assert is_joined(standalone(leaning, history))
    for alone in (
        "Which towns were there on the list of ports closed in 2008?", "What did Minister Kestrin say about his deputy in March?",
        "Which firm runs the mine that was flooded in November 2009?", "Who heads the Kestrin Bank?", "What did NATO say?",
        "What is the herring quota?", "Who won the election?", "Why did the lecturers strike?", "Why was Stonebeck stopped?",
        "Is it true that the Coral Sanna sank?", "Who runs the port?",
    ):  # fmt: skip
        assert standalone(alone, history) == alone
        assert not is_joined(alone)
        assert not is_joined(f"{alone.rstrip('?')} (in 2009)?")
        assert not is_joined(f"{alone.rstrip('?')} (in 2009)")
    assert standalone("How many herring may Maravel catch?", history) == "How many herring may Maravel catch?"
    assert standalone("  Who  runs it? ", []) == "Who runs it?"
    assert standalone("  ", history) == ""


def test_another_cable_is_asked_what_was_asked_before() -> None:
    history = [("Who signed 09TARN14?", "OKAFOR"), ("And when was it sent?", "2009-03-02")]

    assert standalone("What about 08TARN3?", history[:1]) == "Who signed 08TARN3?"
    assert standalone("And in 08TARN3?", history) == "And when was it sent in 08TARN3?"
    assert read_question("What about 08TARN3?", history[:1]).fields == ("Signature",)
    assert read_question("And how is it classified?", history).named == (Named("09TARN14"),)
    assert read_question("And how is it classified?", [*history, ("Who won the election?", "Vask.")]).named == ()


@pytest.mark.parametrize(
    ("question", "turn", "expected"),
    [
        ("and in 2007?", ("How many came in 2009?", "Nine. [1]"), "How many came in 2007?"),
        ("And the year before?", ("How many came in 2009?", "Nine."), "And the year before, 2008? (How many came in 2009? Nine.)"),
        ("what about the following year?", ("How many came?", "Nine came in 2009. [1]"), "what about the following year, 2010? (How many came? Nine came in 2009.)"),
        ("and in 2007?", ("How many came in early 2009?", "Nine."), "and in 2007? (How many came in early 2009? Nine.)"),
        ("and the year before?", ("How many came?", "Nine [2]."), "and the year before? (How many came? Nine.)"),
        ("and women the year before?", ("How many came in 2009?", "Nine."), "and women the year before, 2008? (How many came in 2009? Nine.)"),
        ("and in 2007?", ("How many houses of the 1998 treaty were built?", "Nine."), "and in 2007? (How many houses of the 1998 treaty were built? Nine.)"),
        ("and the year before?", ("How many came?", "1,900 men, 1850 of them in cells."), "and the year before? (How many came? 1,900 men, 1850 of them in cells.)"),
        ("And the year before that one?", ("How many came in 2009 and 2008?", "9."), "And the year before that one? (How many came in 2009 and 2008? 9.)"),
    ],
)  # fmt: skip
def test_another_year_is_asked_what_was_asked_before(question: str, turn: tuple[str, str], expected: str) -> None:
    assert standalone(question, [turn]) == expected


def test_one_year_after_another_is_asked_the_same() -> None:
    history = [
        ("How large is the herring quota for 2009?", "48,700 tons"),
        ("And in 2008?", "52,300 tons"),
        ("2007?", ""),
    ]

    assert standalone("2007?", history[:2]) == "How large is the herring quota for 2007?"
    assert standalone("And in 2010?", history) == "How large is the herring quota for 2010?"
    assert (
        standalone("What happened the year before the ferry sank?", history)
        == "What happened the year before the ferry sank?"
    )
    assert standing("And In 2008?", history[:2]).text == "How large is the herring quota for 2008?"
    assert (
        standalone("how large is the herring quota for 2009?", history[:1])
        == "how large is the herring quota for 2009?"
    )


def test_long_questions_are_read_in_linear_time() -> None:
    began = time.perf_counter()
    for text in ("? " * 3000 + "x", "!" * 3000, "and " * 3000, "the year before " * 1000):
        standing(text, [("How large is it?", "41")])

    assert time.perf_counter() - began < 2


def test_a_question_that_stood_alone_is_read_without_the_one_before_it() -> None:
    port, herring = ("Who runs the port?", "Jorin Halbek."), ("How many tons of herring were landed?", "")

    assert standalone("and cod?", [port, herring]) == "and cod? (How many tons of herring were landed?)"
    assert (
        standalone("and cod?", [port, ("And of herring?", "")])
        == "and cod? (Who runs the port? And of herring? Jorin Halbek.)"
    )


def test_an_answer_is_read_without_its_markers_and_cut_between_words() -> None:
    answer = "The minister opened the old harbour once more [1][2]. " * 8

    text = standalone("Why?", [("Who came?", answer)])

    assert "[" not in text
    assert text.endswith(" harbour)") or text.removesuffix(")").split()[-1] in answer.split()


def test_what_a_few_words_ask_the_same_of() -> None:
    for question, swaps in (
        ("And doctors?", True), ("what about the other ferry?", True), ("and herring there in 2007?", True), ("and who paid?", False),
        ("why?", False), ("And did she reply?", False), ("and the men of the second boat that had left the harbour by night?", False),
    ):  # fmt: skip
        assert bool(standing(question, [NURSES]).swaps) == swaps
        assert bool(read_question(question, [NURSES]).swaps) == swaps
    assert read_question("And the May cable?", [NURSES]).swaps == ""
    assert read_question("How many beds?", []).leans is None


def test_a_quote_that_repeats_the_answer_before_is_no_answer(sample_qa: CableQA) -> None:
    citation = Turn(*NURSES).citations or next(
        hit.citation for hit in sample_qa.search("How many nurses did Maravel have at the end of 2009?", 1)
    )
    text = sample_qa.store.paragraph(citation).text
    start = text.index("Maravel had 5,120 nurses")
    end = text.index(". ", start) + 1
    reading = Reading(citation, start, end, 0.9, start, start + 12)
    turn = (NURSES[0], text[start:end] + " [1]")

    counted = read_question("And who counted them?", [turn])
    assert fresh([replace(reading, words_end=end)], counted, sample_qa.store) == []  # the whole sentence once more
    assert fresh([reading], counted, sample_qa.store) == [reading]  # other words of it
    short = read_question("And who counted them?", [(NURSES[0], text[start : start + 12])])
    assert fresh([reading], short, sample_qa.store, text[start:end]) == []  # the same words
    assert fresh([reading], read_question("And in 2007?", [turn]), sample_qa.store)[0].words_start is None
    assert fresh([reading], read_question("And midwives?", [turn]), sample_qa.store) == []
    assert fresh([reading], read_question("How many nurses had Sundmark?"), sample_qa.store) == [reading]
    assert fresh([reading], read_question("And in 2007?", [NURSES]), sample_qa.store) == [reading]


def test_a_follow_up_on_what_no_cable_has_is_not_answered_with_the_answer_before(sample_qa: CableQA) -> None:
    asked = sample_qa.answer(NURSES[0])
    assert not asked.abstained

    midwives = sample_qa.answer("And midwives?", [asked.turn])

    assert midwives.abstained
    assert "does not mention 'midwives'" in midwives.answer
    for history in ([asked.turn], [asked.turn, midwives.turn]):
        doctors = sample_qa.answer("And doctors?", history)
        assert "1,702" in doctors.answer
    before = sample_qa.answer("And the year before?", [asked.turn])
    assert before.rewritten_question.startswith("And the year before, 2008? (")
    assert "5,340" in before.answer


def test_what_was_quoted_before_may_answer_what_is_asked_now(sample_qa: CableQA) -> None:
    asked = "Who presented the report on the ferry Coral Vesna?"
    answer = sample_qa.answer(asked)
    assert "Benedikt Aune" in answer.answer

    when = sample_qa.answer("When was it?", [Turn(asked, answer.answer)])
    assert "August 6" in when.answer
    assert not when.abstained


def test_of_two_ferries_the_one_that_is_asked_about_is_quoted(sample_qa: CableQA) -> None:
    found = sample_qa.answer("At what depth does the wreck of the Coral Vesna lie?")

    assert {str(one.citation) for one in found.citations} == {"09PORTSELWYN524 ¶9"}
    assert "different figures" not in found.answer
