"""The reader's network: one encoder over (question, passage) with five heads, and the file its weights are kept in.

Flows in: token ids of a question, or a statement, and a passage. Flows out: `Scores`. Knows nothing of cables. torch and transformers are imported with this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

LOW = -1e4  # a logit of what cannot be
SUPPORT = ("supported", "partly", "unsupported", "contradicted")
WRONG = (
    4.0  # weight of a wrong token against one that is borne out, in training: even odds are at a logit of log(WRONG)
)


class Scores(NamedTuple):
    """Logits for a batch of n pairs of at most t tokens; higher is better.

    `relevance` (n,): ranks passages for one question. `answers` (n,): whether the passage answers, as a logit of
    probability. `start`, `end` (n, t): where the answer's first and last token are; position 0 stands for none. `support`
    (n, 4): whether the passage supports a statement in the question's place, in the order of `SUPPORT`. `wrong` (n, t): for
    each token of the statement, whether it is what the passage does not bear out, likelier than not above log(`WRONG`).
    """

    relevance: Tensor
    answers: Tensor
    start: Tensor
    end: Tensor
    support: Tensor
    wrong: Tensor


class Heads(nn.Module):
    """Five heads over an encoder with hidden states of `hidden`. Support weighs the whole pair and, by a soft maximum over
    them, the wrong tokens."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(hidden, 1)
        self.answers = nn.Linear(hidden, 1)
        self.span = nn.Linear(hidden, 2)
        self.support = nn.Linear(hidden, len(SUPPORT))
        self.wrong = nn.Linear(hidden, 1)
        self.worst = nn.Linear(1, len(SUPPORT), bias=False)

    def scores(self, states: Tensor, pooled: Tensor, types: Tensor, mask: Tensor, inside: Tensor) -> Scores:
        """From hidden states (n, t, hidden) and what stands for the whole pair (n, hidden); the rest as in `ReaderNet`."""
        start, end = self.span(states).float().unbind(-1)
        own = (types == 0) & (mask == 1)
        stated = own & nn.functional.pad(own[:, 1:], (0, 1))  # without [SEP]
        stated[:, 0] = False  # nor [CLS]
        wrong = self.wrong(states).float().squeeze(-1).masked_fill(~stated, LOW)
        worst = self.worst(wrong.logsumexp(-1, keepdim=True).to(pooled.dtype))
        return Scores(
            self.classifier(pooled).float().squeeze(-1), self.answers(pooled).float().squeeze(-1),
            start.masked_fill(~inside, LOW), end.masked_fill(~inside, LOW),
            self.support(pooled).float() + worst.float(), wrong,
        )  # fmt: skip


class ReaderNet(Heads):
    """MiniLM-L12 (33M parameters) with the heads; `dropout` while it is trained."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__(384)
        config = BertConfig(
            vocab_size=30522, hidden_size=384, num_hidden_layers=12, num_attention_heads=12, intermediate_size=1536,
            attention_probs_dropout_prob=dropout, hidden_dropout_prob=dropout,
        )  # fmt: skip
        config._attn_implementation = "sdpa"
        self.bert = BertModel(config)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, inside: Tensor) -> Scores:
        """`ids`, `types` (0 for the question, 1 for the passage) and `mask` (1 for a token): int64 (n, t). `inside`: bool
        (n, t), the tokens where an answer may begin and end, and position 0."""
        out = self.bert(input_ids=ids, token_type_ids=types, attention_mask=mask)
        return self.scores(out.last_hidden_state, out.pooler_output, types, mask, inside)


def save_weights(net: nn.Module, path: Path) -> str:
    """Writes the network's weights as `save_state` does."""
    return save_state(net.state_dict(), path)


def save_state(state: Mapping[str, Tensor], path: Path, about: dict[str, str] | None = None) -> str:
    """Writes matrices as int8 with a scale for each row, the rest as float32, and words `about` them; returns the file's sha256."""
    kept: dict[str, Tensor] = {}
    for name, value in state.items():
        value = value.detach().cpu().float()
        if value.ndim == 2:
            scale = value.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
            kept[f"{name}.int8"], kept[f"{name}.scale"] = (value / scale).round().to(torch.int8).contiguous(), scale
        else:
            kept[name] = value.contiguous()
    save_file(kept, path, about)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_weights(path: Path) -> ReaderNet:
    """The network in float32 with the weights of a file that `save_weights` wrote; not yet in `eval` mode."""
    net = ReaderNet()
    net.load_state_dict(state_of(path))
    return net


def start_from(path: Path, net: Heads, encoder: str) -> None:
    """Gives `net` the `encoder` (the name of its part), and what heads there are, of a file that `save_state` wrote; other heads
    stay as they are. Raises ValueError where the file does not fit."""
    missing = net.load_state_dict(state_of(path), strict=False)
    if missing.unexpected_keys or any(name.startswith(f"{encoder}.") for name in missing.missing_keys):
        raise ValueError(f"{path} does not fit: {missing}")


def state_of(path: Path) -> dict[str, Tensor]:
    """The state, in float32, in a file that `save_state` wrote."""
    kept = load_file(path)
    state = {name: value for name, value in kept.items() if not name.endswith((".int8", ".scale"))}
    for name in kept:
        if name.endswith(".int8"):
            name = name.removesuffix(".int8")
            state[name] = kept[f"{name}.int8"].float() * kept[f"{name}.scale"]
    return state
