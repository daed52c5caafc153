"""Runs of a golden set: what is written, killed and resumed runs, comparisons, reports."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from index.cable import Citation
from index.errors import InputError, ModelUnavailable
from qa.answer import CableQA
from qa.cli import main
from qa.compare import compare, lines
from qa.evaluate import run, steps
from qa.golden import GoldenRow, load_golden
from qa.provenance import weights_of
from qa.quoted import DIFFER
from qa.report import compare_report, run_report
from qa.runs import Run, load_run
from qa.score import summarise
from tests.chat_server import serving
from tests.conftest import ROOT
from tests.test_golden import GOLDEN
from tests.test_score import OTHER, answered


@pytest.fixture(scope="module")
def rows(sample_qa: CableQA, tmp_path_factory: pytest.TempPathFactory) -> list[GoldenRow]:
    """Six rows of the sample set that are quickly answered, one of them unanswerable."""
    return load_golden(few(tmp_path_factory.mktemp("few")), sample_qa.store)


def few(folder: Path) -> Path:
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    of = {
        kind: [line for line in lines if json.loads(line)["type"] == kind]
        for kind in ("lookup", "metadata", "single", "multi", "followup")
    }
    chosen = [of["lookup"][0], of["metadata"][0], of["single"][0], of["multi"][0], of["followup"][0]]
    moons = {
        "id": "moons",
        "type": "unanswerable",
        "question": "How many moons does Jupiter have?",
        "answerable": False,
        "evidence": [],
    }
    chosen.append(json.dumps(moons))
    path = folder / "few.jsonl"
    path.write_text("\n".join(chosen), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(sample_qa: CableQA, rows: list[GoldenRow], tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "first"
    run(sample_qa, rows, out, golden="few.jsonl")
    return load_run(out)


def test_two_runs_of_one_configuration_are_identical(
    finished: Run, sample_qa: CableQA, rows: list[GoldenRow], tmp_path: Path
) -> None:
    run(sample_qa, rows, tmp_path / "second", golden="few.jsonl")
    second = load_run(tmp_path / "second")

    assert second.config == finished.config
    assert untimed(second) == untimed(finished)


def untimed(run: Run) -> tuple[object, object]:
    """What does not depend on the clock."""
    records = [
        {k: v for k, v in r.items() if k != "timings_ms"} | {"figures": {k: v for k, v in r["figures"].items() if k != "ms"}}
        for r in run.records
    ]  # fmt: skip
    summary = {kind: {k: v for k, v in figures.items() if "ms" not in k} for kind, figures in run.summary.items()}
    return records, summary


def test_a_killed_run_goes_on_and_gives_the_same_summary(finished: Run, sample_index: Path, tmp_path: Path) -> None:
    golden, out = few(tmp_path), tmp_path / "run"
    command = [sys.executable, "-m", "qa.cli", "evaluate", str(golden), "--index", str(sample_index), "--out", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        lines = out / "rows.jsonl"
        while not (lines.exists() and lines.read_bytes().count(b"\n") >= 2) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    kept = lines.read_bytes()
    assert 2 <= kept.count(b"\n") < 6
    assert not (out / "summary.json").exists()
    with pytest.raises(InputError, match=r"was stopped after \d of 6 questions"):
        load_run(out)
    lines.write_bytes(kept + b'{"id": "half a l')  # what a power cut may leave

    assert main(["evaluate", str(golden), "--index", str(sample_index), "--out", str(out)]) == 0
    assert lines.read_bytes().startswith(kept)
    assert untimed(load_run(out)) == untimed(finished)


def test_a_model_that_fails_stops_the_run_and_is_not_measured_as_quotes(
    sample_qa: CableQA,
    sample_index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    golden, out = few(tmp_path), tmp_path / "run"
    with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        server.failure = "429"
        call = ["evaluate", str(golden), "--index", str(sample_index), "--out", str(out), "--model", "openai:m"]
        assert main(call) == 2
        err = capsys.readouterr().err
        assert "openai:m: too many requests, or nothing left to spend (429)." in err
        assert err.endswith("The same call goes on from here.\n")
        server.failure, server.reply = "", "The cables do not answer this."
        assert main(call) == 0
    assert load_run(out).summary["all"]["false_abstention"]["mean"] == 1.0


def test_a_folder_of_another_configuration_is_refused_in_one_line(
    finished: Run, sample_qa: CableQA, rows: list[GoldenRow], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"another configuration \(it differs in golden, questions\)\. Name another"):
        next(steps(sample_qa, rows[:3], finished.folder, "few.jsonl"))
    (tmp_path / "rows.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"rows\.jsonl without a config\.json"):
        next(steps(sample_qa, rows, tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        next(steps(sample_qa, rows, tmp_path / "file"))
    with pytest.raises(InputError, match="No run in"):
        load_run(tmp_path)


def test_a_requirement_is_read_before_the_questions(
    sample_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["evaluate", str(few(tmp_path)), "--index", str(sample_index), "--out", str(tmp_path / "run")]

    assert main([*call, "--require", "beauty>=1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.fixture
def worse(finished: Run) -> Run:
    """The run as it would be had its first question been abstained from, and its last answered."""
    first, *middle, last = json.loads(json.dumps(finished.records))
    first |= {
        "abstained": True,
        "answer": "The cables do not answer this.",
        "citations": [],
        "failure": "wrongly abstained",
    }
    first["figures"] |= {"answer_match": 0.0, "citation_recall": 0.0, "false_abstention": 1.0}
    last |= {"abstained": False, "failure": "wrongly answered"}
    last["figures"]["abstention"] = 0.0
    records = [first, *middle, last]
    return replace(finished, records=records, summary=summarise(records), config=finished.config | {"reader": "other"})


def test_comparing_runs(finished: Run, worse: Run) -> None:
    found = compare(finished, worse)
    by_name = {one.name: one for one in found.differences}

    assert found.configuration == ["reader"]
    assert (by_name["answer_match"].before, by_name["answer_match"].after, by_name["answer_match"].n) == (1.0, 0.8, 5)
    assert by_name["abstention"].verdict == "too few"
    assert replace(by_name["abstention"], n=6).verdict == "worse"
    assert replace(by_name["false_abstention"], n=6, p=0.04).verdict == "worse"
    assert replace(by_name["false_abstention"], n=6).verdict == "no difference shown"
    assert by_name["MRR"].p == 1.0
    assert [b["id"] for _, b in found.moved("worse")] == [worse.records[0]["id"], worse.records[-1]["id"]]
    assert found.moved("better") == []
    assert [b["id"] for _, b in compare(worse, finished).moved("better")] == [
        r["id"] for r in (worse.records[0], worse.records[-1])
    ]
    text = "\n".join(lines(found))
    assert "2 got worse" in text
    assert re.search(r"wrongly abstained +0 -> 1", text)
    assert found.as_json()["failures"] == {"before": {}, "after": {"wrongly abstained": 1, "wrongly answered": 1}}


def test_runs_without_a_question_in_common_are_not_compared(finished: Run) -> None:
    renamed = replace(finished, records=[record | {"id": record["id"] + "x"} for record in finished.records])

    with pytest.raises(InputError, match="no question in common"):
        compare(finished, renamed)


def test_compare_on_the_command_line(finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(finished.folder)

    assert main(["evaluate", "--compare", folder, folder, "--out", str(tmp_path / "both")]) == 0
    assert "0 got worse" in capsys.readouterr().out
    assert json.loads((tmp_path / "both" / "compare.json").read_text())["questions"] == 6
    assert "<h2>Got better: 0</h2>" in (tmp_path / "both" / "compare.html").read_text(encoding="utf-8")
    for wrong in (
        ["--compare", folder, str(tmp_path)],
        ["--compare", folder, folder, "--require", "MRR>=1"],
        [],
        ["x.jsonl"],
    ):
        assert main(["evaluate", *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_reports_need_nothing_else_and_escape_all(finished: Run, worse: Run) -> None:
    evil = "<img src=x onerror=alert(1)>"
    records = json.loads(json.dumps(finished.records))
    for record in records:
        record |= {"id": evil, "type": evil, "question": evil, "answer": evil}
        record["golden"] |= {"answer": evil, "answer_aliases": [evil], "history": [{"question": evil, "answer": evil}]}
        record["statements"] = [{"text": evil, "citations": [], "verdict": "partly", "problems": [evil]}]
    marked = replace(
        finished, records=records, summary=summarise(records), paragraphs=dict.fromkeys(finished.paragraphs, evil),
        config=finished.config | {"warnings": [evil], "model": evil},
    )  # fmt: skip
    for page in (
        run_report(finished),
        run_report(marked),
        compare_report(compare(finished, worse)),
        compare_report(compare(marked, marked)),
    ):
        assert "<img" not in page
        assert not re.search(r"""(?:src|href)\s*=|url\(|@import|https?://""", page.replace("&lt;img src=x", ""))
    report = (finished.folder / "report.html").read_text(encoding="utf-8")
    first = finished.records[0]
    assert finished.paragraphs[str(Citation(**first["evidence"][0][0]))].split("\n")[0] in report


def test_nothing_is_left_half_written(finished: Run) -> None:
    assert sorted(os.listdir(finished.folder)) == [
        "config.json",
        "paragraphs.json",
        "report.html",
        "rows.jsonl",
        "summary.json",
    ]


def test_a_run_with_an_unusual_line_break_in_it_is_read(finished: Run, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "run")
    rows = tmp_path / "run" / "rows.jsonl"
    rows.write_text(rows.read_text(encoding="utf-8").replace("Jupiter", "Ju\u2028pi\u0085ter"), encoding="utf-8")

    assert any("Ju\u2028pi\u0085ter" in record["question"] for record in load_run(tmp_path / "run").records)


def test_quotes_in_place_of_a_model_that_failed_are_not_its_answer(
    sample_qa: CableQA, rows: list[GoldenRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = f"The server is gone. Quotes instead. {DIFFER}"
    monkeypatch.setattr(CableQA, "answer", lambda *_: replace(answered("41 [1]", [OTHER], []), note=note))

    with pytest.raises(ModelUnavailable, match=r"^The server is gone\. The same call goes on from here\.$"):
        run(sample_qa, rows, tmp_path / "run")


def test_the_files_of_a_model_are_part_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"one")
    before = [weights_of(f"gguf:{file}"), weights_of(f"hf:{tmp_path}")]
    file.write_bytes(b"two")
    after = [weights_of(f"gguf:{file}"), weights_of(f"hf:{tmp_path}")]

    assert all(before)
    assert not set(before) & set(after)
    assert weights_of("quotes") == weights_of("gguf:nowhere") == ""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://user:key@127.0.0.1:8080/v1")
    assert weights_of("openai:m") == "127.0.0.1:8080"
