"""Checks a text of the user's own that cites cables.

Flows in: a text. Flows out: a Checked for each sentence: what it cites, and whether that supports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from index.cable import Citation
from index.errors import NotInIndex
from index.passage import Span, sentences
from index.store import Store
from qa.cited import before_the_stop, mentions, origin_of
from qa.corrected import corrections
from qa.dates import blank
from qa.facts import has_facts
from qa.verify import CONTRADICTED, PARTLY, SUPPORTED, UNSUPPORTED, Source, Verdict, Verifier, source_of

_EMPTY = re.compile(r"[(\[](?:\b(?:see|cf|compare|also|and|or)\b|[\s,;.&])*[)\]]", re.IGNORECASE)
_NOTE = re.compile(r"^[ \t]*\[(?P<number>\d{1,3})\][ \t]*(?P<cited>[^\n]*)$", re.MULTILINE)
_MARKER = re.compile(r"\[(\d{1,3})\]")
_LIST = re.compile(r"\s*(?:[-*•–#>|]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{2,4})[.)]\s)")
WRAPPED = 45  # characters of a line, from which on it may have been broken only to fit a page
UNCITED = "states facts and cites no cable"


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence of the text, on one line and with its citations before the full stop, what it cites, and the verdict. A sentence
    that cites nothing has no verdict; if it states facts (figures, dates, names, quotations), its problem says so."""

    text: str
    citations: tuple[Citation, ...]
    verdict: str | None
    problems: tuple[str, ...]


def check(
    text: str, store: Store, verifier: Verifier, track: Callable[[list[Span]], Iterable[Span]] = list
) -> list[Checked]:
    """Each sentence of `text`, in order; a citation that does not resolve is a problem and makes it unsupported.

    A citation in brackets after the full stop belongs to the sentence before it, one in a note (`[1] 09TARN14 ¶2`) to each that has `[1]`.
    A later cable that corrects one cited is named. `track`: what shows how far it is. A citation of a whole cable is held to the
    paragraph of it that supports the sentence best.
    """
    found = []
    origins = {origin_of(name) for name in store.known()}
    text, notes = _without_notes(text, origins)
    text = before_the_stop(_unwrapped(text))
    for start, end in track(sentences(text)):
        sentence = text[start:end]
        cited: list[Citation] = []
        plain = sentence
        for one in mentions(sentence, origins):
            plain = blank(plain, (one.start, one.end))
            cited += one.places
        for marker in _MARKER.finditer(plain):
            if marker[1] in notes:
                plain = blank(plain, marker.span())
                cited += notes[marker[1]]
        places, problems = [], []
        for place in dict.fromkeys(cited):
            try:
                places.append((place, _sources(store, place)))
            except NotInIndex as error:
                problems.append(f"citation {place}: {error}")
        plain = re.sub(r"\s+([.,;])", r"\1", " ".join(_EMPTY.sub("", plain).split()))
        if not cited:
            found.append(Checked(sentence, (), None, (UNCITED,) if has_facts(plain) else ()))
            continue
        verdict = _verdict(verifier, plain, [sources for _, sources in places])
        later = corrections({place.reference_id for place, _ in places}, store)
        found.append(
            Checked(
                sentence, tuple(place for place, _ in places), UNSUPPORTED if problems else verdict.verdict,
                (*problems, *(verdict.problems if places else ()), *(f"{by} corrects {of}" for of, by in later)),
            )
        )  # fmt: skip
    return found


def _without_notes(text: str, origins: Collection[str]) -> tuple[str, dict[str, list[Citation]]]:
    """The text without its notes, lines of `[1]` and nothing but citations, and what each note cites."""
    notes: dict[str, list[Citation]] = {}

    def take(line: re.Match[str]) -> str:
        places: list[Citation] = []
        rest = line["cited"]
        for one in mentions(line["cited"], origins):
            rest = blank(rest, (one.start, one.end))
            places += one.places
        if not places or not _EMPTY.fullmatch(f"({rest})"):
            return line[0]
        notes.setdefault(line["number"], []).extend(places)
        return ""

    return _NOTE.sub(take, text), notes


def _unwrapped(text: str) -> str:
    """The text with lines joined that were broken to fit a page: a long line, and the next where it is no item of a list."""
    out = ""
    for line in text.split("\n"):
        before = out.rpartition("\n")[2]
        ended = before.lstrip().startswith("#") or (
            before.rstrip().endswith((")", "]")) and line.lstrip()[:1].isupper()
        )
        joins = line.strip() and not _LIST.match(line) and before.strip() and not ended
        out += (" " if joins and (len(before) >= WRAPPED or line.lstrip()[0].islower()) else "\n") + line
    return out.removeprefix("\n")


def _sources(store: Store, place: Citation) -> list[Source]:
    """The paragraph cited; of a whole cable its header and every paragraph."""
    if place.paragraph:
        return [source_of(store, store.resolve(place))]
    cable = store.cable(place.reference_id)
    return [source_of(store, cable.citation(part)) for part in (cable.header, *cable.paragraphs)]


def _verdict(verifier: Verifier, statement: str, cited: list[list[Source]]) -> Verdict:
    """The best verdict over what is cited: all named paragraphs together, or one paragraph of a cable cited whole."""
    named = [sources[0] for sources in cited if len(sources) == 1]
    tries = [verifier.check(statement, named)] if named else []
    for sources in cited:
        if len(sources) > 1 and not (tries and tries[-1].verdict == SUPPORTED):
            tries += [verifier.check(statement, [*named, source]) for source in sources]
    order = (SUPPORTED, PARTLY, UNSUPPORTED, CONTRADICTED)
    return min(tries, key=lambda one: (order.index(one.verdict), -one.score), default=Verdict(UNSUPPORTED))
