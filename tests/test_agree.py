"""Which questions two readers agree on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qa.reader.agree import agrees
from tests.test_pairs import write

ROOT = Path(__file__).parent.parent


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
