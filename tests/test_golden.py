"""Golden sets on load: each fault is one line that names file, line and row; what is doubtful is kept as warnings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.cable import Citation
from index.corpus import SAMPLE
from index.errors import InputError
from index.store import Store
from qa.cli import main
from qa.golden import doubts, load_golden, save_golden

GOLDEN = SAMPLE.parent / "sample-golden.jsonl"
ROW = {
    "id": "a", "type": "single", "question": "Which picture was screened first?", "history": [], "answer": "The Salt Clerk", "answerable": True,
    "evidence": [{"reference_id": "07PORTSELWYN1043", "section": None, "paragraph": "7", "item": None, "group": "r1"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def store(sample_index: Path) -> Iterator[Store]:
    with Store.open(sample_index) as store:
        yield store


def write(path: Path, *rows: dict[str, Any] | str) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def evidence(**changes: Any) -> dict[str, Any]:
    return ROW | {"evidence": [ROW["evidence"][0] | changes]}  # type: ignore[index]


SEVENTH = [ROW | {"id": str(n)} for n in range(6)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([*SEVENTH, '{"id": "x",'], ":7: is not JSON (Expecting property name enclosed in double quotes at character 11)."),
        ([*SEVENTH, "[" * 100_000], ":7: is not JSON that can be used (nested too deep, or half a character)."),
        (['{"id": "\\ud800"}'], ":1: is not JSON that can be used (nested too deep, or half a character)."),
        (["[1]"], ":1: is not a JSON object."),
        ([ROW, {"id": "b", "answerable": False}], ":2: field 'question' is missing or not a string."),
        ([ROW | {"answerable": "yes"}], ":1: field 'answerable' is missing or not true or false."),
        ([ROW | {"type": 4}], ":1: field 'type' is not a string."),
        ([ROW | {"question": " "}], ":1: row 'a': has an empty question."),
        ([ROW | {"answer_aliases": "x"}], ":1: row 'a': answer is not a string, or answer_aliases is not a list of strings."),
        ([ROW | {"history": [{"question": "x"}]}], ":1: row 'a': history is not a list of objects with question and answer."),
        ([evidence(paragraph=7)], ":1: row 'a': evidence is not a list of objects with reference_id and paragraph, each a string (paragraph may be null)."),
        ([evidence(reference_id="07PORTSELWYN9")], ":1: row 'a': No cable 07PORTSELWYN9 in "),
        ([evidence(paragraph="99")], ":1: row 'a': 07PORTSELWYN1043 has no paragraph 99"),
        ([ROW | {"answerable": False}], ":1: row 'a': is not answerable but has evidence."),
        ([ROW | {"evidence": []}], ":1: row 'a': is answerable but has no evidence."),
        ([ROW, "", ROW], ":3: id 'a' stands there twice, first on line 1. Rename one."),
        ([""], " has no rows. Write one JSON object a line, with id, question, answer and evidence."),
    ],
)  # fmt: skip
def test_each_fault_is_one_line(store: Store, tmp_path: Path, rows: list[dict[str, Any] | str], said: str) -> None:
    path = write(tmp_path / "golden.jsonl", *rows)

    with pytest.raises(InputError) as raised:
        load_golden(path, store)
    assert str(raised.value).startswith(f"{path}{said}")
    assert "\n" not in str(raised.value)


def test_a_hundred_megabytes_are_refused_by_the_command_in_one_line(
    sample_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 100_000_000)

    code = main(["evaluate", str(path), "--index", str(sample_index), "--out", str(tmp_path / "run")])
    err = capsys.readouterr().err
    assert (code, err.count("\n")) == (2, 1)
    assert f"{path} has more than 50 MB." in err
    assert not (tmp_path / "run").exists()


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe{")

    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "bytes"):
        with pytest.raises(InputError, match="cannot be read as a golden set"):
            load_golden(path)


def test_evidence_is_resolved_and_unknown_keys_are_kept(store: Store, tmp_path: Path) -> None:
    row = evidence(reference_id="07 Port Selwyn 01043") | {"mine": [1, 2]}
    loaded = load_golden(write(tmp_path / "golden.jsonl", row), store)

    assert loaded[0].groups == [(Citation("07PORTSELWYN1043", None, "7"),)]
    save_golden(tmp_path / "new" / "golden.jsonl", [each.raw for each in loaded])
    assert json.loads((tmp_path / "new" / "golden.jsonl").read_text()) == row


def test_doubts(store: Store, tmp_path: Path) -> None:
    rows = [
        ROW,
        ROW | {"id": "b", "question": "which picture  was screened FIRST?"},
        ROW | {"id": "c", "question": "And then?", "answer": "The Anchorite's Daughter"},
        ROW | {"id": "d", "question": "And last?", "answer": ""},
        ROW | {"id": "e", "question": "And who?", "evidence": ROW["evidence"] * 2},  # type: ignore[operator]
    ]
    found = doubts(load_golden(write(tmp_path / "golden.jsonl", *rows), store), store)

    assert found == [
        "row 'b': asks the same as 'a'",
        "row 'c': answer \"The Anchorite's Daughter\" does not stand in its evidence (07PORTSELWYN1043 ¶7)",
        "row 'd': has no answer, so only its evidence is measured",
        "row 'e': names a paragraph of its evidence twice",
    ]


def test_the_sample_set_is_sound(store: Store) -> None:
    rows = load_golden(GOLDEN, store)

    assert len(rows) == 80
    assert [line for line in doubts(rows, store) if "does not stand" not in line] == []
