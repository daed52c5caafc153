"""Checks a text of the user's own that cites cables.

Flows in: a text. Flows out: a Checked for each sentence: what it cites, and whether that supports it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.cable import Citation, normalise_reference_id
from index.errors import NotInIndex
from index.passage import sentences
from index.store import Store
from qa.facts import has_facts
from qa.verify import CONTRADICTED, PARTLY, SUPPORTED, UNSUPPORTED, Source, Verdict, Verifier, source_of

_PLACE = r"\b{id}\d{{2}}[A-Z]{{3,}}\d{{1,7}})\b(?:,?\s*(?:¶|para(?:graph)?\.?)\s*{label}header|[IVX]+(?:\.[A-Z][A-Z /&-]*)*\.\d+|[A-Z](?:\.[A-Z][A-Z /&-]*)*\.\d+|\d+))?"
_CITATION = re.compile(r"\(?" + _PLACE.format(id="(?P<id>", label="(?P<label>") + r"\)?")
_BARE = _PLACE.format(id="(?:", label="(?:")
_AFTER_STOP = re.compile(
    rf"(?<!\.[A-Z])([.!?][\"”]?)(?:[ \t]*|\s*\n(?=[^\n]*[)\]]\.?[ \t]*$))([(\[](?:see |cf\.? )?{_BARE}(?:[,;]?\s*(?:and )?{_BARE})*[)\]])\.?(?=\s|$)",
    re.MULTILINE,
)
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


def check(text: str, store: Store, verifier: Verifier) -> list[Checked]:
    """Each sentence of `text`, in order; a citation that does not resolve is a problem and makes it unsupported.

    A citation in brackets after the full stop belongs to the sentence before it. A citation of a whole cable is held to the
    paragraph of it that supports the sentence best.
    """
    found = []
    text = _AFTER_STOP.sub(r" \2\1", _unwrapped(text))  # `so. (10X1 ¶2)` -> `so (10X1 ¶2).`
    for start, end in sentences(text):
        sentence = text[start:end]
        places, problems = [], []
        for match in _CITATION.finditer(sentence):
            section, _, number = (match["label"] or "").rpartition(".")
            place = Citation(normalise_reference_id(match["id"]) or match["id"], section or None, number or None)
            try:
                places.append((place, _sources(store, place)))
            except NotInIndex as error:
                problems.append(f"citation {match[0].strip('()')}: {error}")
        plain = re.sub(r"\s+([.,;])", r"\1", " ".join(_CITATION.sub("", sentence).split()))
        if not places and not problems:
            found.append(Checked(sentence, (), None, (UNCITED,) if has_facts(plain) else ()))
            continue
        verdict = _verdict(verifier, plain, [sources for _, sources in places])
        found.append(
            Checked(
                sentence, tuple(place for place, _ in places), UNSUPPORTED if problems else verdict.verdict,
                (*problems, *(verdict.problems if places else ())),
            )
        )  # fmt: skip
    return found


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
