"""Questions and statements to train on: the sources, and what is drawn of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from qa.reader.pairs import (
    Asked,
    Read,
    cable_questions,
    copies,
    held_out,
    passage_questions,
    public_questions,
    sample,
)


def write(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    text = "\n".join(map(json.dumps, rows)) + "\n"
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


def test_about_a_fifth_is_held_out_by_the_id_alone() -> None:
    ids = [f"p{n}" for n in range(10_000)]
    once = [held_out(name) for name in ids]

    assert 1900 < sum(once) < 2100
    assert [held_out(name) for name in reversed(ids)] == once[::-1]


def test_a_passage_and_the_nearest_of_its_side(tmp_path: Path) -> None:
    own, second, third, other = [name for name in map(str, range(40)) if not held_out(name)][:4]
    away = next(name for name in map(str, range(40)) if held_out(name))
    texts = {
        away: "By how much did the herring quotas rise?",
        other: "The mayor left.",
        third: "Quotas for cod were cut.",
        second: "Herring quotas fell in Tarn.",
        own: "Herring quotas rose by 12 tons.",
    }
    write(tmp_path / "passages.jsonl", [{"id": name, "passage": text} for name, text in texts.items()])
    write(
        tmp_path / "questions.jsonl",
        [
            {"passage_id": own, "question": "By how much did herring quotas rise?", "answerable": True, "start": 23, "answer": "12 tons"},
            {"passage_id": own, "question": "Who set the herring quotas?", "answerable": False},
        ],
    )  # fmt: skip
    near = (Read("", texts[second], ()), Read("", texts[third], ()))

    assert passage_questions(tmp_path, nearest=2) == [
        Asked("By how much did herring quotas rise?", (Read("", texts[own], ((23, 30),)), *near), own),
        Asked("Who set the herring quotas?", (Read("", texts[own], ()), *near), own),
    ]


def test_public_questions_and_paragraphs_that_lack_the_answer(tmp_path: Path) -> None:
    paris, city, seine, rome = (
        "Paris is the capital of France.", "The capital has a river.", "The Seine flows through Paris.", "Rome is the capital of Italy.",
    )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"title": "Paris", "context": paris, "question": "What is the capital of France?",
         "answers": [{"text": "Paris", "answer_start": 0}, {"text": "Paris", "answer_start": 0}]},
        {"title": "Paris", "context": city, "question": "How long is the river of the capital?", "answers": []},
        {"title": "Paris", "context": seine, "question": "What flows through Paris?",
         "answers": [{"text": "The Seine", "answer_start": 0}, {"text": "Seine", "answer_start": 4}]},
        {"title": "Rome", "context": rome, "question": "What is Rome?",
         "answers": [{"text": "the capital of Italy", "answer_start": 8}]},
    ]  # fmt: skip
    write(tmp_path / "a.jsonl.gz", rows)

    assert public_questions([tmp_path / "a.jsonl.gz"], nearest=1) == [
        Asked(rows[0]["question"], (Read("", paris, ((0, 5),)), Read("", city, ())), "Paris"),
        Asked(rows[1]["question"], (Read("", city, ()), Read("", paris, ())), "Paris"),
        Asked(rows[2]["question"], (Read("", seine, ((0, 9), (4, 9))), Read("", paris, ())), "Paris"),
        Asked(rows[3]["question"], (Read("", rome, ((8, 28),)),), "Rome"),
    ]


TEXTS = {
    "x-01a": {"1": "The port has a new head.", "2": "Halbek runs the port.", "3": "Halbek left the navy.", "4": "Ships waited."},
    "x-01b": {"1": "Varga follows Halbek.", "2": "Ice closed the bay."},
}  # fmt: skip
SUBJECTS = {"x-01a": "PORT", "x-01b": "PORT AGAIN"}


def read(cable: str, paragraph: str, *spans: tuple[int, int]) -> Read:
    heading = "\nSUMMARY" if paragraph == "1" else ""
    return Read(
        f"Embassy Tarn 2009-03-0{1 + (cable[-1] == 'b')}\n{SUBJECTS[cable]}{heading}", TEXTS[cable][paragraph], spans
    )


def write_cables(folder: Path, questions: Sequence[dict[str, Any]], followups: Sequence[dict[str, Any]] = ()) -> None:
    rows = [
        {
            "id": name, "subject": SUBJECTS[name], "date": f"2009-03-0{n}", "post": "Embassy Tarn",
            "paragraphs": [
                {"paragraph": number, "heading": "SUMMARY" if number == "1" else None, "text": text}
                for number, text in paragraphs.items()
            ],
            "questions": questions if n == 1 else [],
        }
        for n, (name, paragraphs) in enumerate(TEXTS.items(), 1)
    ]  # fmt: skip
    write(folder / "x.jsonl", rows)
    write(folder / "followups.jsonl", followups)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            {"question": "Who runs the port?", "answers": [{"paragraph": "2", "span": "Halbek"}], "tempting": ["4", "3"]},
            [read("x-01a", "2", (0, 6)), read("x-01a", "4"), read("x-01a", "3"), read("x-01a", "1")],
            id="the key, the traps as named, the rest",
        ),
        pytest.param(
            {"question": "Who paid for the ships?", "answers": [], "tempting": ["2"]},
            [read("x-01a", "2"), read("x-01a", "4"), read("x-01a", "1"), read("x-01a", "3")],
            id="no answer: the traps, then by words shared",
        ),
        pytest.param(
            {"question": "Who runs the port?", "answers": [{"paragraph": "2", "span": "Halbek"}], "tempting": ["3", "4"], "unsure": ["1", "4"]},
            [read("x-01a", "2", (0, 6)), read("x-01a", "3")],
            id="those of which the readers were not sure are left out, traps too",
        ),
        pytest.param(
            {"question": "What did Halbek do?", "answers": [{"paragraph": "3", "span": "left the navy"}, {"paragraph": "2", "span": "Halbek"}, {"paragraph": "2", "span": "runs the port"}]},
            [read("x-01a", "3", (7, 20)), read("x-01a", "2", (0, 6), (7, 20)), read("x-01a", "1"), read("x-01a", "4")],
            id="answers in two paragraphs, two in one of them",
        ),
        pytest.param(
            {"question": "Who runs the port, and who follows?", "answers": [{"cable": "x-01a", "paragraph": "2", "span": "Halbek"}, {"cable": "x-01b", "paragraph": "1", "span": "Varga"}]},
            [read("x-01a", "2", (0, 6)), read("x-01b", "1", (0, 5)), read("x-01a", "1"), read("x-01a", "3"), read("x-01a", "4"), read("x-01b", "2")],
            id="a cross question has the paragraphs of both cables",
        ),
        pytest.param(
            {"question": "Who runs the port?", "answers": [{"cable": "x-01b", "paragraph": "1", "span": "Varga"}], "unsure": ["2", "x-01b 2"]},
            [read("x-01b", "1", (0, 5)), read("x-01a", "1"), read("x-01a", "3"), read("x-01a", "4")],
            id="nor has it those of the other cable of which the readers were not sure",
        ),
    ],
)  # fmt: skip
def test_a_question_over_its_cable(tmp_path: Path, row: dict[str, Any], expected: list[Read]) -> None:
    write_cables(tmp_path, [row])
    assert cable_questions(tmp_path) == [Asked(row["question"], tuple(expected), "x-01")]


def test_a_follow_up_is_joined_to_its_history(tmp_path: Path) -> None:
    turn = {"question": "Who runs the port?", "answer": "Halbek."}
    answers = [{"paragraph": "3", "span": "the navy"}]
    followups = [
        {"cable": "x-01a", "history": [turn], "question": "What did he leave?", "answers": answers, "tempting": ["4"]},
        {"cable": "x-01a", "history": [turn], "question": "Which armed service did Halbek leave?", "answers": answers},
    ]
    write_cables(tmp_path, [], followups)

    assert [(one.question, one.passages[:2], len(one.passages)) for one in cable_questions(tmp_path)] == [
        ("What did he leave? (Who runs the port? Halbek.)", (read("x-01a", "3", (12, 20)), read("x-01a", "4")), 4),
        ("Which armed service did Halbek leave?", (read("x-01a", "3", (12, 20)), read("x-01a", "2")), 4),
    ]


def asked(answering: int, others: int) -> Asked:
    """Passages that answer, `a0`, `a1`, ..., then others, `b0`, `b1`, ..., the hardest first."""
    reads = [Read("", f"a{n}", ((0, 1),)) for n in range(answering)] + [Read("", f"b{n}", ()) for n in range(others)]
    return Asked("q?", tuple(reads), "x")


def drawn(one: Asked, seed: int, most: int, easy: float) -> list[str]:
    (found,) = sample([one], Random(seed), most, easy)
    assert (found.question, found.group) == ("q?", "x")
    return [read.text for read in found.passages]


def test_passages_that_answer_are_always_drawn_and_the_hardest_where_none_does() -> None:
    for seed in range(200):
        answered, silent = drawn(asked(2, 9), seed, 3, 0.0), drawn(asked(0, 9), seed, 3, 0.0)
        assert (answered[:2], len(answered), silent[:1], len(silent)) == (["a0", "a1"], 5, ["b0"], 3)
        assert set(answered[2:]) < {"b0", "b1", "b2", "b3"}
        assert set(silent[1:]) < {"b1", "b2", "b3", "b4"}


def test_where_no_hard_passage_is_wanted_the_hardest_is_still_drawn_at_times() -> None:
    assert {name for seed in range(99) for name in drawn(asked(1, 2), seed, 0, 0.5)} == {"a0", "b0", "b1"}


def test_passages_that_repeat_what_is_held_out_are_found() -> None:
    away = next(name for name in map(str, range(40)) if held_out(name))
    own, other = [name for name in map(str, range(40)) if not held_out(name)][:2]
    run = "the port of Elsby was closed for two days by ice and by fog"
    assert copies(
        [(away, f"In May {run}."), (own, f"They say {run.upper()}!"), (other, run.replace("two", "ten"))]
    ) == {own}


def test_an_easy_passage_is_drawn_as_often_as_is_said() -> None:
    lengths = [len(drawn(asked(1, 9), seed, 2, 0.3)) for seed in range(400)]
    assert set(lengths) == {3, 4}
    assert 90 < lengths.count(4) < 150
    assert drawn(asked(1, 9), 0, 2, 1.0)[3] in {"b3", "b4", "b5", "b6", "b7", "b8"}


def test_the_same_seed_draws_the_same() -> None:
    many = [asked(n % 3, 4 + n) for n in range(20)]
    assert sample(many, Random(7), 3) == sample(many, Random(7), 3) != sample(many, Random(8), 3)
    assert drawn(asked(1, 0), 0, 3, 1.0) == ["a0"]
    assert drawn(asked(0, 1), 0, 3, 1.0) == ["b0"]
