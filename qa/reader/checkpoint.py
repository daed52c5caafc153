"""A training that was stopped goes on: what it had reached, in one file.

Flows in: the parts of a training that have a state. Flows out: a checkpoint, whole or not at all. Knows nothing of what is trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def restore(checkpoint: Path, what: str, states: dict[str, Any]) -> int:
    """Gives `states` what is in the `checkpoint`, if there is one, and returns how much was done; raises ValueError
    where it is not of `what`."""
    if not checkpoint.exists():
        return 0
    saved: dict[str, Any] = torch.load(checkpoint)
    if saved.pop("what") != what:
        raise ValueError(f"{checkpoint} is of another run: delete it to begin anew")
    done: int = saved.pop("done")
    for name, state in saved.items():
        states[name].load_state_dict(state)
    return done


def keep(checkpoint: Path, what: str, states: dict[str, Any], done: int) -> None:
    """Writes `states` after so much of `what` was done."""
    part_file = checkpoint.with_suffix(".part")
    torch.save({"what": what, "done": done} | {name: one.state_dict() for name, one in states.items()}, part_file)
    part_file.replace(checkpoint)
