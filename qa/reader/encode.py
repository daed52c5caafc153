"""From a question, or a statement, and a passage to the tokens that the reader's network sees, and back to characters.

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
PASSAGE_AT = 1  # where the passage begins, after [CLS]


@dataclass(frozen=True, slots=True)
class Pair:
    """The tokens of one passage and question: `ids`. `spans`: for each token of the passage, which begins at `PASSAGE_AT`, its
    characters `text[start:end]`, None for the tokens of its context. `asked`: the same for the question's tokens, which begin at
    `asked_at`."""

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int] | None, ...]
    asked: tuple[tuple[int, int], ...]

    @property
    def asked_at(self) -> int:
        return PASSAGE_AT + len(self.spans) + 1


class PairEncoder:
    """Encodes pairs with the tokenizer of a BERT or DeBERTa model, the passage first; safe to use from several threads."""

    def __init__(self, tokenizer_json: str) -> None:
        self.tokenizer_json = tokenizer_json
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # whatever a text that is none makes it raise
            raise ValueError(f"no tokenizer: {str(error).splitlines()[0]}") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls = self.id_of("[CLS]")
        self._sep = self.id_of("[SEP]")

    def id_of(self, token: str) -> int:
        """The number of a token; raises ValueError where there is none."""
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}: it is not that of a BERT or DeBERTa model")
        return found

    def __call__(self, question: str, contexts_and_texts: Sequence[tuple[str, str]]) -> list[Pair]:
        """A Pair for each passage; what does not fit the limit is cut from the end of the passage, and of a question what is longer than
        `QUESTION_LIMIT` tokens."""
        encoded = self._tokenizer.encode(question, add_special_tokens=False)
        asked = tuple(encoded.offsets[: QUESTION_LIMIT - 2])
        own = encoded.ids[: len(asked)]
        room = LIMIT - len(own) - 3
        passages = [joined(context, text) for context, text in contexts_and_texts]
        found = []
        encodings = self._tokenizer.encode_batch(passages, add_special_tokens=False)
        for (_, text), passage, encoding in zip(contexts_and_texts, passages, encodings, strict=True):
            before = len(passage) - len(text)
            spans = [(max(s - before, 0), e - before) if e > before else None for s, e in encoding.offsets[:room]]
            read = encoding.ids[:room]
            ids = (self._cls, *read, self._sep, *own, self._sep)
            found.append(Pair(ids, tuple(spans), asked))
        return found


def batch(pairs: Sequence[Pair]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`ids`, `types`, `mask` (int64) and `inside` (bool), all (n, longest): see `ReaderNet.forward`."""
    shape = len(pairs), max(len(pair.ids) for pair in pairs)
    ids, types, mask = (torch.zeros(shape, dtype=torch.int64) for _ in range(3))
    inside = torch.zeros(shape, dtype=torch.bool)
    inside[:, 0] = True
    for row, pair in enumerate(pairs):
        ids[row, : len(pair.ids)] = torch.tensor(pair.ids)
        types[row, PASSAGE_AT : pair.asked_at] = 1  # with the [SEP] behind it
        mask[row, : len(pair.ids)] = 1
        inside[row, PASSAGE_AT : PASSAGE_AT + len(pair.spans)] = torch.tensor(
            [span is not None for span in pair.spans], dtype=torch.bool
        )
    return ids, types, mask, inside
