"""What the reader is trained and measured on: questions, each with passages that answer it or do not.

Flows in: the files of reading data. Flows out: `Asked`, a question with its passages and the answering words in each.
Three sources: passages with questions of their own (`passages.jsonl`, `questions.jsonl`; more of them in `written/`), public
reading questions (`*.jsonl.gz`, SQuAD's format flattened), and invented cables with questions over the whole cable (`cables/`).
Beside them `Stated`: statements with the passage that supports them or does not.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from index.passage import context_of, sentences
from qa.follow import standalone
from qa.reader.alter import altered, exchanged, turned
from qa.reader.evidence import stems

FOLLOWUPS, QUESTIONS, STATEMENTS = "followups.jsonl", "questions.jsonl", "statements.jsonl"
WRITTEN = Path(__file__).parent / "written"  # questions and statements over the passages and cables, beside their own
HELD_OUT = 0.2  # share of the passages of `passages.jsonl`, and of the cables, that is never trained on


@dataclass(frozen=True, slots=True)
class Read:
    """A passage: `text` after its `context`; `spans` are the answers in `text`, none where it does not answer."""

    context: str
    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and passages: those that answer, then those named as traps, then the rest, the hardest first."""

    question: str
    passages: tuple[Read, ...]
    group: str  # what is split between training and held-out data: a passage's id, or a cable's

    @property
    def answering(self) -> int:
        """How many of the passages answer."""
        return sum(bool(read.spans) for read in self.passages)


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement, the passage that it is said to rest on, and whether that supports it: one of `net.SUPPORT`. `wrong`: the
    characters of it that the passage does not bear out; None where they are not known. `kind`: its writer's word for what is
    wrong with it, after its label."""

    statement: str
    passage: Read
    label: str
    group: str
    wrong: tuple[tuple[int, int], ...] | None = None
    kind: str = ""


def held_out(group: str) -> bool:
    """Whether a passage or cable is kept for measuring: decided by its id alone."""
    return int(sha256(group.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF < HELD_OUT


def copies(passages: Iterable[tuple[str, str]], words: int = 12) -> set[str]:
    """Of passages (group, text) those to train on that repeat a run of `words` words of one that is held out."""
    runs: dict[bool, dict[str, set[tuple[str, ...]]]] = {True: {}, False: {}}
    for group, text in dict.fromkeys(passages):
        said = re.findall(r"\w+", text.lower())
        runs[held_out(group)][group] = {tuple(said[n : n + words]) for n in range(len(said) - words + 1)}
    away = set().union(*runs[True].values())
    return {group for group, own in runs[False].items() if own & away}


def passage_questions(folder: Path, nearest: int = 4, written: Path | None = None) -> list[Asked]:
    """`passages.jsonl` and `questions.jsonl`, and those of `written`: each question with its passage, then the `nearest`
    others by words shared with the question, of the same side of the split."""
    passages = {row["id"]: row for row in _rows(folder / "passages.jsonl")}
    texts = {name: row["passage"] for name, row in passages.items()}
    sides = {side: _Nearest({n: t for n, t in texts.items() if held_out(n) == side}) for side in (True, False)}
    asked = []
    for row in [*_rows(folder / QUESTIONS), *(_rows(written / QUESTIONS) if written else ())]:
        name, question = row["passage_id"], row["question"]
        span = ((row["start"], row["start"] + len(row["answer"])),) if row["answerable"] else ()
        others = [n for n in sides[held_out(name)].to(question, nearest + 1) if n != name][:nearest]
        reads = [Read("", texts[name], span), *(Read("", texts[n], ()) for n in others)]
        asked.append(Asked(question, tuple(reads), name))
    return asked


def public_questions(files: Iterable[Path], nearest: int = 2) -> list[Asked]:
    """SQuAD rows: each question with its paragraph, then the `nearest` others of the same article that lack the answer."""
    asked = []
    for file in sorted(files):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        articles: dict[str, dict[str, str]] = defaultdict(dict)
        for row in rows:
            articles[row["title"]][row["context"]] = row["context"]
        near = {title: _Nearest(texts) for title, texts in articles.items()}
        for row in rows:
            spans = tuple(sorted({(a["answer_start"], a["answer_start"] + len(a["text"])) for a in row["answers"]}))
            words = [a["text"].lower() for a in row["answers"]]
            others = [
                text for text in near[row["title"]].to(row["question"], nearest + 3)
                if text != row["context"] and not any(word in text.lower() for word in words)
            ]  # fmt: skip
            reads = [Read("", row["context"], spans), *(Read("", text, ()) for text in others[:nearest])]
            asked.append(Asked(row["question"], tuple(reads), row["title"]))
    return asked


def cable_questions(folder: Path) -> list[Asked]:
    """Invented cables: each question with every paragraph of its cable: those that answer, those named as traps, and the
    rest by words shared with the question; paragraphs of which the two readers were not sure are left out. A cross
    question has the paragraphs of both cables. A follow-up is joined to its history as `qa.question.standalone` does."""
    cables = {cable["id"]: cable for cable in _cables(folder)}
    own = {name: [(row, row["question"]) for row in cable["questions"]] for name, cable in cables.items()}
    for row in _rows(folder / FOLLOWUPS) if (folder / FOLLOWUPS).exists() else ():
        history = [(turn["question"], turn["answer"]) for turn in row["history"]]
        own[row["cable"]].append((row, standalone(row["question"], history)))
    return [_over_cable(cables, cables[name], *pair) for name, pairs in own.items() for pair in pairs]


def _over_cable(cables: dict[str, Any], cable: dict[str, Any], row: dict[str, Any], question: str) -> Asked:
    spans: dict[tuple[str, str], list[str]] = defaultdict(list)
    for answer in row["answers"]:
        spans[answer.get("cable", cable["id"]), answer["paragraph"]].append(answer["span"])
    reads = {}
    for name in dict.fromkeys([cable["id"], *(name for name, _ in spans)]):
        for p in cables[name]["paragraphs"]:
            number = p["paragraph"] if name == cable["id"] else f"{name} {p['paragraph']}"
            if number not in row.get("unsure", []):
                context = context_of(cables[name]["subject"], p["heading"], cables[name]["post"], cables[name]["date"])
                words = spans.get((name, p["paragraph"]), [])
                at = [p["text"].index(word) for word in words]
                found = tuple((start, start + len(word)) for start, word in zip(at, words, strict=True))
                reads[name, p["paragraph"]] = Read(context, p["text"], found)
    traps = [key for number in row.get("tempting", []) if (key := (cable["id"], number)) in reads]
    keys = list(reads)
    near = _Nearest({str(n): reads[key].text for n, key in enumerate(keys)}).to(question, len(keys))
    order = dict.fromkeys([*spans, *traps, *(keys[int(n)] for n in near)])
    return Asked(question, tuple(reads[key] for key in order), cable["id"].rstrip("ab"))


def statements(data: Path, cables: Path, written: Path | None = None) -> list[Stated]:
    """The statements of `data`/support over passages, of `cables`/statements.jsonl over the invented cables, and of `written`
    over both. A false one that was turned from a true one (`of`) shows which of its words are wrong."""
    reads = {(row["id"], None): Read("", row["passage"], ()) for row in _rows(data / "reader" / "passages.jsonl")}
    for cable in _cables(cables):
        for p in cable["paragraphs"]:
            context = context_of(cable["subject"], p["heading"], cable["post"], cable["date"])
            reads[cable["id"], p["paragraph"]] = Read(context, p["text"], ())
    files = [data / "support" / STATEMENTS, cables / STATEMENTS, *([written / STATEMENTS] if written else [])]
    found = []
    for row in (row for file in files if file.exists() for row in _rows(file)):
        name = row.get("passage_id") or row["cable"]
        read = reads[name, row.get("paragraph")]
        group = name.rstrip("ab") if "cable" in row else name
        wrong = turned(row["of"], row["statement"]) if "of" in row else () if row["label"] == "supported" else None
        found.append(Stated(row["statement"], read, row["label"], group, wrong, row.get("kind", "")))
    return found


def alterations(stated: Iterable[Stated], passages: Iterable[tuple[str, Read]], rng: Random) -> list[Stated]:
    """Drawn by `rng`: each supported statement made false by one change (`qa.reader.alter`), and of each passage (with its
    group) a sentence, as it stands or so changed."""
    drawn = []
    for one in stated:
        if one.label == "supported" and (made := altered(one.statement, one.passage.text, rng)):
            drawn.append(Stated(made.text, one.passage, "contradicted", one.group, made.changed))
    for group, read in passages:
        whole = [" ".join(read.text[start:end].split()) for start, end in sentences(read.text)]
        long = [sentence for sentence in whole if 40 <= len(sentence) <= 300]
        if not long:
            continue
        sentence = rng.choice(long)
        made = altered(sentence, read.text, rng)
        if rng.random() < 0.5 or not made:
            drawn.append(Stated(sentence, read, "supported", group, ()))
        else:
            drawn.append(Stated(made.text, read, "contradicted", group, made.changed))
    return drawn


def exchanges(stated: Iterable[Stated], rng: Random) -> list[Stated]:
    """Each supported statement with one fact exchanged for another that stands in its passage (`qa.reader.alter.exchanged`)."""
    supported = [one for one in stated if one.label == "supported"]
    made = [(one, exchanged(one.statement, one.passage.text, rng)) for one in supported]
    return [Stated(new.text, one.passage, "contradicted", one.group, new.changed) for one, new in made if new]


def _cables(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.jsonl")):
        if file.name not in (FOLLOWUPS, STATEMENTS):
            yield from _rows(file)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


class _Nearest:
    """Texts ranked by the idf of the words that they share with a question."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._words = {name: set(stems(text)) for name, text in texts.items()}
        self._holders: dict[str, list[str]] = defaultdict(list)
        for name, words in self._words.items():
            for word in words:
                self._holders[word].append(name)

    def to(self, question: str, k: int) -> list[str]:
        scores: defaultdict[str, float] = defaultdict(float)
        for word in dict.fromkeys(stems(question)):
            holders = self._holders.get(word, ())
            for name in holders:
                scores[name] += math.log(1 + len(self._words) / len(holders))
        return sorted(self._words, key=lambda name: -scores[name])[:k]


def sample(asked: Sequence[Asked], rng: Random, most: int, easy: float = 0.3) -> list[Asked]:
    """Each question with the passages that answer it, up to `most` of the hardest others, and with probability `easy` one
    of the rest. Of a question without answer the hardest passage is always there."""
    drawn = []
    for one in asked:
        fixed = one.answering or 1
        hardest = fixed + (most + 1 if most else 0)
        hard, rest = list(one.passages[fixed:hardest]), one.passages[hardest:]
        rng.shuffle(hard)
        chosen = hard[: most if one.answering else max(most - 1, 0)]
        if rest and rng.random() < easy:
            chosen.append(rng.choice(rest))
        drawn.append(Asked(one.question, (*one.passages[:fixed], *chosen), one.group))
    return drawn
