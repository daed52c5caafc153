"""Conversations that survive a reload, are written as Markdown, and as bundles that are checked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index.cable import Citation
from qa.answer import CableQA
from qa.bundle import bundle, problems
from qa.cli import main
from qa.conversation import KEPT, Exchange, as_json, markdown, restored
from qa.result import Answer, Cited, Statement

QUESTION = "How many people died in the ferry disaster?"


@pytest.fixture(scope="module")
def exchange(sample_qa: CableQA) -> Exchange:
    answer = sample_qa.answer(QUESTION)
    assert not answer.abstained
    return Exchange(QUESTION, answer)


def test_a_conversation_comes_back_as_it_was(sample_qa: CableQA, exchange: Exchange) -> None:
    silent = Exchange("Who won the lottery on Mars?", sample_qa.answer("Who won the lottery on Mars?"))
    stopped = Exchange("And <then>?", said="It was")
    again = restored(as_json([exchange, silent, stopped]), sample_qa.store)

    assert [one.question for one in again] == [QUESTION, silent.question, "And <then>?"]
    assert again[0].answer is not None
    assert exchange.answer is not None
    assert again[0].turn == exchange.turn
    assert again[0].answer.as_json() == exchange.answer.as_json()
    assert again[2] == stopped
    assert len(json.loads(as_json([stopped] * 100))) == KEPT


def test_answers_of_another_archive_are_no_history_of_this_one(sample_qa: CableQA, exchange: Exchange) -> None:
    row = json.loads(as_json([exchange]))[0]
    other = json.loads(json.dumps(row))
    other["answer"]["citations"][0]["quote"] = "Other words."
    nowhere = json.loads(json.dumps(row))
    nowhere["answer"]["citations"][0]["reference_id"] = "99NOWHERE1"

    for strange in (other, nowhere):
        assert len(restored(json.dumps([row, strange, row]), sample_qa.store)) == 1
    for broken in (None, "", "{", "[1]", "{}", '[{"question": "x"}]', 7):
        assert restored(broken, sample_qa.store) == []


def test_markdown_has_the_quotes_the_marks_and_no_markup_of_others() -> None:
    cited = Cited(1, Citation("09TARN14", "II.A", "2"), None, "Two *boats* sank.\nThree did not.", 0, 33, 0.9)
    answer = Answer(
        "<b>Who</b>?", "<b>Who</b>?", "x", False, (Statement("Two boats [sank](http://x).", (1,), "partly", ("figure 2",)),),
        (cited,), (("[7]", "only passages 1 to 3 were given"),), model="gguf:x.gguf", index={"cables": 3, "built": "2026-01-01"},
    )  # fmt: skip
    text = markdown([Exchange("<b>Who</b>?", answer), Exchange("Next?", said="No server.")])

    assert text.startswith("## \\<b\\>Who\\</b\\>?\n")
    assert "Two boats \\[sank\\](http://x). [1] **(partly: figure 2)**" in text
    assert "- [1] 09TARN14 ¶II.A.2: “Two \\*boats\\* sank. Three did not.”" in text
    assert "Citation \\[7\\] was left out" in text
    assert "## Next?\n\nNo server." in text


def test_a_bundle_holds_when_it_is_checked_again(
    sample_qa: CableQA, sample_index: Path, exchange: Exchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answer.json"
    assert main(["ask", QUESTION, "--index", str(sample_index), "--export", str(path)]) == 0
    capsys.readouterr()
    assert main(["check", str(path), "--index", str(sample_index)]) == 0
    assert "no problems; checked by itself and against the index" in capsys.readouterr().out
    assert main(["check", str(path), "--index", str(tmp_path / "none")]) == 0
    assert "there is no index" in capsys.readouterr().out
    assert problems(bundle(sample_qa, [exchange]), sample_qa.verifier, sample_qa.store) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: b["paragraphs"][0].update(text=b["paragraphs"][0]["text"] + " Not so."), "not the one that was hashed"),
        (lambda b: b["exchanges"][0]["citations"][0].update(start=3), "does not have the words quoted"),
        (lambda b: b["exchanges"][0]["statements"][-1].update(text="Nobody was on board of the zeppelin."), "is marked supported, and is"),
        (lambda b: b["exchanges"][0]["statements"][-1].update(citations=[99]), "cites [99]"),
        (lambda b: b.update(paragraphs=[]), "is not in the bundle"),
    ],
)  # fmt: skip
def test_what_was_changed_in_a_bundle_is_found(
    sample_qa: CableQA, exchange: Exchange, spoil: Callable[[dict[str, Any]], None], said: str
) -> None:
    made = json.loads(json.dumps(bundle(sample_qa, [exchange])))
    spoil(made)
    found = problems(made, sample_qa.verifier, None)
    assert found
    assert any(said in line for line in found)


@pytest.mark.parametrize(
    "text", ['{"format": "cable-qa bundle 9"}', '{"format": "cable-qa bundle 1", "exchanges": [{}]}']
)
def test_a_bundle_that_cannot_be_read_is_one_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    assert main(["check", str(path), "--index", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_export_that_cannot_be_written_is_one_line(
    sample_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nowhere" / "x.md"
    assert main(["ask", QUESTION, "--index", str(sample_index), "--export", str(path)]) == 2
    assert str(path) in capsys.readouterr().err
