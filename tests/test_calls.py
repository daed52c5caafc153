"""Calls that are wrong in themselves, or that name what is not there: one line on stderr, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa.cli import main


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


def test_a_variable_that_is_set_and_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CABLE_QA_MODEL", "")
    monkeypatch.setenv("CABLE_QA_INDEX", "")
    from qa.cli import _parser
    from qa.opening import DEFAULT_INDEX, folder_of

    args = _parser().parse_args(["ask", "Why?"])
    assert (args.model, folder_of(args)) == ("quotes", Path(DEFAULT_INDEX))
