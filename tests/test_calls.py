"""Calls that are wrong in themselves, or that name what is not there: one line on stderr, and the exit code."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from index.errors import InputError
from index.store import Filter
from qa.cli import main
from qa.opening import parse_filters, read_call
from qa.result import Turn


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(args)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "the following arguments are required: COMMAND. See `cable-qa --help`."),
        (["search"], "the following arguments are required: QUERY. See `cable-qa search --help`."),
        (["golden", "draft"], "the following arguments are required: --out. See `cable-qa golden draft --help`."),
        (["show", "X", "--colour"], "unrecognized arguments: --colour. See `cable-qa --help`."),
        (["serve", "--port", "x"], "argument --port: invalid int value: 'x'. See `cable-qa serve --help`."),
        *(
            (["search", "x", "-k", k], f"argument -k: '{k}' is no number from 1 upwards. See `cable-qa search --help`.")
            for k in ("0", "-1", "x", "\u00b2")
        ),
    ],
)
def test_an_error_of_usage_is_one_line(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *args) == (2, "", f"cable-qa: {said}\n")


@pytest.mark.parametrize(
    "args",
    [["ask", "wh\udce4t"], ["search", "\udcff"], ["show", "09X\udcff1"], ["search", "x", "--filter", "tag=\udcff"], ["ask", "x", "--model", "hf:\udcff"]],
)  # fmt: skip
def test_an_argument_that_is_not_utf8_is_one_line(
    args: list[str], sample_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bytes that are none reach Python as halves of surrogate pairs."""
    code, out, err = run(capsys, *args, "--index", str(sample_index))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("cable-qa: The argument '")


def test_a_search_for_a_cable_that_is_not_there_lists_the_nearest(
    sample_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "search", "10PORTSELWYN271", "-k", "3", "--json", "--index", str(sample_index))
    assert (code, len(json.loads(out)), err.count("\n")) == (0, 3, 1)
    assert err.startswith("cable-qa: No cable 10PORTSELWYN271 in")
    assert "10PORTSELWYN270" in err


def test_of_several_filters_with_one_name_any_will_do_and_of_days_there_is_one() -> None:
    given = [
        "origin=Tarn",
        "tag=econ",
        "tag=pgov",
        "from=2009-01-01",
        "cable=09tarn1",
        "cable=09TARN2",
        "to=2009-02-01",
    ]
    assert parse_filters(given) == Filter(
        ("Tarn",), None, ("ECON", "PGOV"), date(2009, 1, 1), date(2009, 2, 1), ("09TARN1", "09TARN2")
    )
    for name in ("from", "to"):
        with pytest.raises(InputError, match=rf"^--filter '{name}=2009-02-01' is a second {name}=\. Name one day\.$"):
            parse_filters([f"{name}=2009-01-01", f"{name}=2009-02-01"])


def test_a_batch_a_golden_set_and_a_text_may_begin_with_a_byte_order_mark(
    sample_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": "a", "question": "How many moons does Jupiter have?", "answerable": False}
    rows, text = tmp_path / "rows.jsonl", tmp_path / "text.txt"
    rows.write_text(json.dumps(row), encoding="utf-8-sig")
    text.write_text("No source here.", encoding="utf-8-sig")
    index = ("--index", str(sample_index))
    assert run(capsys, "ask", "--batch", str(rows), "--out", str(tmp_path / "out.jsonl"), *index) == (0, "", "")
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["id"] == "a"
    assert run(capsys, "golden", "check", str(rows), *index)[0] == 0
    assert run(capsys, "check", str(text), *index)[1] == "no citation  No source here.\n"


def test_a_judge_that_is_not_known_is_named_as_the_judge(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "evaluate", "golden.jsonl", "--out", "run", "--judge", "foo")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("cable-qa: --judge 'foo' is not known.")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ((7, None, None), "question is not text"),
        (("Why?", 7, None), "history is not a list of"),
        (("Why?", "Because.", None), "history is not a list of"),
        (("Why?", {"question": "Who?", "answer": "He."}, None), "history is not a list of"),
        (("Why?", [{"question": "Who?"}], None), "history is not a list of"),
        (("Why?", [{"question": "Who?", "answer": 7}], None), "history is not a list of"),
        (("Why?", None, "tag=ECON"), "filters is not a list"),
        (("Why?", None, {"tag": "ECON"}), "filters is not a list"),
        (("Why?", None, [7]), "--filter 7 is not known"),
        (("Why?\ud800", None, None), "question, history or filters have half a character"),
        (("Why?", None, ["tag=\ud800"]), "question, history or filters have half a character"),
    ],
)
def test_a_call_of_the_api_that_cannot_be_read_is_one_line(call: tuple[Any, Any, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}.*[.]$"):
        read_call(*call)


def test_a_call_of_the_api_is_read() -> None:
    assert read_call("Why?", [], None) == ("Why?", [], Filter())
    turn = {"question": "Who?", "answer": "He."}
    assert read_call("Why?", [turn], ["tag=a"]) == ("Why?", [Turn("Who?", "He.")], Filter(tag=("A",)))


def test_a_variable_that_is_set_and_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CABLE_QA_MODEL", "")
    monkeypatch.setenv("CABLE_QA_INDEX", "")
    from qa.cli import _parser
    from qa.opening import DEFAULT_INDEX, folder_of

    args = _parser().parse_args(["ask", "Why?"])
    assert (args.model, folder_of(args)) == ("quotes", Path(DEFAULT_INDEX))
