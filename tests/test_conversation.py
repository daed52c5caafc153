"""Conversations that survive a reload, are written as Markdown, and as bundles that are checked again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index.cable import Citation
from qa.answer import CableQA
from qa.bundle import bundle, problems
from qa.cli import main
from qa.conversation import KEPT, Exchange, as_json, asked_as, markdown, restored
from qa.provenance import made_with
from qa.result import Answer, Cited, Statement, Turn
from ui import chat

QUESTION = "How many people died in the ferry disaster?"


@pytest.fixture(scope="module")
def exchange(sample_qa: CableQA) -> Exchange:
    answer = sample_qa.answer(QUESTION)
    assert not answer.abstained
    return Exchange(QUESTION, answer, made_with=made_with(sample_qa))


def test_a_conversation_comes_back_as_it_was(sample_qa: CableQA, exchange: Exchange) -> None:
    silent = Exchange("Who won the lottery on Mars?", sample_qa.answer("Who won the lottery on Mars?"))
    stopped = Exchange("And <then>?", said="It was")
    again = restored(as_json([exchange, silent, stopped]), sample_qa.store)

    assert [one.question for one in again] == [QUESTION, silent.question, "And <then>?"]
    assert again[0].answer is not None
    assert exchange.answer is not None
    assert again[0].turn == exchange.turn
    assert again[0].answer.as_json() == exchange.answer.as_json()
    assert again[0].made_with == exchange.made_with
    assert again[2] == stopped
    assert stopped.turn == Turn("And <then>?", "")  # what failed is no history
    long = Exchange("x" * (KEPT // 2))
    again = restored(as_json([stopped, long, long, stopped]), sample_qa.store)
    assert [one.question for one in again] == [long.question, "And <then>?"]


def test_answers_of_another_archive_are_no_history_of_this_one(sample_qa: CableQA, exchange: Exchange) -> None:
    row = json.loads(as_json([exchange]))[0]
    other = json.loads(json.dumps(row))
    other["answer"]["citations"][0]["quote"] = "Other words."
    nowhere = json.loads(json.dumps(row))
    nowhere["answer"]["citations"][0]["reference_id"] = "99NOWHERE1"

    for strange in (other, nowhere):
        assert len(restored(json.dumps([row, strange, row]), sample_qa.store)) == 1
    gone = json.loads(json.dumps(row))
    gone["answer"]["retrieved"][3]["reference_id"] = "99NOWHERE1"
    (kept,) = restored(json.dumps([gone]), sample_qa.store)
    assert kept.answer is not None
    assert (
        len(kept.answer.retrieved) == len(row["answer"]["retrieved"]) - 1
    )  # only the nearest that is not there is left out
    for broken in (None, "", "{", "[1]", "{}", '[{"question": "x"}]', 7, "[" * 100_000):
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


def test_the_page_and_the_export_say_alike_how_a_question_was_asked() -> None:
    answer = Answer("And who  signed it?", "And who signed it? (What is 09TARN14 about?)", "It is not said.", True)
    exchange = Exchange("And who  signed it?", answer, made_with={"filters": "origin Tarn"})

    for line in ("Asked with filters: origin Tarn", "Read together with: What is 09TARN14 about?"):
        assert f"\n*{line}*\n" in markdown([exchange])
        assert f'<p class="note">{line}</p>' in chat([exchange])
    other = Answer("And he?", "Who is Ash?", "", True)
    assert asked_as(other) == ["Read as: Who is Ash?"]
    assert asked_as(Answer("Who is  Ash?", "Who is Ash?", "", True)) == []


@pytest.mark.parametrize("text", ["1. Then it fell.", "- A bullet", "+ x", "= y", "&lt;b&gt;", "[x](http://y)"])
def test_text_of_others_is_never_markup(text: str) -> None:
    said = markdown([Exchange("q", said=text)]).split("\n")[2].removesuffix(" **(stopped before it was checked)**")
    assert said.replace("\\", "") == text
    assert said != text


def test_a_bundle_holds_when_it_is_checked_again(
    sample_qa: CableQA, sample_index: Path, exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.delenv("CABLE_QA_INDEX", raising=False)
    path = tmp_path / "answer.json"
    assert main(["ask", QUESTION, "--index", str(sample_index), "--export", str(path)]) == 0
    capsys.readouterr()
    assert main(["check", str(path), "--index", str(sample_index)]) == 0
    assert "no problems; checked by itself, and against the index" in capsys.readouterr().out
    assert main(["check", str(path)]) == 0
    assert "no index was named" in capsys.readouterr().out
    made = json.loads(path.read_text(encoding="utf-8"))
    row = made["exchanges"][0]
    row["made_with"]["reader"] = "0123456789ab"
    row["sha256"] = hashed(row)
    path.write_text(json.dumps(made), encoding="utf-8-sig")
    assert main(["check", str(path)]) == 0
    assert "another reader (0123456789ab)" in capsys.readouterr().out
    assert problems(bundle(sample_qa.store, [exchange]), sample_qa.verifier, sample_qa.store) == []


def hashed(row: dict[str, Any]) -> str:
    plain = {name: value for name, value in row.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def first(made: dict[str, Any], part: str) -> dict[str, Any]:
    return made["exchanges"][0]["answer"][part][-1]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: b["paragraphs"][0].update(text=b["paragraphs"][0]["text"] + " Not so."), "not the paragraph that was hashed"),
        (lambda b: b["paragraphs"][0].update(header="Date: 1 May 1999"), "not the paragraph that was hashed"),
        (lambda b: first(b, "citations").update(start=3), "does not have the words quoted"),
        (lambda b: first(b, "statements").update(text="Nobody was on board of the zeppelin."), "lacks its sentence"),
        (lambda b: first(b, "statements").update(verdict="partly"), "is marked partly, and is supported"),
        (lambda b: first(b, "statements").update(citations=[99]), "cites [99]"),
        (lambda b: b.update(paragraphs=[]), "is not in the bundle"),
        (lambda b: b["exchanges"][0]["answer"].update(answer="Nine hundred boats sank [1]"), "says more than its sentences"),
        (lambda b: b["exchanges"][0]["answer"].update(statements=[]), "says more than its sentences"),
        (lambda b: b["exchanges"][0]["answer"].update(abstained=True), "it abstains, and yet"),
        (lambda b: b["exchanges"][0]["answer"].update(note="All of it is certain."), "not the answer that was hashed"),
    ],
)  # fmt: skip
def test_what_was_changed_in_a_bundle_is_found(
    sample_qa: CableQA, exchange: Exchange, spoil: Callable[[dict[str, Any]], None], said: str
) -> None:
    made = json.loads(json.dumps(bundle(sample_qa.store, [exchange])))
    spoil(made)
    found = problems(made, sample_qa.verifier, None)
    assert any(said in line for line in found), found


def test_a_paragraph_that_the_index_has_otherwise_is_found(sample_qa: CableQA, exchange: Exchange) -> None:
    made = json.loads(json.dumps(bundle(sample_qa.store, [exchange])))
    row = made["paragraphs"][0]
    row["header"] = "Date: 1 May 1999"
    row["sha256"] = hashed(row)

    assert problems(made, sample_qa.verifier, None) == []
    (said,) = problems(made, sample_qa.verifier, sample_qa.store)
    assert "another header" in said


WRONG_BUNDLES = (
    '{"format": "cable-qa bundle 9"}', '{"format": "cable-qa bundle 2", "exchanges": [{}]}', '{"format": "cable-qa bun',
    '{"a": ' * 100_000, '{"format": "cable-qa bundle 2", "exchanges": [], "paragraphs": [{"text": 5}]}', "{}",
)  # fmt: skip


@pytest.mark.parametrize("text", WRONG_BUNDLES)
def test_a_bundle_that_cannot_be_read_is_one_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(path) in said


@pytest.mark.parametrize("name", ["nowhere/x.md", "nowhere/x.json", "."])
def test_an_export_that_cannot_be_written_is_one_line_after_the_answer(
    name: str, sample_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", QUESTION, "--index", str(sample_index), "--export", str(tmp_path / name)]) == 2
    said = capsys.readouterr()
    assert "[1]" in said.out
    assert "cannot be written" in said.err
    assert said.err.strip().count("\n") == 0
