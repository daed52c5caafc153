"""Statements made false for training: one change, where it says it is."""

from __future__ import annotations

import random

import pytest

from qa.reader import alter
from qa.reader.alter import Altered, altered, exchanged, turned

PASSAGE = (
    "In March 2009 Minister Ilse Roake told Governor Vask that the Port of Elsby had not closed before the flood. "
    "The Harbor Board counted 214 cars and 1,500 crates in 1988, more than in 1985."
)
SENTENCE = "Minister Ilse Roake told Governor Vask in March 2009 that the port had not closed before the flood."


def test_what_is_marked_is_what_was_changed() -> None:
    rng = random.Random(0)
    for _ in range(200):
        made = altered(SENTENCE, PASSAGE, rng)
        assert made is not None
        assert made.text != SENTENCE
        kept, at = "", 0
        for start, end in made.changed:
            kept, at = kept + made.text[at:start] + "\0", end
        for part in (kept + made.text[at:]).split("\0"):
            assert part in SENTENCE


@pytest.mark.parametrize(
    ("kind", "sentence", "possible"),
    [
        ("_negation", "The port had not closed.", {"The port had closed."}),
        ("_negation", "The port was closed.", {"The port was not closed.", "The port was never closed."}),
        ("_opposite", "It closed before the flood.", {"It closed after the flood.", "It opened before the flood."}),
        ("_swap", "Then Ilse Roake fined Governor Vask.", {"Then Governor Vask fined Ilse Roake."}),
        (
            "_name",
            "Then Ilse Roake left.",
            {f"Then {name} left." for name in ("Governor Vask", "Harbor Board", "Port of Elsby")},
        ),
    ],
)
def test_each_kind_of_change(kind: str, sentence: str, possible: set[str]) -> None:
    made = {
        alter._apply(sentence, changes).text
        for seed in range(60)
        if (changes := getattr(alter, kind)(sentence, PASSAGE, random.Random(seed)))
    }
    assert made
    assert made <= possible


def test_a_figure_turns_into_another_of_its_kind() -> None:
    for seed in range(60):
        changes = alter._figure("In 1988 there were 214.", PASSAGE, random.Random(seed))
        ((start, end, new),) = changes
        old = "In 1988 there were 214."[start:end]
        assert new != old
        assert new.isdigit()
        assert len(new) == len(old)


def test_a_sentence_with_nothing_to_change_is_left() -> None:
    assert altered("they talked again", PASSAGE, random.Random(0)) is None
    assert alter._apply("abc", [(1, 2, "xyz")]) == Altered("axyzc", ((1, 4),))


@pytest.mark.parametrize(
    ("true", "false", "expected"),
    [
        ("Roake refused to sign.", "Roake agreed to sign.", ["agreed"]),
        ("Roake did not sign the treaty.", "Roake did sign the treaty.", ["sign"]),
        ("Roake wrote to Vask.", "Vask wrote to Roake.", ["Vask", "Roake."]),
        ("He left before the flood.", "He left only after the flood.", ["only after"]),
        ("It closed, some say.", "It closed,", ["closed,"]),
        ("It closed.", "It closed.", []),
    ],
)
def test_where_a_false_sentence_differs_from_the_true_one(true: str, false: str, expected: list[str]) -> None:
    assert [false[start:end] for start, end in turned(true, false)] == expected


def test_an_exchanged_fact_stands_in_the_passage() -> None:
    passage = "In March 2010 Ana Brek sold 40 boats for 1,200 crowns; in June 2011 Joz Dahl sold 55 for 1,900."
    made = [exchanged("Ana Brek sold 40 boats in March 2010.", passage, random.Random(seed)) for seed in range(60)]

    words = {one.text[start:end] for one in made if one for start, end in one.changed}
    assert words == {"55", "2011", "June", "Joz Dahl"}


def test_where_no_other_fact_stands_nothing_is_exchanged() -> None:
    assert exchanged("Ana Brek sold 40 boats.", "Ana Brek sold 40 boats in 2010.", random.Random(0)) is None
