"""The commands, on a small invented corpus and the real model: output, JSON, exit codes, one-line errors."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qa.cli import main

TELEGRAM = """VZCZCXRO1234
DE RUEHPSW #{number:04}/01 0570805
P {sent}
FM AMEMBASSY PORT SELWYN
TO RUEHC/SECSTATE WASHDC 7547

UNCLAS PORT SELWYN {number:06}

SIPDIS

E.O. 12958: N/A
TAGS: {tags}
SUBJECT: {subject}

REF: A) 08 PORT SELWYN 0611

{body}

{signature}
"""
HERRING = """1. SUMMARY: The Fisheries Council set the herring quota for 2010 at 41,200 tons. END SUMMARY.

COUNCIL MEETING

2. Fisheries Minister Tamsin Roake told the Council on February 20 that the herring quota falls from 48,700 tons in 2009 to 41,200 tons in 2010, because spawning grounds off Cape Irel have shrunk.

3. Trawler owners from Brenn asked for compensation of 300,000 crowns a boat. Roake promised nothing."""
GRID = """1. (SBU) The National Grid Company imported 612 megawatts from Sundmark in January.

2. (SBU) Its director, Halvard Moen, blamed a failed transformer at Lirne for the eleven outages of the month."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for name, values in {
        "herring.txt": {"number": 270, "sent": "260805Z FEB 10", "tags": "EFIS ECON", "subject": "HERRING QUOTA CUT", "body": HERRING, "signature": "LINDQVIST"},
        "grid.txt": {"number": 141, "sent": "020943Z FEB 09", "tags": "ENRG", "subject": "WINTER OUTAGES", "body": GRID, "signature": "OKAFOR"},
    }.items():  # fmt: skip
        (folder / name).write_text(TELEGRAM.format(**values), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def index(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("cli") / "index")
    assert main(["index", str(archive), "--index", folder]) == 0
    return folder


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(args)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def ask(capsys: pytest.CaptureFixture[str], index: str, question: str, *more: str) -> dict[str, object]:
    code, out, _ = run(capsys, "ask", question, "--index", index, "--json", *more)
    assert code == 0
    return json.loads(out)  # type: ignore[no-any-return]


def test_a_second_run_embeds_nothing(archive: Path, index: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "index", str(archive), "--index", index)

    assert code == 0
    assert out.startswith("2 cables read: 0 added, 0 changed, 0 removed, 2 unchanged; 0 passages embedded")


def test_ask_quotes_the_sentence_and_its_place(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, index, "Why did the minister lower the herring quota?")

    assert list(answer) == [
        "id", "question", "rewritten_question", "answer", "abstained", "statements", "citations", "rejected_citations", "retrieved",
        "model", "index", "timings_ms",
    ]  # fmt: skip
    assert (answer["id"], answer["abstained"]) == ("", False)
    first = answer["citations"][0]  # type: ignore[index]
    assert (first["reference_id"], first["section"], first["paragraph"]) == ("10PORTSELWYN270", None, "2")
    assert "spawning grounds off Cape Irel" in first["quote"]
    code, out, _ = run(capsys, "show", "10PORTSELWYN270", "2", "--index", index, "--json")
    assert json.loads(out)["text"][first["start"] : first["end"]] == first["quote"]
    assert code == 0
    assert len(answer["retrieved"]) == 5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "paragraph", "said"),
    [
        ("Who signed the telegram about the winter outages?", "header", "OKAFOR"),
        ("Which subject tags does cable 10PORTSELWYN270 bear?", "header", "TAGS: EFIS ECON"),
        ("When was 09PORTSELWYN141 sent?", "header", "2009-02-02 09:43"),
        ("What does paragraph 2 of 09PORTSELWYN141 say?", "2", "Halvard Moen"),
        ("What is 10PORTSELWYN270 about?", "1", "SUMMARY"),
    ],
)
def test_lookups_and_header_questions(
    index: str, capsys: pytest.CaptureFixture[str], question: str, paragraph: str, said: str
) -> None:
    answer = ask(capsys, index, question)

    assert answer["citations"][0]["paragraph"] == paragraph  # type: ignore[index]
    assert answer["retrieved"][0]["paragraph"] == paragraph  # type: ignore[index]
    assert said in str(answer["answer"])


@pytest.mark.parametrize(
    "question",
    [
        "How many moons does Jupiter have?",
        "What is 99ATLANTIS1 about?",
        "What does paragraph 9 of 09PORTSELWYN141 say?",
        "Best recipe for lasagne?",
    ],
)
def test_it_abstains(index: str, capsys: pytest.CaptureFixture[str], question: str) -> None:
    answer = ask(capsys, index, question)

    assert (answer["abstained"], answer["citations"]) == (True, [])
    assert str(answer["answer"]).startswith("The cables do not answer this.")


def test_filters(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    for filters in (
        ["tag=ENRG"],
        ["to=2009-12-31"],
        ["cable=09portselwyn141"],
        ["origin=selwyn", "from=2009-01-01", "to=2009-06-01"],
    ):
        args = [part for text in filters for part in ("--filter", text)]
        _, out, _ = run(capsys, "search", "herring quota", "--index", index, "--json", *args)
        assert {row["reference_id"] for row in json.loads(out)} == {"09PORTSELWYN141"}
    assert run(capsys, "search", "herring", "--index", index, "--filter", "tag=NONE", "--json")[1].strip() == "[]"


def test_a_filter_also_holds_for_a_cable_that_the_question_names(
    index: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(capsys, index, "Who signed 09PORTSELWYN141?", "--filter", "cable=10PORTSELWYN270")

    assert (answer["abstained"], answer["citations"]) == (True, [])
    assert "The filter leaves out 09PORTSELWYN141." in str(answer["answer"])
    assert {row["reference_id"] for row in answer["retrieved"]} == {"10PORTSELWYN270"}  # type: ignore[attr-defined]


def test_show_a_cable(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "10portselwyn270", "--index", index, "--json")
    cable = json.loads(out)

    assert code == 0
    assert {name: cable[name] for name in cable if name != "paragraphs"} == {
        "reference_id": "10PORTSELWYN270", "sent": "2010-02-26T08:05:00Z", "origin": "Embassy Port Selwyn", "classification": "UNCLASSIFIED",
        "subject": "HERRING QUOTA CUT", "tags": ["EFIS", "ECON"], "references": ["08PORTSELWYN611"], "signature": "LINDQVIST",
    }  # fmt: skip
    assert [(p["paragraph"], p["heading"]) for p in cable["paragraphs"]] == [
        ("1", None),
        ("2", "COUNCIL MEETING"),
        ("3", "COUNCIL MEETING"),
    ]


def test_batch(index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": "a", "question": "Who runs the National Grid Company?"},
        {
            "id": "b",
            "question": "And what did he blame?",
            "history": [{"question": "Who runs the National Grid Company?", "answer": "Halvard Moen."}],
        },
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    code, _, _ = run(
        capsys, "ask", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl"), "--index", index
    )
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]

    assert code == 0
    assert [answer["id"] for answer in answers] == ["a", "b"]
    assert (
        answers[1]["rewritten_question"] == "And what did he blame? (Who runs the National Grid Company? Halvard Moen.)"
    )


def test_a_follow_up_is_answered(index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"id": "b", "question": "And what did he blame?",
           "history": [{"question": "Who runs the National Grid Company?", "answer": "Halvard Moen."}]}  # fmt: skip
    (tmp_path / "in.jsonl").write_text(json.dumps(row), encoding="utf-8")

    run(capsys, "ask", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl"), "--index", index)

    assert "transformer at Lirne" in json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["answer"]


def test_check_a_text(index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "The quota falls to 41,200 tons in 2010 (10PORTSELWYN270 ¶2). The quota falls to 52,000 tons (10PORTSELWYN270, para 2). No source here."
    (tmp_path / "t.txt").write_text(text, encoding="utf-8")

    code, out, _ = run(capsys, "check", str(tmp_path / "t.txt"), "--index", index, "--json")

    assert code == 1
    assert [(row["verdict"], row["problems"]) for row in json.loads(out)["statements"]] == [
        ("supported", []), ("contradicted", ["figure 52,000"]), (None, []),
    ]  # fmt: skip


def test_evaluate_and_requirements(index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": "q1", "type": "single", "question": "What is the herring quota for 2010?", "answer": "41,200 tons", "answerable": True,
         "evidence": [{"reference_id": "10PORTSELWYN270", "section": None, "paragraph": p, "group": "r1"} for p in "12"]},
        {"id": "q2", "type": "unanswerable", "question": "How many moons does Jupiter have?", "answerable": False, "evidence": []},
    ]  # fmt: skip
    golden = tmp_path / "golden.jsonl"
    golden.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    call = ("evaluate", str(golden), "--index", index, "--out", str(tmp_path / "run"))

    assert run(capsys, *call, "--require", "success@1>=1", "--require", "abstention>=1")[0] == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["all"]["answer_match"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "n": 1}
    code, _, err = run(capsys, *call, "--require", "false_abstention>=0.5")
    assert (code, err.splitlines()[-1]) == (1, "cable-qa: false_abstention is 0.0, required >= 0.5")

    golden.write_text(golden.read_text().replace('"paragraph": "1"', '"paragraph": "77"'), encoding="utf-8")
    code, _, err = run(capsys, *call)
    assert code == 2
    assert "golden.jsonl:1: row 'q1': " in err
    assert "77" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["show", "09X1", "--index", "nowhere"], "No index in nowhere. Run `cable-qa index PATH --index nowhere`."),
        (["ask", "Why?", "--index", "nowhere"], "No index in nowhere."),
        (["index", "no/such/folder"], "No file or folder no/such/folder."),
        (["search", "x", "--filter", "colour=red"], "--filter 'colour=red' is not known."),
        (["search", "x", "--filter", "from=soon"], "--filter 'from=soon' has no day."),
        (["ask"], "ask needs a question"),
        (["ask", "--batch", "nowhere.jsonl", "--out", "x"], "nowhere.jsonl cannot be read"),
    ],
)
def test_bad_calls_are_one_line(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *args)

    assert (code, out) == (2, "")
    assert err.startswith(f"cable-qa: {said}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "line", ['{"id": 1, "question": null}', '{"id": 1, "question": "\\ud800"}', '{"id": 1}', "[" * 9000, "7"]
)
def test_a_bad_line_of_a_batch_is_named(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.jsonl").write_text(f'{{"id": 0, "question": "Why?"}}\n{line}\n', encoding="utf-8")

    code, _, err = run(capsys, "ask", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl"))

    assert (code, err.count("\n"), "in.jsonl:2: " in err) == (2, 1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]


def test_where_a_batch_cannot_go_is_one_line(index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": 0, "question": "Why?"}', encoding="utf-8")
    (tmp_path / "folder").mkdir()

    code, _, err = run(
        capsys, "ask", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "folder"), "--index", index
    )
    assert (code, err) == (2, f"cable-qa: --out {tmp_path / 'folder'} is no file. Name one.\n")


def test_a_page_that_cannot_be_served_is_one_line(index: str) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        command = [sys.executable, "-m", "qa.cli", "serve", "--port", port, "--index", index]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cable-qa: The page cannot be served at 127.0.0.1:{port}")
    assert done.stderr.count("\n") == 1


def test_unknown_cables_and_models(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "show", "10PORTSELWYN271", "--index", index)
    assert (code, "10PORTSELWYN270" in err) == (2, True)
    code, _, err = run(capsys, "ask", "Why?", "--index", index, "--model", "magic:x")
    assert (code, err.count("\n"), "magic:x" in err) == (2, 1, True)


def test_no_index_named_and_none_there_builds_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CABLE_QA_INDEX", str(tmp_path / "new"))

    code, out, err = run(capsys, "ask", "Who heads the Customs Directorate?", "--json")

    assert code == 0
    assert "building one from the sample corpus" in err
    assert json.loads(out)["index"]["cables"] >= 20
