"""The checker: a network of its own that reads a passage and a statement, and tells whether the one bears the other out.

Flows in: token ids of a passage and a statement. Flows out: `Scores`: support and wrong of a statement, answers of a
question; the others are not used. Its encoder is DeBERTa-v3-xsmall with three tenths of its vocabulary (36 million parameters), which
had been trained to tell whether one text follows from another (`qa.reader.start_checker`).
"""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from qa.reader.deberta import Deberta
from qa.reader.encode import PairEncoder
from qa.reader.net import Heads, Scores, save_state, state_of

TOKENIZER = "tokenizer"  # key of its JSON in the metadata of the file
WORDS = "deberta.embeddings.word_embeddings.weight"
HIDDEN, LAYERS, ATTENTION_HEADS = 384, 12, 6


class CheckerNet(Heads):
    """The encoder over `vocabulary` tokens, a pooler and the heads."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__(HIDDEN)
        self.deberta = Deberta(vocabulary, HIDDEN, LAYERS, ATTENTION_HEADS)
        self.pooler = nn.Linear(HIDDEN, HIDDEN)
        nn.init.zeros_(self.worst.weight)  # until it is known which tokens are wrong

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, inside: Tensor) -> Scores:
        """As `ReaderNet.forward`; the passage stands first."""
        states = self.deberta(ids, mask)
        return self.scores(states, nn.functional.gelu(self.pooler(states[:, 0])), types, mask, inside)


def save_checker(net: CheckerNet, path: Path, tokenizer: str) -> str:
    """Writes the network as `save_state` does, with the JSON of its `tokenizer`; returns the file's sha256."""
    return save_state(net.state_dict(), path, {TOKENIZER: tokenizer})


def load_checker(path: Path) -> tuple[CheckerNet, PairEncoder]:
    """The network, in float32, and the encoder in a file that `save_checker` wrote; raises ValueError where it is no such file."""
    try:
        with safe_open(path, "pt") as file:
            tokenizer = (file.metadata() or {})[TOKENIZER]
        state = state_of(path)
        net = CheckerNet(len(state[WORDS]))
        net.load_state_dict(state)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise ValueError(f"{path} is no file of a checker: {str(error).splitlines()[0]}") from None
    return net, PairEncoder(tokenizer, passage_first=True)
