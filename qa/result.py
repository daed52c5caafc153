"""What an answer is made of, and the answer JSON of the contract.

Flows in: what `qa.answer` found. Flows out: frozen dataclasses. Knows nothing of retrieval or models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from index.cable import Citation
from index.errors import InputError
from qa.models import QUOTES
from qa.retrieve import Hit

DOUBT = "This may not answer the question; nothing nearer was found."
_ADDRESS = ("reference_id", "section", "paragraph")


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange of the history; `citations` are the paragraphs that the answer rested on, as resolved, `quoted` the words that it is
    the gist of, where they are known."""

    question: str
    answer: str
    citations: tuple[Citation, ...] = ()
    quoted: str = ""


def turns_of(history: Any) -> list[Turn]:
    """The history that a row of JSON has, None where it has none; InputError where it is no history."""
    try:
        turns = [Turn(turn["question"], turn["answer"]) for turn in history or []]
        "".join(part for turn in turns for part in (turn.question, turn.answer))
    except (TypeError, KeyError):
        raise InputError('history is not a list of {"question": text, "answer": text}.') from None
    return turns


@dataclass(frozen=True, slots=True)
class Cited:
    """A resolved citation: `quote` is `text[start:end]` of the paragraph. `words_start`, `words_end`: where in the
    paragraph the answering words stand, or None. `score`: the probability that it answers, 0..1."""

    number: int
    citation: Citation
    item: str | None
    quote: str
    start: int
    end: int
    score: float
    words_start: int | None = None
    words_end: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, the numbers it cites, and whether they support it. `short`: the answering words alone,
    whose sentence follows among the other statements."""

    text: str
    citations: tuple[int, ...]
    verdict: str
    problems: tuple[str, ...] = ()
    short: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a question; `as_json` is the contract's answer JSON. `note`: what is said before the statements,
    and rests on none of them alone. `confidence`: the probability that the best passage answers, which abstaining goes by; 1 for
    what is quoted whole, 0 where nothing was read."""

    question: str
    rewritten_question: str
    answer: str
    abstained: bool
    statements: tuple[Statement, ...] = ()
    citations: tuple[Cited, ...] = ()
    rejected_citations: tuple[tuple[str, str], ...] = ()
    retrieved: tuple[Hit, ...] = ()
    model: str = QUOTES
    index: dict[str, Any] = field(default_factory=dict, hash=False)
    timings_ms: dict[str, float] = field(default_factory=dict, hash=False)
    note: str = ""
    confidence: float = 0.0

    @property
    def said(self) -> str:
        """The answer's text after the note."""
        return self.answer.removeprefix(self.note).strip()

    @property
    def doubtful(self) -> bool:
        """Whether the answer says of itself that it may not answer."""
        return DOUBT in self.note

    @property
    def gist(self) -> str:
        """What a follow-up leans on: the short answers, else the first statement that the cables bear out at least in part; empty
        where there is none."""
        if self.abstained or not self.statements:
            return ""
        borne_out = (one.text for one in self.statements if one.verdict in ("supported", "partly"))
        return "; ".join(one.text for one in self.statements if one.short) or next(borne_out, "")

    @property
    def turn(self) -> Turn:
        """This exchange as history."""
        places = tuple(dict.fromkeys(one.citation for one in self.citations))
        if not self.gist:
            return Turn(self.question, "")
        quotes = {one.number: one.quote for one in self.citations}
        short = [quotes[number] for one in self.statements if one.short for number in one.citations]
        return Turn(self.question, self.gist, places, " ".join(short))

    def as_json(self, id: Any = "") -> dict[str, Any]:
        """The answer JSON of the contract; `id`: the question's in a batch or a golden set, empty where it stands alone."""
        row: dict[str, Any] = {"id": id} | {
            key: getattr(self, key) for key in ("question", "rewritten_question", "answer", "abstained")
        }
        row["statements"] = [
            asdict(s) | {"citations": list(s.citations), "problems": list(s.problems)} for s in self.statements
        ]
        row["citations"] = [
            {"number": c.number, **asdict(c.citation), "item": c.item, "quote": c.quote, "start": c.start, "end": c.end,
             "score": round(c.score, 4), "words_start": c.words_start, "words_end": c.words_end}
            for c in self.citations
        ]  # fmt: skip
        row["rejected_citations"] = [{"marker": marker, "reason": reason} for marker, reason in self.rejected_citations]
        row["retrieved"] = [asdict(hit.citation) | {"score": round(hit.score, 4)} for hit in self.retrieved]
        return row | {"model": self.model, "index": self.index, "timings_ms": self.timings_ms}

    def as_kept(self, id: str = "") -> dict[str, Any]:
        """The answer JSON with the note: what `from_kept` reads."""
        return self.as_json(id) | {"note": self.note}

    @classmethod
    def from_kept(cls, row: Mapping[str, Any]) -> Answer:
        """The Answer that `as_kept` wrote, but for its confidence. Raises KeyError or TypeError where a part is missing."""
        return cls(
            **{key: row[key] for key in ("question", "rewritten_question", "answer", "abstained", "model", "index", "timings_ms")},
            statements=tuple(
                Statement(**one | {"citations": tuple(one["citations"]), "problems": tuple(one["problems"])})
                for one in row["statements"]
            ),
            citations=tuple(
                Cited(citation=citation_of(one), **{key: one[key] for key in one if key not in _ADDRESS})
                for one in row["citations"]
            ),
            rejected_citations=tuple((one["marker"], one["reason"]) for one in row["rejected_citations"]),
            retrieved=tuple(Hit(citation_of(one), one["score"]) for one in row["retrieved"]),
            note=row["note"],
        )  # fmt: skip


def citation_of(row: Mapping[str, Any]) -> Citation:
    """The citation that a row of JSON names."""
    return Citation(row["reference_id"], row["section"], row["paragraph"])
