"""The golden figures of the sample corpus do not drop below the accepted ones, which `python -m benchmarks.accept` makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.accept import ACCEPTED, FIGURES, GOLDEN, requirements
from qa.answer import CableQA
from qa.evaluate import run
from qa.golden import load_golden
from qa.runs import load_run
from qa.score import unmet


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
def test_the_golden_figures_are_as_good_as_those_accepted(sample_qa: CableQA, tmp_path: Path, golden: Path) -> None:
    every = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    accepted = every["sets"][golden.name]
    summary = run(sample_qa, load_golden(golden, sample_qa.store), tmp_path / "run", golden=golden.name)
    config = load_run(tmp_path / "run").config

    assert {name: config[name] for name in ("golden", "index")} == {
        name: accepted["of"][name] for name in ("golden", "index")
    }, f"Another set or corpus: call `{every['command']}`."
    assert unmet(summary, accepted["require"]) == [], f"If that is meant, call `{every['command']}`."


def test_a_drop_of_more_than_a_question_is_seen() -> None:
    def summary(drop: float) -> dict[str, dict[str, dict[str, float]]]:
        worse = {name: 0.1 + drop if name == "false_abstention" else 0.9 - drop for name in FIGURES}
        return {"all": {name: {"mean": mean, "low": 0.0, "high": 1.0, "n": 50} for name, mean in worse.items()}}

    accepted = requirements(summary(0))
    assert accepted[0] == "answer_match>=0.8799"
    assert "false_abstention<=0.1201" in accepted
    assert unmet(summary(0.019), accepted) == []
    assert len(unmet(summary(0.021), accepted)) == len(FIGURES)
