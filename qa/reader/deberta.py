"""DeBERTa's encoder (He et al. 2021), version 3, for the reader: attention over words and, apart, over how far they stand from each other.

Flows in: token ids. Flows out: hidden states. The parts have the names that transformers' `DebertaV2Model` has, and do the same; that one
looks each pair of positions up (`gather`), which takes most of its time on a CPU. Here the scores by distance are shifted into their
places instead, several times as fast, and of one long text, whose scores do not fit a core's cache together, some heads at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

BUCKETS = 256  # distances of a direction that are told apart: each up to half of them, then ever coarser
FARTHEST = 512  # tokens, the distance of the last bucket
EPSILON = 1e-7
CACHE = 2**20  # bytes of scores by distance that a core keeps at hand


class Deberta(nn.Module):
    """`layers` layers of `hidden` with `heads` heads, over `vocabulary` tokens."""

    def __init__(self, vocabulary: int, hidden: int, layers: int, heads: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(vocabulary, hidden, padding_idx=0),
                "LayerNorm": nn.LayerNorm(hidden, EPSILON),
            }
        )
        self.encoder = _Encoder(hidden, layers, heads)

    def settle(self, longest: int) -> None:
        """Works out once what the distances in a text of `longest` tokens come to, which depends on the weights alone: for a network
        that stays as it is, and where it is, and is shown no longer text."""
        with torch.inference_mode():
            distances = self.encoder.LayerNorm(self.encoder.rel_embeddings.weight)
            for part in self.modules():
                if isinstance(part, _Attention):
                    part.settled = part.of_distances(distances, _buckets(longest).to(distances.device))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """States (n, t, hidden) of `ids` (n, t), int64; `mask` (n, t): 1 for a token; t is 2 at least."""
        states = self.embeddings["LayerNorm"](self.embeddings["word_embeddings"](ids))
        found: Tensor = self.encoder(states, None if mask.all() else mask)
        return found


class _Encoder(nn.Module):
    def __init__(self, hidden: int, layers: int, heads: int) -> None:
        super().__init__()
        self.rel_embeddings = nn.Embedding(2 * BUCKETS, hidden)
        self.LayerNorm = nn.LayerNorm(hidden, EPSILON)
        self.layer = nn.ModuleList(_Layer(hidden, heads) for _ in range(layers))

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        distances, buckets = self.LayerNorm(self.rel_embeddings.weight), _buckets(states.shape[1]).to(states.device)
        for layer in self.layer:
            states = layer(states, mask, distances, buckets)
        return states


class _Layer(nn.Module):
    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": _Attention(hidden, heads), "output": _Output(hidden, hidden)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(hidden, 4 * hidden)})
        self.output = _Output(4 * hidden, hidden)

    def forward(self, states: Tensor, mask: Tensor | None, distances: Tensor, buckets: Tensor) -> Tensor:
        states = self.attention["output"](self.attention["self"](states, mask, distances, buckets), states)
        found: Tensor = self.output(nn.functional.gelu(self.intermediate["dense"](states)), states)
        return found


class _Output(nn.Module):
    def __init__(self, wide: int, hidden: int) -> None:
        super().__init__()
        self.dense = nn.Linear(wide, hidden)
        self.LayerNorm = nn.LayerNorm(hidden, EPSILON)

    def forward(self, states: Tensor, before: Tensor) -> Tensor:
        found: Tensor = self.LayerNorm(self.dense(states) + before)
        return found


class _Attention(nn.Module):
    """Words to words, words to distances and distances to words, in one softmax."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.query_proj, self.key_proj, self.value_proj = (nn.Linear(hidden, hidden) for _ in range(3))
        self.heads = heads
        self.settled: tuple[Tensor, Tensor] | None = None

    def of_distances(self, distances: Tensor, buckets: Tensor) -> tuple[Tensor, Tensor]:
        """Queries from first to last and keys from last to first (heads, hidden of a head, 2t - 1) of the rows `buckets` (2t - 1,) of
        the `distances` (number, hidden)."""
        query, key = (
            part(distances).view(len(distances), self.heads, -1).permute(1, 2, 0).index_select(2, rows)
            for part, rows in ((self.query_proj, buckets), (self.key_proj, buckets.flip(0)))
        )
        return query, key

    def forward(self, states: Tensor, mask: Tensor | None, distances: Tensor, buckets: Tensor) -> Tensor:
        """States (n, t, hidden) and `mask` (n, t), None where nothing is padding; `buckets` (2t - 1,): the rows of `distances`
        from t - 1 tokens before to t - 1 behind."""
        n, t, hidden = states.shape
        query, key, value = (
            part(states).view(n, t, self.heads, -1).transpose(1, 2)
            for part in (self.query_proj, self.key_proj, self.value_proj)
        )
        if self.settled:
            spare = (self.settled[0].shape[-1] + 1) // 2 - t
            far_query, far_key = (part[..., spare : spare + 2 * t - 1] for part in self.settled)
        else:
            far_query, far_key = self.of_distances(distances, buckets)
        together = max(1, CACHE // (t * (2 * t - 1) * states.itemsize)) if n == 1 else self.heads
        parts = zip(*(part.split(together, -3) for part in (query, key, value, far_query, far_key)), strict=True)
        return torch.cat([_attended(some, mask) for some in parts], 1).transpose(1, 2).reshape(n, t, hidden)


def _attended(parts: Sequence[Tensor], mask: Tensor | None) -> Tensor:
    """What each position draws, (n, heads, t, size), of `parts`: queries, keys and values, alike, and queries and keys of distances
    (heads, size, 2t - 1)."""
    query, key, value, far_query, far_key = parts
    scores = query @ key.transpose(-1, -2)
    scores += _shifted(query @ far_key)
    scores += _shifted(key @ far_query).transpose(-1, -2)
    scores /= math.sqrt(3 * query.shape[-1])
    if mask is not None:
        scores.masked_fill_(~mask.bool()[:, None, None, :], torch.finfo(scores.dtype).min)
    return scores.softmax(-1, dtype=torch.float32).to(value.dtype) @ value


def _shifted(scores: Tensor) -> Tensor:
    """(..., t, t) with `scores[i, j - i + t - 1]` at (i, j), of scores (..., t, 2t - 1); t is 2 at least."""
    t = scores.shape[-2]
    rows = scores.flatten(-2)[..., t - 1 : t - 1 + t * (2 * t - 2)].reshape(*scores.shape[:-1], 2 * t - 2)
    return rows[..., :t]


def _buckets(t: int) -> Tensor:
    """The number of the bucket of each distance -(t - 1) .. t - 1."""
    distance = torch.arange(1 - t, t)
    middle = BUCKETS // 2
    far = distance.abs().clamp(min=middle).float()
    coarse = middle + torch.ceil((far / middle).log() / math.log((FARTHEST - 1) / middle) * (middle - 1))
    bucket = torch.where(distance.abs() < middle, distance, (coarse * distance.sign()).long())
    return (bucket + BUCKETS).clamp(0, 2 * BUCKETS - 1)
