"""Figures of an answered question, where its failure lies, and answering as the threshold moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.cable import Citation
from qa.golden import GoldenRow
from qa.result import DOUBT, Answer, Cited, Statement
from qa.retrieve import Hit
from qa.score import abstention_curve, answering, failure, figures_of, summarise, unmet

EVIDENCE = (Citation("09A1", None, "2"), Citation("09A1", None, "3"))
OTHER = Citation("09B2", None, "1")
GOLD = GoldenRow("q", "single", "How many?", (), "41 boats", (), {"r1": EVIDENCE, "r2": (Citation("09C3"),)}, True, {})


def answered(text: str, cited: list[Citation], ranking: list[Citation]) -> Answer:
    return Answer(
        "How many?", "How many?", text, not cited, (Statement(text, (1,), "supported"),) if cited else (),
        tuple(Cited(n, c, None, text, 0, len(text), 0.9) for n, c in enumerate(cited, 1)),
        retrieved=tuple(Hit(c, -float(n)) for n, c in enumerate(ranking)), timings_ms={"total": 12.0},
    )  # fmt: skip


FILLER = [Citation(f"08X{n}") for n in range(6)]


@pytest.mark.parametrize(
    ("answer", "where"),
    [
        (answered("41 boats [1]", [EVIDENCE[1], Citation("09C3")], [*EVIDENCE, Citation("09C3")]), ""),
        (answered("41 boats [1]", [EVIDENCE[0]], [*EVIDENCE]), "not retrieved"),
        (answered("41 boats [1]", [EVIDENCE[0]], [*EVIDENCE, *FILLER, Citation("09C3")]), "ranked low"),
        (answered("", [], [*FILLER, *EVIDENCE, Citation("09C3")]), "ranked low"),
        (answered("", [], [*EVIDENCE, Citation("09C3")]), "wrongly abstained"),
        (answered("40 boats [1]", [EVIDENCE[0], Citation("09C3")], [*EVIDENCE, Citation("09C3")]), "read wrongly"),
        (answered("41 boats [1]", [EVIDENCE[0]], [*EVIDENCE, Citation("09C3")]), "cited wrongly"),
        (answered("41 boats", [EVIDENCE[0], Citation("09C3"), *FILLER[:3]], [*EVIDENCE, Citation("09C3")]), "cited wrongly"),
    ],
)  # fmt: skip
def test_where_a_failure_lies(answer: Answer, where: str) -> None:
    assert failure(GOLD, answer) == where


def test_answering_what_cannot_be_answered_is_a_failure() -> None:
    unanswerable = replace(GOLD, answerable=False, evidence={})

    assert failure(unanswerable, answered("41 [1]", [OTHER], [OTHER])) == "wrongly answered"
    assert failure(unanswerable, answered("", [], [OTHER])) == ""
    assert figures_of(unanswerable, answered("", [], [OTHER])) == {"abstention": 1.0, "ms": 12.0}


def test_figures_of_a_question() -> None:
    figures = figures_of(GOLD, answered("41 boats [1]", [EVIDENCE[0], OTHER], [OTHER, *EVIDENCE]))

    assert {name: round(value, 3) for name, value in figures.items() if name in (
        "answer_match", "token_f1", "citation_precision", "citation_recall", "supported", "false_abstention", "success@1",
        "completeness@5", "MRR", "cable_citation_recall", "cable_MRR", "ms")} == {
        "answer_match": 1.0, "token_f1": 1.0, "citation_precision": 0.5, "citation_recall": 0.5, "supported": 1.0,
        "false_abstention": 0.0, "success@1": 0.0, "completeness@5": 0.0, "MRR": 0.5, "cable_citation_recall": 0.5,
        "cable_MRR": 0.5, "ms": 12.0,
    }  # fmt: skip
    # the number of a citation is no figure of the answer
    assert figures_of(replace(GOLD, answer="1"), answered("Some boats [1]", [OTHER], []))["answer_match"] == 0.0
    assert "answer_match" not in figures_of(replace(GOLD, answer=""), answered("41 [1]", [OTHER], []))


def test_whether_an_answer_that_may_be_wrong_says_so() -> None:
    def doubt(row: GoldenRow, answer: Answer) -> dict[str, float]:
        return {name: value for name, value in figures_of(row, answer).items() if "doubt" in name}

    right, wrong = (answered(f"{n} boats [1]", [EVIDENCE[0]], [*EVIDENCE]) for n in (41, 40))
    unanswerable = replace(GOLD, answerable=False, evidence={})

    assert (doubt(GOLD, right), doubt(GOLD, replace(right, note=DOUBT))) == ({"false_doubt": 0.0}, {"false_doubt": 1.0})
    assert (doubt(GOLD, wrong), doubt(GOLD, replace(wrong, note=DOUBT))) == ({"doubt": 0.0}, {"doubt": 1.0})
    assert doubt(unanswerable, replace(right, note=f"{DOUBT} More.")) == {"doubt": 1.0}
    without = replace(GOLD, answer="")
    assert doubt(without, answered("41 [1]", [EVIDENCE[0]], [*EVIDENCE])) == {"doubt": 0.0}
    assert doubt(without, answered("41 [1]", [EVIDENCE[0], Citation("09C3")], [*EVIDENCE])) == {"false_doubt": 0.0}
    assert unmet(summarise([{"type": "single", "figures": {"MRR": 1.0}, "timings_ms": {}}]), ["doubt>=0.5"]) == []
    assert doubt(GOLD, answered("", [], [*EVIDENCE])) == doubt(unanswerable, answered("", [], [])) == {}


def test_answering_as_the_threshold_moves() -> None:
    records = [
        {"confidence": c, "golden": {"answerable": answerable}, "abstained": c < 0.3}
        for c, answerable in ((0.9, True), (0.7, False), (0.5, True), (0.2, True), (0.1, False))
    ]

    assert abstention_curve(records) == [
        (0.9, 1.0, 1 / 3), (0.7, 1 / 2, 1 / 3), (0.5, 2 / 3, 2 / 3), (0.2, 3 / 4, 1.0), (0.1, 3 / 5, 1.0),
    ]  # fmt: skip
    assert answering(records) == (2 / 3, 2 / 3)
    assert abstention_curve(records[:1]) == []
