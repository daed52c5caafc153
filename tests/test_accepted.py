"""The golden figures of the sample corpus do not drop below the accepted ones, which `python -m benchmarks.accept` makes."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.accept import ACCEPTED, FIGURES, requirements
from qa.answer import CableQA
from qa.evaluate import run
from qa.golden import load_golden
from qa.score import unmet
from tests.test_golden import GOLDEN


def test_the_golden_figures_are_as_good_as_those_accepted(sample_qa: CableQA, tmp_path: Path) -> None:
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    summary = run(sample_qa, load_golden(GOLDEN, sample_qa.store), tmp_path / "run", golden=GOLDEN.name)

    assert unmet(summary, accepted["require"]) == [], f"If that is meant, call `{accepted['command']}`."


def test_a_drop_of_more_than_a_question_is_seen() -> None:
    def summary(drop: float) -> dict[str, dict[str, dict[str, float]]]:
        worse = {name: 0.1 + drop if name == "false_abstention" else 0.9 - drop for name in FIGURES}
        return {"all": {name: {"mean": mean, "low": 0.0, "high": 1.0, "n": 50} for name, mean in worse.items()}}

    accepted = requirements(summary(0))
    assert accepted[0] == "answer_match>=0.880"
    assert "false_abstention<=0.120" in accepted
    assert unmet(summary(0.019), accepted) == []
    assert len(unmet(summary(0.021), accepted)) == len(FIGURES)
