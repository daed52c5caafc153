"""Examples, batches and losses."""

from __future__ import annotations

import math
import re
from pathlib import Path
from random import Random

import pytest
import torch

from qa.reader.encode import Pair, PairEncoder
from qa.reader.net import WRONG, Scores
from qa.reader.pairs import (
    Asked,
    Read,
    Stated,
    alterations,
    held_out,
)
from qa.reader.plan import Example, collate, examples, grouped, sources
from qa.reader.train import losses_of
from tests.test_pairs import write


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
