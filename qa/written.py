"""A language model's answer, believed only as far as the paragraphs bear it out.

Flows in: the question, the reader's quotes and the ranked paragraphs. Flows out: the answer's text in pieces, then an Answer whose
every statement has a verdict. Where the model fails, or nothing that it writes holds, the quotes stand in for it, and the note
says so.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace

from index.cable import Citation
from index.errors import ModelUnavailable
from index.store import Store
from qa.abstain import CANNOT_ANSWER
from qa.draft import Draft, Said
from qa.instructions import has_markup, without_orders
from qa.models import Model
from qa.quoted import cite, quoted
from qa.read import Reading
from qa.reader.evidence import nearest
from qa.result import Answer, Cited, Statement
from qa.verify import PARTLY, SUPPORTED, UNSUPPORTED, Source, Verdict, Verifier, source_of
from qa.write import Shown, choose, write

ORDERS = "A passage holds text that gives orders to a language model; the model was not shown it."
UNREADABLE = "no sentence can be read in what the model wrote."
FAILED = "Nothing that the language model wrote is borne out by the cables. Here is what they say, and then what it wrote, marked."


def written(
    model: Model,
    verifier: Verifier,
    store: Store,
    base: Answer,
    readings: Sequence[Reading],
    ranked: Sequence[Citation],
    times: dict[str, float],
    note: str = "",
) -> Generator[str, None, Answer]:
    """Pieces of the draft, empty ones while nothing comes; returns the answer, and leaves its `times` in milliseconds. `note` is
    what is to be said before the quotes, where they stand in."""
    began = time.perf_counter()
    shown = choose(store, readings, ranked, model.count_tokens)
    draft = Draft(len(shown))
    try:
        yield from write(model, base.rewritten_question, shown, draft)
    except ModelUnavailable as error:
        times["generate"] = _since(began)
        parts, answer = quoted(store, base, readings, f"{error} Quotes instead. {note}".strip())
        yield "\n\n" + "\n\n".join(parts)
        return answer
    times["generate"] = _since(began)
    began = time.perf_counter()
    if draft.cannot_answer:
        return replace(base, answer=CANNOT_ANSWER, abstained=True, note="")
    if not draft.statements():
        parts, answer = quoted(store, base, readings, f"{model.spec}: {UNREADABLE} Quotes instead. {note}".strip())
        yield "\n\n" + "\n\n".join(parts)
        return answer
    answer = _judged(verifier, store, base, readings, shown, draft.statements())
    times["verify"] = _since(began)
    return answer


def _judged(
    verifier: Verifier,
    store: Store,
    base: Answer,
    readings: Sequence[Reading],
    shown: Sequence[Shown],
    draft: Sequence[Said],
) -> Answer:
    """The draft as an answer; the quotes before it where no statement holds."""
    whole = [source_of(store, one.citation) for one in shown]
    sources = [replace(source, text=without_orders(source.text)) for source in whole]
    rejected: list[tuple[str, str]] = []
    statements: list[Statement] = []
    judged: dict[tuple[str, tuple[int, ...]], tuple[tuple[int, ...], Verdict]] = {}  # small models repeat themselves
    for said in draft:
        rejected += [(marker, f"only passages 1 to {len(shown)} were given") for marker in said.wrong]
        same = said.text, said.keys
        chosen, verdict = judged[same] = judged.get(same) or _attributed(verifier, said, sources)
        rejected += [
            (f"[{key}]", "that passage does not bear out the sentence") for key in said.keys if key not in chosen
        ]
        statements.append(Statement(said.text, chosen, verdict.verdict, verdict.problems))
    orders = ORDERS if any(one.text != kept.text for one, kept in zip(whole, sources, strict=True)) else ""
    holds = any(one.verdict in (SUPPORTED, PARTLY) for one in statements)
    answer = base
    note = " ".join(part for part in (base.note, orders) if part)
    if not holds:
        _, answer = quoted(store, base, readings, " ".join(part for part in (FAILED, orders) if part))
        note = answer.note
    numbers: dict[int, int] = {}
    cited: list[Cited] = list(answer.citations)
    first = {key: one.text for one in reversed(statements) for key in one.citations}
    for key in dict.fromkeys(key for one in statements for key in one.citations):
        place = shown[key - 1].citation
        text = whole[key - 1].text
        found = None if has_markup(first[key]) else nearest(first[key], text, sources[key - 1].text)
        start, end = found or (0, len(text))
        read = (one for one in readings if one.citation == place and one.start < end and start < one.end)
        reading = next(read, Reading(place, start, end, 0.0))
        numbers[key] = len(cited) + 1 if not holds else key
        cited.append(cite(store, numbers[key], reading))
    statements = [replace(one, citations=tuple(numbers[key] for key in one.citations)) for one in statements]
    text = " ".join(" ".join([one.text, "".join(f"[{n}]" for n in one.citations)]).strip() for one in statements)
    return replace(
        answer, answer="\n\n".join(part for part in (answer.answer if not holds else note, text) if part), abstained=False,
        statements=(*answer.statements, *statements), citations=tuple(sorted(cited, key=lambda one: one.number)),
        rejected_citations=tuple(dict.fromkeys(rejected)), note=note,
    )  # fmt: skip


def _attributed(verifier: Verifier, said: Said, sources: Sequence[Source]) -> tuple[tuple[int, ...], Verdict]:
    """The keys that bear the sentence out, the model's own choice first, with the verdict; where none does, its choice."""
    if has_markup(said.text):
        return said.keys, Verdict(UNSUPPORTED, ("markup in the sentence",))
    found, verdict = verifier.attribute(said.text, sources, [key - 1 for key in said.keys])
    return tuple(n + 1 for n in found), verdict


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
