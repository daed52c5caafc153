"""Judged answers as rows of the user's golden set, and the set as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from index.cable import Citation
from index.errors import InputError
from index.store import Store
from qa.golden import load_golden
from qa.judged import RIGHT, SILENT, WRONG, add_row, add_rows, judged_row, rows_of, save_table, to_table
from qa.result import Answer, Cited, Statement, Turn

PLACE = Citation("07PORTSELWYN1043", None, "7")
ANSWER = Answer(
    "Which one?", "Which one?", "The Salt Clerk [1]", False, (Statement("The Salt Clerk", (1,), "supported", short=True),),
    (Cited(1, PLACE, None, "x", 0, 1, 0.9),),
)  # fmt: skip


@pytest.fixture(scope="module")
def store(sample_index: Path) -> Iterator[Store]:
    with Store.open(sample_index) as store:
        yield store


def test_each_verdict_makes_a_row_that_loads(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "own" / "golden.jsonl"
    questions = iter("abcd")

    def add(verdict: str, answer: Answer = ANSWER, places: tuple[str, ...] = ()) -> int:
        row = judged_row(answer, [Turn("Before?", "Yes.")], verdict, places, "Salt")
        return add_row(path, row | {"question": next(questions)}, store)

    assert [
        add(RIGHT), add(WRONG, places=("07PORTSELWYN1043 ¶7", "09PORTSELWYN203 ¶I.1")), add(SILENT),
        add(RIGHT, Answer("?", "?", "The cables do not answer this.", True)),
    ] == [1, 2, 3, 4]  # fmt: skip
    rows = load_golden(path, store)
    assert [(row.answerable, row.answer, row.groups) for row in rows] == [
        (True, "The Salt Clerk", [(PLACE,)]),
        (True, "Salt", [(PLACE, Citation("09PORTSELWYN203", "I", "1"))]),
        (False, "", []),
        (False, "", []),
    ]
    assert rows[0].history == (("Before?", "Yes."),)
    with pytest.raises(InputError, match="Pick the paragraph"):
        judged_row(ANSWER, [], WRONG)


def test_judging_again_replaces_and_a_bad_place_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    add_row(path, judged_row(ANSWER, [], RIGHT), store)
    assert add_row(path, judged_row(ANSWER, [], WRONG, ["07PORTSELWYN1043 ¶6"], "Other"), store) == 1
    before = path.read_bytes()

    with pytest.raises(InputError, match=r"^line 1: row 'chat-.*No cable 99NOWHERE1"):
        add_row(path, judged_row(ANSWER, [], WRONG, ["99NOWHERE1 ¶6"]), store)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["golden.jsonl"]


def test_a_table_is_the_same_rows_and_can_be_edited(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    add_row(path, judged_row(ANSWER, [Turn("Before?", "Yes.")], RIGHT), store)
    rows = rows_of(path)
    assert save_table(path, to_table(rows), store) == 1
    assert rows_of(path) == rows

    table = to_table(rows)
    table[0][5] = "Salt Clerk | the clerk"
    table.append(
        [
            True,
            "",
            "",
            "Which two?",
            "Both",
            None,
            "07PORTSELWYN1043 ¶7 | 07PORTSELWYN1043 ¶6 + 09PORTSELWYN203 ¶I.1",
            "true",
            "",
        ]
    )
    table.append([False, "x", "single", "Dropped?", "", "", "", False, ""])
    assert save_table(path, table, store) == 2
    first, second = load_golden(path, store)
    assert (first.aliases, first.raw["judged"], first.history) == (
        ("Salt Clerk", "the clerk"),
        "right",
        (("Before?", "Yes."),),
    )
    assert [len(group) for group in second.groups] == [2, 1]
    table[0][6] = ""
    with pytest.raises(InputError, match="is answerable but has no evidence"):
        save_table(path, table, store)
    assert len(rows_of(path)) == 2
    assert save_table(path, [], store) == 0
    assert not path.exists()


def test_rows_of_a_file_keep_what_the_table_does_not_show(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    first = judged_row(ANSWER, [Turn("Before?", "Yes.")], RIGHT) | {"id": "a", "extra": 1}
    other = judged_row(ANSWER, [Turn("Elsewhere?", "No.")], RIGHT) | {"id": "a", "extra": 2}

    assert add_rows(path, [first], store) == 1
    assert add_rows(path, [first, other], store) == 2
    save_table(path, to_table(rows_of(path)), store)
    assert add_rows(path, [first, other], store) == 2

    assert [(row["id"], row["extra"], row["history"][0]["question"]) for row in rows_of(path)] == [
        ("a", 1, "Before?"),
        ("a-1", 2, "Elsewhere?"),
    ]


def test_a_new_id_does_not_bring_the_history_of_another_row(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    add_rows(path, [judged_row(ANSWER, [Turn(q, "-")], RIGHT) | {"id": q} for q in ("a", "b")], store)
    table = to_table(rows_of(path))
    table[0][1] = "renamed"

    save_table(path, table, store)

    assert [(row["id"], [turn["question"] for turn in row["history"]]) for row in rows_of(path)] == [
        ("renamed", []),
        ("b", ["b"]),
    ]


def test_rows_that_came_while_the_table_was_edited_stay(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    add_rows(path, [judged_row(ANSWER, [], RIGHT) | {"id": q, "question": q} for q in ("a", "b")], store)
    loaded = to_table(rows_of(path))
    add_rows(path, [judged_row(ANSWER, [], RIGHT) | {"id": "c", "question": "c"}], store)
    edited = [row.copy() for row in loaded]
    edited[0][0] = False

    assert save_table(path, edited, store, loaded) == 2
    assert [row["id"] for row in rows_of(path)] == ["b", "c"]
