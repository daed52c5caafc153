"""A training that was stopped goes on: what it had reached, in one file.

Flows in: the parts of a training that have a state. Flows out: a checkpoint, whole or not at all. Knows nothing of what is trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def restore(checkpoint: Path, what: str, parts: dict[str, Any], device: torch.device | None = None) -> int:
    """Gives `parts` the states in the `checkpoint`, if there is one, and returns how many passes were done; raises ValueError
    where it is not of `what`."""
    if not checkpoint.exists():
        return 0
    saved: dict[str, Any] = torch.load(checkpoint, map_location=device)
    if saved.pop("what") != what:
        raise ValueError(f"{checkpoint} is of another run: delete it to begin anew")
    passes: int = saved.pop("passes")
    for name, state in saved.items():
        parts[name].load_state_dict(state)
    return passes


def keep(checkpoint: Path, what: str, parts: dict[str, Any], passes: int) -> None:
    """Writes the states of `parts` after so many passes of `what`."""
    part_file = checkpoint.with_suffix(".part")
    torch.save({"what": what, "passes": passes} | {name: one.state_dict() for name, one in parts.items()}, part_file)
    part_file.replace(checkpoint)
