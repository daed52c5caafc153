"""The checker: the reader's network with upper layers and heads of its own that only compare a statement with a passage.

Flows in: token ids of a statement and a passage. Flows out: logits of support, and of each token of the statement to be wrong;
`qa.reader.model` takes their mean with the reader's own.
Its file holds what the upper layers are beside the reader's, as matrices of low rank (LoRA's form: Hu et al. 2021), so that it stays
small; it fits the weights that it was made from and no others.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from qa.reader.net import ReaderNet, save_state, state_of, support_scores

SHARED = 6  # layers that are the reader's
RANK = 64  # of the difference of a matrix
_LEFT, _RIGHT = ".left", ".right"


class CheckerNet(nn.Module):
    """The layers of a reader above `SHARED`, its pooler and its heads for statements, to start from; trained apart from it."""

    def __init__(self, reader: ReaderNet) -> None:
        super().__init__()
        self.layer = copy.deepcopy(reader.bert.encoder.layer[SHARED:])
        assert reader.bert.pooler is not None
        self.pooler = copy.deepcopy(reader.bert.pooler)
        self.support = copy.deepcopy(reader.support)
        self.wrong = copy.deepcopy(reader.wrong)
        self.worst = copy.deepcopy(reader.worst)

    def forward(self, states: Tensor, types: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """From the `lower` states (n, t, hidden) of pairs: support (n, 4) and wrong (n, t), as in `qa.reader.net.Scores`."""
        states = _through(self.layer, states, mask)
        return support_scores(self, states, self.pooler(states), types, mask)


def lower(reader: ReaderNet, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
    """The states (n, t, hidden) that the reader's first `SHARED` layers make of pairs; arguments as `ReaderNet.forward`."""
    states = reader.bert.embeddings(input_ids=ids, token_type_ids=types)
    return _through(reader.bert.encoder.layer[:SHARED], states, mask)


def upper(reader: ReaderNet, states: Tensor, types: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """What the reader itself makes of its `lower` states: as `CheckerNet.forward`."""
    states = _through(reader.bert.encoder.layer[SHARED:], states, mask)
    assert reader.bert.pooler is not None
    return support_scores(reader, states, reader.bert.pooler(states), types, mask)


def _through(layers: Iterable[nn.Module], states: Tensor, mask: Tensor) -> Tensor:
    for layer in layers:
        states = layer(states, mask.bool()[:, None, None, :])
    return states


def save_checker(net: CheckerNet, reader: ReaderNet, path: Path, of: str) -> str:
    """Writes how `net` differs from the `reader` whose file has sha256 `of`; returns the new file's sha256."""
    start = CheckerNet(reader).state_dict()
    kept: dict[str, Tensor] = {}
    for name, value in net.state_dict().items():
        if _has_rank(name, value):
            left, scale, right = torch.linalg.svd((value - start[name]).cpu().float(), full_matrices=False)
            root = scale[:RANK].sqrt()
            kept[name + _LEFT], kept[name + _RIGHT] = left[:, :RANK] * root, root[:, None] * right[:RANK]
        else:
            kept[name] = value
    return save_state(kept, path, {"reader": of})


def load_checker(path: Path, reader: ReaderNet, of: str) -> CheckerNet:
    """The network in a file that `save_checker` wrote, in float32; `reader` is in float32 and its file has sha256 `of`. Raises
    ValueError where it is no such file, or was made from other weights."""
    try:
        with safe_open(path, "pt") as file:
            made_from = (file.metadata() or {}).get("reader")
        kept = state_of(path)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"{path} is no file of a checker: {error}") from None
    if made_from != of:
        raise ValueError(f"{path} was made from weights with sha256 {made_from}, not {of}")
    net = CheckerNet(reader)
    state = net.state_dict()
    matrices = {name for name, value in state.items() if _has_rank(name, value)}
    if set(kept) != (set(state) - matrices) | {name + side for name in matrices for side in (_LEFT, _RIGHT)}:
        raise ValueError(f"{path} is no file of a checker: it has other parts")
    for name, value in state.items():
        state[name] = value + kept[name + _LEFT] @ kept[name + _RIGHT] if name in matrices else kept[name]
    net.load_state_dict(state)
    return net


def _has_rank(name: str, value: Tensor) -> bool:
    """Whether only the difference of a part from the reader's is kept."""
    return name.startswith("layer.") and value.ndim == 2
