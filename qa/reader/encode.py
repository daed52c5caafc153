"""From a question and a passage to the tokens that the reader's network sees, and back to characters.

Flows in: questions, contexts and texts. Flows out: `Pair`s, and batches of them as tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from index.passage import joined

LIMIT = 320  # tokens of a question and a passage together
QUESTION_LIMIT = 96  # of them, the question's


@dataclass(frozen=True, slots=True)
class Pair:
    """The tokens of one question and passage: `ids`, the number of the question's (`first`, special tokens included), and
    for each token of the passage's text its characters `text[start:end]`; None for the tokens of its context. `asked`: the
    same for the question's tokens, which begin at token 1."""

    ids: tuple[int, ...]
    first: int
    spans: tuple[tuple[int, int] | None, ...]
    asked: tuple[tuple[int, int], ...]


class PairEncoder:
    """Encodes pairs with the tokenizer of a BERT model without case; safe to use from several threads."""

    def __init__(self, tokenizer_json: str) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls = self.id_of("[CLS]")
        self._sep = self.id_of("[SEP]")

    def id_of(self, token: str) -> int:
        """The number of a token; raises ValueError where there is none."""
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}: it is not that of a BERT model")
        return found

    def __call__(self, question: str, contexts_and_texts: Sequence[tuple[str, str]]) -> list[Pair]:
        """A Pair for each passage; what does not fit the limit is cut from the end of the passage."""
        encoded = self._tokenizer.encode(question, add_special_tokens=False)
        asked = tuple(encoded.offsets[: QUESTION_LIMIT - 2])
        first = [self._cls, *encoded.ids[: len(asked)], self._sep]
        room = LIMIT - len(first) - 1
        passages = [joined(context, text) for context, text in contexts_and_texts]
        found = []
        encodings = self._tokenizer.encode_batch(passages, add_special_tokens=False)
        for (_, text), passage, encoding in zip(contexts_and_texts, passages, encodings, strict=True):
            before = len(passage) - len(text)
            spans = [(s - before, e - before) if s >= before else None for s, e in encoding.offsets[:room]]
            found.append(Pair((*first, *encoding.ids[:room], self._sep), len(first), tuple(spans), asked))
        return found


def batch(pairs: Sequence[Pair]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`ids`, `types`, `mask` (int64) and `inside` (bool), all (n, longest): see `ReaderNet.forward`."""
    shape = len(pairs), max(len(pair.ids) for pair in pairs)
    ids, types, mask = (torch.zeros(shape, dtype=torch.int64) for _ in range(3))
    inside = torch.zeros(shape, dtype=torch.bool)
    inside[:, 0] = True
    for row, pair in enumerate(pairs):
        ids[row, : len(pair.ids)] = torch.tensor(pair.ids)
        types[row, pair.first : len(pair.ids)] = 1
        mask[row, : len(pair.ids)] = 1
        inside[row, pair.first : pair.first + len(pair.spans)] = torch.tensor(
            [span is not None for span in pair.spans], dtype=torch.bool
        )
    return ids, types, mask, inside
