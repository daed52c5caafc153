"""Sentences made false by one change, so that the reader learns to see a change (after FactCC, Kryscinski et al. 2020).

Flows in: a true sentence and the passage that it rests on. Flows out: an Altered sentence with the words that were changed, or
those in which a false sentence that somebody wrote differs. The change is one of figure, name, two names that swap places, negation, or a word turned into its opposite. Used for training only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from random import Random

from qa import numbers
from qa.words import STOP_WORDS

Change = tuple[int, int, str]  # characters of the sentence, and what replaces them

MONTHS = tuple(name.capitalize() for name in numbers.MONTHS)
COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
OPPOSITES = (
    ("before", "after"), ("first", "last"), ("first", "second"), ("earlier", "later"), ("more", "less"), ("more", "fewer"),
    ("increase", "decrease"), ("increased", "decreased"), ("rose", "fell"), ("rise", "fall"), ("higher", "lower"), ("up", "down"),
    ("accepted", "rejected"), ("agreed", "refused"), ("agreed", "declined"), ("supported", "opposed"), ("support", "oppose"),
    ("favored", "opposed"), ("approved", "rejected"), ("allowed", "forbade"), ("allowed", "forbidden"), ("allow", "forbid"),
    ("began", "ended"), ("opened", "closed"), ("begin", "end"), ("won", "lost"), ("gained", "lost"), ("gave", "took"),
    ("bought", "sold"), ("exports", "imports"), ("with", "without"), ("north", "south"), ("east", "west"),
    ("northern", "southern"), ("eastern", "western"), ("most", "few"), ("many", "few"),
    ("always", "never"), ("often", "seldom"), ("public", "secret"), ("publicly", "privately"), ("old", "new"), ("large", "small"),
    ("larger", "smaller"), ("strong", "weak"), ("stronger", "weaker"), ("better", "worse"), ("good", "poor"), ("success", "failure"),
    ("despite", "because of"), ("although", "because"),
    ("planned", "refused"), ("proposed", "ruled out"), ("likely", "unlikely"), ("possible", "impossible"), ("able", "unable"),
    ("welcomed", "criticized"), ("praised", "criticized"), ("confirmed", "denied"), ("admitted", "denied"), ("including", "except"),
    ("only", "also"), ("both", "neither of"), ("above", "below"), ("over", "under"), ("official", "unofficial"),
    ("military", "civilian"), ("domestic", "foreign"), ("temporary", "permanent"), ("voluntary", "compulsory"), ("until", "after"),
)  # fmt: skip
AUXILIARIES = "is|are|was|were|has|have|had|did|does|do|could|would|should|will|can|may|might|must"
_NAME = re.compile(r"\b[A-Z][\w'’.-]*[\w](?: (?:(?:of|and|the|de|al) )?[A-Z][\w'’-]*\w)*")
_WORD = re.compile(rf"\b(?:{'|'.join((*MONTHS, *COUNTS))})\b")
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")


@dataclass(frozen=True, slots=True)
class Altered:
    """`text` is false of the passage; `changed` are the characters `text[start:end]` that make it so."""

    text: str
    changed: tuple[tuple[int, int], ...]


def altered(sentence: str, passage: str, rng: Random) -> Altered | None:
    """The sentence with one change, of a kind drawn by `rng`; None where no kind applies."""
    return _altered(sentence, passage, rng, [_figure, _name, _swap, _negation, _opposite])


def exchanged(sentence: str, passage: str, rng: Random) -> Altered | None:
    """The sentence with one figure, month or name exchanged for another of its kind that stands in the passage: so no fact in it
    is new there, but it is said of another thing. None where there is none."""
    return _altered(sentence, passage, rng, [_standing, _standing, _name])


def _altered(
    sentence: str, passage: str, rng: Random, kinds: list[Callable[[str, str, Random], list[Change]]]
) -> Altered | None:
    rng.shuffle(kinds)
    for kind in kinds:
        if changes := kind(sentence, passage, rng):
            return _apply(sentence, changes)
    return None


def turned(true: str, false: str) -> tuple[tuple[int, int], ...]:
    """The characters of a false sentence that are not those of the true one it was made from; where words were only left
    out, the word that follows them, or the last."""
    words = list(re.finditer(r"\S+", false))
    old, new = true.split(), [word[0] for word in words]
    found = []
    for what, _, _, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            first = min(start, len(words) - 1)
            found.append((words[first].start(), words[max(end - 1, first)].end()))
    return tuple(found)


def _apply(sentence: str, changes: list[Change]) -> Altered:
    text, changed, last = "", [], 0
    for start, end, new in sorted(changes):
        text += sentence[last:start]
        changed.append((len(text), len(text) + len(new)))
        text, last = text + new, end
    return Altered(text + sentence[last:], tuple(changed))


def _figure(sentence: str, passage: str, rng: Random) -> list[Change]:
    found = [*_NUMBER.finditer(sentence), *_WORD.finditer(sentence)]
    if not found:
        return []
    chosen = rng.choice(found)
    old = chosen[0]
    if old in MONTHS or old in COUNTS:
        words = MONTHS if old in MONTHS else COUNTS
        return [(*chosen.span(), rng.choice([word for word in words if word != old]))]
    others = [m[0] for m in _NUMBER.finditer(passage) if m[0] != old and _shape(m[0]) == _shape(old)]
    if others and rng.random() < 0.6:
        return [(*chosen.span(), rng.choice(others))]
    at = rng.choice([n for n, char in enumerate(old) if char.isdigit() and (n or len(old) == 1 or len(old) != 4)])
    digit = rng.choice([d for d in "123456789" if d != old[at]])
    return [(*chosen.span(), old[:at] + digit + old[at + 1 :])]


def _standing(sentence: str, passage: str, rng: Random) -> list[Change]:
    own = [*_NUMBER.finditer(sentence), *_WORD.finditer(sentence)]
    there = {m[0] for m in (*_NUMBER.finditer(passage), *_WORD.finditer(passage))} - {m[0] for m in own}
    possible = [(*m.span(), new) for m in own for new in sorted(there) if _kind(m[0]) == _kind(new)]
    return [rng.choice(possible)] if possible else []


def _kind(figure: str) -> tuple[bool, ...]:
    return (figure in MONTHS, figure in COUNTS, *_shape(figure))


def _shape(number: str) -> tuple[bool, bool]:
    """Whether it may be a year, and whether it is a decimal or has thousands."""
    return bool(re.fullmatch(r"1[5-9]\d\d|20\d\d", number)), not number.isdigit()


def _names(text: str) -> list[Change]:
    """Names: capitalised words, but for one that begins a sentence."""
    begins = {m.end() for m in re.finditer(r"(?:^|[.!?:;\"“]\s+|[\"“])", text)}
    found = []
    for match in _NAME.finditer(text):
        start, name = match.start(), re.sub(r"['’]s$", "", match[0])
        first, _, rest = name.partition(" ")
        if start in begins and (not rest or first.lower() in STOP_WORDS):
            start, name = start + len(first) + 1, rest.removeprefix("the ")
            start += len(rest) - len(name)
        if name and name[0].isupper() and name.split()[0] not in MONTHS:
            found.append((start, start + len(name), name))
    return found


def _name(sentence: str, passage: str, rng: Random) -> list[Change]:
    own = _names(sentence)
    others = sorted({name for *_, name in _names(passage)} - {name for *_, name in own})
    if not own:
        return []
    start, end, old = rng.choice(own)
    words = set(old.split())
    same = [name for name in others if not words & set(name.split()) and (" " in name) == (" " in old)]
    return [(start, end, rng.choice(same))] if same else []


def _swap(sentence: str, passage: str, rng: Random) -> list[Change]:
    names = _names(sentence)
    pairs = [(a, b) for a in names for b in names if a < b and not set(a[2].split()) & set(b[2].split())]
    pairs = [(a, b) for a, b in pairs if not re.fullmatch(r",? ?(?:and|or|,)? ?(?:the )?", sentence[a[1] : b[0]])]
    if not pairs:
        return []
    a, b = rng.choice(pairs)
    return [(*a[:2], b[2]), (*b[:2], a[2])]


def _negation(sentence: str, passage: str, rng: Random) -> list[Change]:
    if found := list(re.finditer(rf"\b({AUXILIARIES}) not\b", sentence)):
        chosen = rng.choice(found)
        return [(*chosen.span(), chosen[1])]
    if found := list(re.finditer(rf"\b(?:{AUXILIARIES})\b", sentence)):
        chosen = rng.choice(found)
        return [(*chosen.span(), chosen[0] + rng.choice((" not", " not", " never")))]
    return []


def _opposite(sentence: str, passage: str, rng: Random) -> list[Change]:
    turned = [(old, new) for pair in OPPOSITES for old, new in (pair, pair[::-1])]
    found = [(m.span(), new) for old, new in turned for m in re.finditer(rf"\b{old}\b", sentence)]
    if not found:
        return []
    span, new = rng.choice(found)
    return [(*span, new)]
