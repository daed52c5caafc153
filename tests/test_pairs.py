"""What the reader is trained on: tiny files in, questions with their passages out; then examples, batches and losses."""

from __future__ import annotations

import gzip
import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from qa.reader.agree import agrees
from qa.reader.encode import Pair, PairEncoder
from qa.reader.net import WRONG, Scores
from qa.reader.pairs import (
    Asked,
    Read,
    Stated,
    alterations,
    cable_questions,
    copies,
    held_out,
    passage_questions,
    public_questions,
    sample,
)
from qa.reader.plan import Example, collate, examples, grouped, sources
from qa.reader.train import losses_of

ROOT = Path(__file__).parent.parent


def write(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    text = "\n".join(map(json.dumps, rows)) + "\n"
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


# --- the three sources ---------------------------------------------------------------------------------------


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
    assert cable_questions(tmp_path) == [Asked(row["question"], tuple(expected), "x-01", paired=True)]


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


# --- agreement -----------------------------------------------------------------------------------------------


def said(*answers: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"paragraph": paragraph, "span": span} for paragraph, span in answers]


@pytest.mark.parametrize(
    ("key", "second", "expected"),
    [
        ([], [], True),
        ([], said(("1", "Halbek")), False),
        (said(("1", "Halbek")), [], False),
        (said(("1", "Halbek")), said(("1", "Joren Halbek, who")), True),
        (said(("1", "Halbek")), said(("2", "Halbek")), False),
        (said(("1", "Halbek")), said(("1", "Varga")), False),
        (said(("1", "two new cranes")), said(("1", "Two (cranes).")), True),
        (said(("1", "two new cranes")), said(("1", "the old crane, the new one")), False),
        (said(("1", "Halbek"), ("4", "41 tons")), said(("2", "Varga"), ("4", "41")), True),
        (said(("1", "Halbek")), said(("1", "")), False),
    ],
)
def test_agreement(key: list[dict[str, Any]], second: list[dict[str, Any]], expected: bool) -> None:
    assert agrees(key, second) is expected


def test_agreement_over_two_cables() -> None:
    key = [*said(("1", "Halbek")), {"cable": "x-01b", "paragraph": "1", "span": "Varga"}]
    other = {"cable": "x-01b", "paragraph": "1", "span": "Mr. Varga"}
    named = {"cable": "x-01a", "paragraph": "1", "span": "Halbek"}

    assert agrees(key, [named, other], "x-01a")
    assert not agrees(key, [named], "x-01a")
    assert not agrees(key, [named, {**other, "cable": "x-01c"}], "x-01a")


def test_questions_on_which_two_readers_agree_are_kept(tmp_path: Path) -> None:
    cross = {"question": "c?", "answers": [{"cable": "x-02", "paragraph": "1", "span": "a"}]}
    again = {"question": "e?", "answers": [{"cable": "x-02", "paragraph": "1", "span": "a"}]}
    questions = [
        {"question": "a?", "answers": said(("1", "Halbek"))},
        {"question": "b?", "answers": []},
        cross,
        {"question": "d?", "answers": []},
        again,
    ]
    write(tmp_path / "written.jsonl", [{"id": "x-01", "questions": questions}])
    answers = [said(("2", "he"), ("1", "Halbek")), said(("1", "Halbek")), None, []]
    answers.append([*again["answers"], {"cable": "x-02", "paragraph": "7", "span": "b"}])
    write(
        tmp_path / "answers.jsonl",
        [{"id": f"x-01-q0{n}", "answers": own} for n, own in enumerate(answers) if own is not None],
    )
    paths = [str(tmp_path / name) for name in ("written.jsonl", "answers.jsonl", "out.jsonl")]
    done = subprocess.run(
        [sys.executable, "-m", "qa.reader.agree", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "out.jsonl: 3 of 4 questions kept (75.0%)\n"
    assert json.loads((tmp_path / "out.jsonl").read_text()) == {
        "id": "x-01", "questions": [
            questions[0] | {"unsure": ["2"]}, cross, questions[3] | {"unsure": []}, again | {"unsure": ["x-02 7"]},
        ],
    }  # fmt: skip


# --- drawing -------------------------------------------------------------------------------------------------


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


# --- examples, batches, losses -------------------------------------------------------------------------------


def test_examples_mark_the_tokens_of_the_answers(encode: PairEncoder) -> None:
    """[CLS] herring quota ##s | Catches rose to 2 , 87 1 tons . [SEP] how much ? [SEP]: `2` is token 7."""
    context, text = "HERRING QUOTAS", "Catches rose to 2,871 tons."
    cut = Read(context, "fish " * 400 + "2,871 tons", ((2000, 2010),))
    passages = (
        Read(context, text, ((0, 12), (16, 26))),
        cut,
        Read(context, text, ()),
        Read(context, text, ((17, 18),)),
    )
    (pair,) = encode("How much?", [(context, text)])

    assert examples(Asked("How much?", passages, "x"), encode) == [
        Example(pair, (4, 7), (5, 11), True),
        Example(pair, (0,), (0,), False),
        Example(pair, (8,), (8,), True),
    ]


def example(tokens: int, starts: tuple[int, ...] = (0,), ends: tuple[int, ...] = (0,)) -> Example:
    return Example(Pair((0,) * tokens, (), ()), starts, ends, starts != (0,))


def test_batches_lose_nothing_and_never_part_a_question() -> None:
    rng = Random(1)
    groups = [[example(rng.randint(10, 320)) for _ in range(rng.randint(1, 20))] for _ in range(600)]
    found = grouped(groups, 4400)

    assert sorted(id(group) for each in found for group in each) == sorted(map(id, groups))
    for each in found:
        rows = [one for group in each for one in group]
        assert each
        assert len(each) == 1 or len(rows) * max(len(one.pair.ids) for one in rows) <= 4400
    assert grouped([], 4400) == []


def test_a_batch_of_questions_and_statements() -> None:
    stated = Example(Pair((101, 9, 102, 7, 8, 102), ((0, 1),), ((0, 1), (2, 3))), label=3, wrong=(4,))
    found = collate([[example(5, (2, 3), (4,)), example(5)], [stated]])

    assert found.starts.tolist() == [[False, False, True, True, False, False], [True] + [False] * 5, [False] * 6]
    assert found.ends.tolist() == [[False] * 4 + [True, False], [True] + [False] * 5, [False] * 6]
    assert (found.answers.tolist(), found.label.tolist(), found.group.tolist()) == (
        [True, False, False], [-1, -1, 3], [0, 0, 1],
    )  # fmt: skip
    assert found.wrong.tolist() == [[-1] * 6, [-1] * 6, [-1, -1, -1, 0, 1, -1]]
    assert (found.ids[2].tolist(), found.types[2].tolist(), found.mask[0].tolist()) == (
        [101, 9, 102, 7, 8, 102], [False] + [True] * 2 + [False] * 3, [True] * 5 + [False],
    )  # fmt: skip


def scores(relevance: list[float], answers: list[float], tokens: int) -> Scores:
    zeros = torch.zeros(len(answers), tokens)
    return Scores(torch.tensor(relevance), torch.tensor(answers), zeros, zeros, torch.zeros(len(answers), 4), zeros)


def test_the_losses_by_hand() -> None:
    """Four tokens with the same logit, 1/4 each: two right beginnings of four lose log 2, one lone right token log 4.

    Beginnings (log 2 + log 4) / 2, ends log 4, and their mean. Probabilities 3/4 where there is an answer, 1/2 where none.
    The second question has no answer, and so nothing to rank.
    """
    groups = [[example(4, (1, 2), (3,))], [example(4)]]
    found = losses_of(scores([0.0, 0.0], [math.log(3), 0.0], 4), collate([[groups[0][0], example(4)]]))
    expected = {
        "span": ((math.log(2) + math.log(4)) / 2 + math.log(4)) / 2,
        "answers": (math.log(4 / 3) + math.log(2)) / 2,
        "relevance": math.log(2),
        "support": 0.0,
        "wrong": 0.0,
    }
    assert found == {name: pytest.approx(value) for name, value in expected.items()}
    assert losses_of(scores([9.0, 0.0], [math.log(3), 0.0], 4), collate(groups))["relevance"] == 0

    ranked = [[example(4), example(4, (1,), (1,)), example(4, (1,), (1,))], [example(4), example(4)]]
    found = losses_of(scores([0.0, math.log(2), 0.0, 5.0, 7.0], [0.0] * 5, 4), collate(ranked))
    assert found["relevance"].item() == pytest.approx(math.log(4 / 3))  # 1, 2 and 1 of 4: three are right


def test_a_wrong_token_weighs_more_than_one_that_is_borne_out() -> None:
    """A statement of two tokens, both at even odds, the second wrong: log 2 once, and four times. Unknown ones cost nothing."""
    pair = Pair((0,) * 5, (), ((0, 2), (2, 4)))
    known, unknown = Example(pair, label=3, wrong=(3,)), Example(pair, label=3)
    zeros = torch.zeros(2, 5)
    given = Scores(torch.zeros(2), torch.zeros(2), zeros, zeros, torch.zeros(2, 4), zeros)
    found = losses_of(given, collate([[known], [unknown]]))

    assert found["wrong"].item() == pytest.approx((1 + WRONG) * math.log(2) / 2)
    assert found["support"].item() == pytest.approx(math.log(4))


def test_a_false_statement_marks_the_tokens_that_were_changed(encode: PairEncoder) -> None:
    read = Read("", "The port was closed in 2009.", ())
    (example_,) = examples(Stated("It was closed in 2008.", read, "contradicted", "x", ((17, 21),)), encode)
    (pair,) = encode("It was closed in 2008.", [("", read.text)])

    assert example_ == Example(pair, label=3, wrong=(pair.asked_at + 4,))
    assert examples(Stated("It was closed.", read, "unsupported", "x"), encode)[0].wrong is None
    assert examples(Stated("It was closed.", read, "supported", "x", ()), encode)[0].wrong == ()


def test_sentences_are_altered_anew_with_each_draw() -> None:
    read = Read("", "The port of Elsby was not closed in 2009 by the Harbor Board. It was quiet.", ())
    stated = [
        Stated("Elsby's port was not closed in 2009.", read, label, "x", None) for label in ("supported", "partly")
    ]
    drawn = [one for seed in range(40) for one in alterations(stated, [("x", read)], Random(seed))]

    assert {one.label for one in drawn} == {"supported", "contradicted"}
    assert all((one.wrong == ()) == (one.label == "supported") for one in drawn)
    assert all(one.statement in read.text for one in drawn if one.label == "supported")
    assert len({one.statement for one in drawn}) > 8


def test_what_is_held_out_is_not_among_the_sources(tmp_path: Path) -> None:
    names = [f"p{n}" for n in range(30)]
    for folder in ("reader", "support", "cables", "written"):
        (tmp_path / folder).mkdir()
    reader = tmp_path / "reader"
    write(
        reader / "passages.jsonl",
        [{"id": name, "passage": f"The port {name} was not closed in 2009."} for name in names],
    )
    question = {"question": "When was it closed?", "answerable": True, "start": -1, "answer": "2009"}
    rows = [question | {"passage_id": name, "start": len(f"The port {name} was not closed in ")} for name in names]
    write(reader / "questions.jsonl", rows)
    kept = {name for name in names if not held_out(name)}
    write(
        tmp_path / "written" / "questions.jsonl", [{"passage_id": min(kept), "question": "Who?", "answerable": False}]
    )
    stated = [
        {"passage_id": name, "statement": f"{name} stayed open.", "label": "supported", "kind": ""} for name in names
    ]
    write(tmp_path / "support" / "statements.jsonl", stated)

    found = sources(tmp_path, tmp_path / "cables", tmp_path / "written")

    assert {one.group for one in found.own} == {one.group for one in found.stated} == kept
    assert {name for _, read in found.passages for name in re.findall(r"p\d+", read.text)} == kept
    assert {one.question for one in found.own} == {"When was it closed?", "Who?"}
