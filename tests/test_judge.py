"""Answers judged by a language model: a real server on loopback says what; the figures and agreement are worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qa.cli import main
from qa.judge import Opinion, judge
from qa.models import load_model
from tests.chat_server import ChatServer, serving
from tests.test_evaluate import few


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


@pytest.mark.parametrize(
    ("reply", "opinion"),
    [
        ("CORRECT: yes\nSUPPORTED: no", Opinion(1.0, 0.0)),
        ("**CORRECT:** Partly\n\n**SUPPORTED:** yes.", Opinion(0.5, 1.0)),
        ("It is right.", Opinion(None, None)),
    ],
)
def test_replies(server: ChatServer, reply: str, opinion: Opinion) -> None:
    server.reply = reply

    assert judge(load_model("openai:m"), "Why $x?", ["a", "b"], ["A paragraph."], "Because [1].") == opinion
    assert "Expected: a | b" in server.prompts[0]
    assert "Question: Why $x?" in server.prompts[0]


def test_a_run_is_judged_resumed_and_set_against_people(
    server: ChatServer, sample_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = few(tmp_path)
    rows = [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]
    for row, said in zip(rows, ("right", "wrong"), strict=False):  # the model will hold both for right
        row |= {"judged": said, "answered": f"hand-judged {said}"}
    golden.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    asked: list[str] = []

    def reply(request: dict[str, Any]) -> str:
        asked.append(request["messages"][0]["content"])
        return "CORRECT: yes\nSUPPORTED: " + ("no" if len(asked) == 1 else "yes")

    server.reply = reply
    call = [
        "evaluate",
        str(golden),
        "--index",
        str(sample_index),
        "--out",
        str(tmp_path / "run"),
        "--judge",
        "openai:m",
    ]
    assert main(call) == 0
    out = capsys.readouterr().out
    assert "judge_correct                1.000  [1.000, 1.000]  n=5" in out
    assert "judge_supported              0.800" in out
    assert "agrees with 50% of 2 answers labelled right or wrong, kappa 0.00" in out
    assert len(asked) == 5 + 2
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "judged by openai:m" in page
    assert "kappa 0.00" in page
    assert "Answer: hand-judged right" in asked[5]

    assert main(call) == 0
    assert len(asked) == 5 + 2 + 2  # the run's opinions are kept; the sample is asked about anew
    assert main([*call[:-1], "quotes"]) == 2
    assert "--judge quotes is no language model." in capsys.readouterr().err
