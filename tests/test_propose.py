"""Drafted golden sets: with a gap without a model, with a model's questions over a real loopback server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from index.cable import Citation
from index.store import Store
from qa.cli import main
from qa.golden import GoldenRow, load_golden
from qa.instructions import as_data
from qa.models import load_model
from qa.propose import BLANK, hardness, propose
from tests.chat_server import ChatServer, serving
from tests.test_golden import GOLDEN


@pytest.fixture(scope="module")
def store(sample_index: Path) -> Iterator[Store]:
    with Store.open(sample_index) as store:
        yield store


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def test_a_gap_stands_where_the_answer_stood(store: Store) -> None:
    rows = list(propose(store, 40))

    assert len({row["id"] for row in rows}) == len(rows) == 40
    for row in rows:
        named = row["evidence"][0]
        text = " ".join(
            store.paragraph(Citation(named["reference_id"], named["section"], named["paragraph"])).text.split()
        )
        sentence = row["question"].removeprefix("What is missing here: “").removesuffix("”")
        assert sentence.count(BLANK) == 1
        assert sentence.replace(BLANK, row["answer"]) in text
    assert len({row["evidence"][0]["reference_id"] for row in rows[:20]}) == 20
    assert rows == list(propose(store, 40))
    assert rows != list(propose(store, 40, seed=1))


def test_the_command_writes_a_set_that_loads_and_says_how_hard_it_is(
    sample_index: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["golden", "draft", "--index", str(sample_index), "--out", str(tmp_path / "draft.jsonl"), "--count", "5"]

    assert main(call) == 0
    assert (
        "of the questions' content words stand in their evidence; success@1 of BM25 alone " in capsys.readouterr().out
    )
    assert len(load_golden(tmp_path / "draft.jsonl", store)) == 5
    assert main(call) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["golden", "check", str(GOLDEN), "--index", str(sample_index)]) == 0
    assert "80 rows, 20 of them unanswerable" in capsys.readouterr().out


def test_hardness_by_hand(store: Store) -> None:
    named = Citation("07PORTSELWYN1043", None, "7")
    text = store.paragraph(named).text
    copied = GoldenRow("a", "single", text, (), "x", (), {"r1": (named,)}, True, {})
    foreign = GoldenRow("b", "single", "zymurgy quokka?", (), "x", (), {"r1": (named,)}, True, {})
    silent = GoldenRow("c", "unanswerable", "Why?", (), "", (), {}, False, {})

    found = hardness([copied, foreign, silent], store)
    assert (found.overlap, found.bm25, found.n) == (0.5, 0.5, 2)
    assert hardness([silent], store).n == 0


def test_a_models_question_is_kept_where_its_answer_stands_in_the_paragraph(
    server: ChatServer,
    store: Store,
) -> None:
    model = load_model("openai:m")
    _, paragraph = next(iter_first(store))
    word = max(paragraph.split(), key=len).strip(".,;:()'\"")
    server.reply = f"QUESTION: Which one was it?\nANSWER: {word}"
    rows = list(propose(store, 1, model=model))

    assert [(row["question"], row["answer"], row["drafted"]) for row in rows] == [("Which one was it?", word, "model")]
    assert as_data(paragraph) in server.prompts[0]
    server.reply = "QUESTION: What colour is the moon?\nANSWER: zymurgic quokka"
    assert list(propose(store, 1, model=model)) == []


def iter_first(store: Store) -> Iterator[tuple[str, str]]:
    """The first paragraph that is drawn with the default seed."""
    import random

    from qa.propose import _sample

    for cable, paragraph in _sample(store, random.Random(0)):
        yield cable.reference_id, paragraph.text


def test_a_failing_server_is_one_line_and_leaves_no_file(
    server: ChatServer,
    sample_index: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.failure = "401"
    out = tmp_path / "draft.jsonl"

    assert main(["golden", "draft", "--index", str(sample_index), "--out", str(out), "--model", "openai:m"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("cable-qa: openai:m: the server refused the key (401).")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
