"""The reader's network: one encoder over a passage and a question, or a statement, with five heads, and the file it is kept in.

Flows in: token ids of a passage and a question or a statement. Flows out: `Scores`. Knows nothing of cables. The encoder is
DeBERTa-v3-xsmall with three tenths of its vocabulary (36 million parameters), which had been trained to tell whether one text
follows from another (`qa.reader.start`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from qa.reader.deberta import Deberta
from qa.reader.encode import PairEncoder

TOKENIZER = "tokenizer"  # key of its JSON in the metadata of the file
WORDS = "deberta.embeddings.word_embeddings.weight"
HIDDEN, LAYERS, ATTENTION_HEADS = 384, 12, 6
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


class ReaderNet(nn.Module):
    """The encoder over `vocabulary` tokens, a pooler and five heads. Support weighs the whole pair and, by a soft maximum over them,
    the wrong tokens."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.deberta = Deberta(vocabulary, HIDDEN, LAYERS, ATTENTION_HEADS)
        self.pooler = nn.Linear(HIDDEN, HIDDEN)
        self.classifier = nn.Linear(HIDDEN, 1)  # relevance
        self.answers = nn.Linear(HIDDEN, 1)
        self.span = nn.Linear(HIDDEN, 2)
        self.support = nn.Linear(HIDDEN, len(SUPPORT))
        self.wrong = nn.Linear(HIDDEN, 1)
        self.worst = nn.Linear(1, len(SUPPORT), bias=False)
        nn.init.zeros_(self.worst.weight)  # until it is known which tokens are wrong

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, inside: Tensor) -> Scores:
        """`ids`, `types` (1 for the passage, 0 for the question) and `mask` (1 for a token): int64 (n, t). `inside`: bool
        (n, t), the tokens where an answer may begin and end, and position 0."""
        states = self.deberta(ids, mask)
        return self.scores(states, nn.functional.gelu(self.pooler(states[:, 0])), types, mask, inside)

    def scores(self, states: Tensor, pooled: Tensor, types: Tensor, mask: Tensor, inside: Tensor) -> Scores:
        """From hidden states (n, t, hidden) and what stands for the whole pair (n, hidden); the rest as in `forward`."""
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


def save_weights(net: ReaderNet, path: Path, tokenizer: str) -> str:
    """Writes matrices as int8 with a scale for each row, the rest as float32, and the JSON of the `tokenizer`; returns the file's
    sha256."""
    kept: dict[str, Tensor] = {}
    for name, value in net.state_dict().items():
        value = value.detach().cpu().float()
        if value.ndim == 2:
            scale = value.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
            kept[f"{name}.int8"], kept[f"{name}.scale"] = (value / scale).round().to(torch.int8).contiguous(), scale
        else:
            kept[name] = value.contiguous()
    save_file(kept, path, {TOKENIZER: tokenizer})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_weights(path: Path) -> tuple[ReaderNet, PairEncoder]:
    """The network, in float32, not yet in `eval` mode, and the encoder in a file that `save_weights` wrote; raises ValueError where it
    is no such file."""
    try:
        with safe_open(path, "pt") as file:
            tokenizer = (file.metadata() or {})[TOKENIZER]
        kept = load_file(path)
        state = {name: value for name, value in kept.items() if not name.endswith((".int8", ".scale"))}
        for name in (name.removesuffix(".int8") for name in kept if name.endswith(".int8")):
            state[name] = kept[f"{name}.int8"].float() * kept[f"{name}.scale"]
        net = ReaderNet(len(state[WORDS]))
        net.load_state_dict(state)
        return net, PairEncoder(tokenizer)
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is no file of the reader's weights: {str(error).splitlines()[0]}") from None
