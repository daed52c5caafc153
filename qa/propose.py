"""Help to write a golden set: proposes rows over a sample of paragraphs, and measures how hard a set is.

Flows in: a Store, and a language model where there is one. Flows out: golden rows for a person to accept or drop; a
Hardness. Judges no answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from index.cable import Cable, Paragraph
from index.passage import sentences
from index.store import Store
from prompts import render
from qa.golden import GoldenRow
from qa.instructions import as_data
from qa.metrics import answer_match, interval, normalised, success
from qa.numbers import figures
from qa.stream import stream
from qa.words import STOP_WORDS

if TYPE_CHECKING:
    from qa.models import Model

LEAST = 20  # words of a paragraph that is asked about
SENTENCE = (8, 40)  # words of a sentence with a gap, least and most
BLANK = "____"
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z'’-]{2,}(?: [A-Z][a-z'’-]+)+")
_REPLY = re.compile(r"QUESTION:\s*(?P<question>\S.*?)\s*\n+\s*ANSWER:\s*(?P<answer>\S[^\n]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Hardness:
    """How hard a golden set is, over its `n` answerable rows; the higher either is, the easier.

    `overlap`: mean share of a question's content words that stand in its evidence. `bm25`: success@1 of BM25 alone, at
    paragraph level, with its 95% interval `low` to `high`.
    """

    overlap: float
    bm25: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return (
            f"{self.overlap:.0%} of the questions' content words stand in their evidence; success@1 of BM25 alone "
            f"{self.bm25:.3f} [{self.low:.3f}, {self.high:.3f}], n={self.n}"
        )


def hardness(rows: Sequence[GoldenRow], store: Store) -> Hardness:
    """See `Hardness`; all 0 where no row is answerable."""
    asked = [row for row in rows if row.answerable]
    if not asked:
        return Hardness(0.0, 0.0, 0.0, 0.0, 0)
    first = [success(_bm25(row.question, store), row.groups, 1) for row in asked]
    return Hardness(fmean(_overlap(row, store) for row in asked), fmean(first), *interval(first), len(asked))


def _content(text: str) -> list[str]:
    return [word for word in normalised(text) if word not in STOP_WORDS and word != BLANK]


def _overlap(row: GoldenRow, store: Store) -> float:
    said = set(normalised(" ".join(store.paragraph(c).text for group in row.groups for c in group)))
    words = _content(row.question)
    return fmean(word in said for word in words) if words else 0.0


def _bm25(question: str, store: Store) -> list[Any]:
    found = store.lexical(" ".join(_content(question)) or question, 20)
    known = store.passages([i for i, _ in found])
    return list(dict.fromkeys(known[i].citation for i, _ in found))


def propose(store: Store, most: int, seed: int = 0, model: Model | None = None) -> Iterator[dict[str, Any]]:
    """At most `most` golden rows, each over another paragraph, cables in turn; the same for the same `seed`.

    With `model`, its question, where its answer stands in the paragraph; without, a sentence with a gap where a figure or a name
    stood (cloze: Taylor, 1953). Each has the key `drafted`: `model` or `cloze`. Raises ModelUnavailable.
    """
    draw = random.Random(seed)
    made = 0
    for cable, paragraph in _sample(store, draw):
        if made == most:
            return
        pair = _asked_by(model, cable, paragraph) if model else _cloze(paragraph.text, draw)
        if pair:
            made += 1
            yield {
                "id": f"draft-{made:03}", "type": "single" if model else "cloze", "question": pair[0], "history": [],
                "answer": pair[1], "answer_aliases": [],
                "evidence": [{"reference_id": cable.reference_id, "section": paragraph.section, "paragraph": paragraph.paragraph,
                              "item": None, "group": "r1"}],
                "answerable": True, "drafted": "model" if model else "cloze",
            }  # fmt: skip


def _sample(store: Store, draw: random.Random) -> Iterator[tuple[Cable, Paragraph]]:
    """Every paragraph of at least `LEAST` words, in random order: one of each cable, then a second of each ..."""
    names = sorted(row.reference_id for row in store.cables())
    draw.shuffle(names)
    seeds = {name: draw.random() for name in names}
    turn = 0
    while names:
        left = []
        for name in names:
            cable = store.cable(name)
            long = [p for p in cable.paragraphs if len(p.text.split()) >= LEAST]
            random.Random(seeds[name]).shuffle(long)
            if turn < len(long):
                yield cable, long[turn]
                left.append(name)
        names, turn = left, turn + 1


def _cloze(text: str, draw: random.Random) -> tuple[str, str] | None:
    """A sentence with a gap, and what stood there; None where no sentence has a figure or a name to leave out."""
    found = []
    for start, end in sentences(text):
        sentence = " ".join(text[start:end].split())
        if SENTENCE[0] <= len(sentence.split()) <= SENTENCE[1]:
            names = [match[0] for match in _NAME.finditer(sentence)]
            for words in [*figures(sentence).values(), *names]:
                if len(re.findall(rf"(?<!\w){re.escape(words)}(?!\w)", sentence)) == 1 and len(words) > 1:
                    found.append((sentence, words))
    if not found:
        return None
    sentence, words = draw.choice(found)
    gap = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", BLANK, sentence)
    return f"What is missing here: “{gap}”", words


def _asked_by(model: Model, cable: Cable, paragraph: Paragraph) -> tuple[str, str] | None:
    said = "".join(stream(model, render("golden_question", subject=cable.subject, paragraph=as_data(paragraph.text))))
    match = _REPLY.search(said)
    if (
        not match
        or not answer_match(paragraph.text, match["answer"])
        or answer_match(match["question"], match["answer"])
    ):
        return None
    return " ".join(match["question"].split()), match["answer"].strip()
