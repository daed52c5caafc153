"""A conversation with all that it takes to check it again: one JSON file, checked without a network and without the index.

    {"format": "cable-qa bundle 2", "written": ISO 8601,
     "exchanges": [{"answer": answer JSON and "note", "made_with": {...}, "sha256"}, ...],
     "paragraphs": [{"reference_id", "section", "paragraph", "text", "context", "sent", "header", "sha256"}, ...]}

Flows in: exchanges and an open index. Flows out: the bundle, and what does not hold in one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.cable import Citation
from index.errors import InputError, NotInIndex
from index.store import Store
from qa.conversation import Exchange, markdown
from qa.instructions import has_markup, without_orders
from qa.result import Answer, Statement, citation_of
from qa.runs import write_whole
from qa.verify import SUPPORTED, UNSUPPORTED, Source, Verifier, source_of

FORMAT = "cable-qa bundle 2"


def bundle(store: Store, exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """The answered exchanges as a bundle."""
    answered = [(one.answer, one.made_with) for one in exchanges if one.answer]
    places = dict.fromkeys(cited.citation for answer, _ in answered for cited in answer.citations)
    return {
        "format": FORMAT,
        "written": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "exchanges": [_hashed({"answer": answer.as_kept(), "made_with": made_with}) for answer, made_with in answered],
        "paragraphs": [_paragraph(source_of(store, place)) for place in places],
    }


def export(store: Store, exchanges: Sequence[Exchange], path: Path) -> None:
    """Writes the exchanges as a bundle where `path` ends in .json, else as Markdown; InputError where it cannot be written."""
    try:
        if path.suffix.lower() == ".json":
            write_whole(path, json.dumps(bundle(store, exchanges), ensure_ascii=False, indent=1) + "\n")
        else:
            write_whole(path, markdown(exchanges))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be written: {error}. Name a file in a folder that is there.") from None


def _paragraph(source: Source) -> dict[str, Any]:
    return _hashed({
        **asdict(source.citation), "text": source.text, "context": source.context, "sent": source.sent.isoformat() if source.sent else None, "header": source.header,
    })  # fmt: skip


def _hashed(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"sha256": _sha256(row)}


def _sha256(row: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in row.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def answers_of(bundled: Mapping[str, Any]) -> list[tuple[Answer, dict[str, Any]]]:
    """The answers of a bundle, each with what it was made with. Raises InputError where it is none of this version."""
    if bundled.get("format") != FORMAT:
        raise InputError(f"it is no bundle of this version ({FORMAT})")
    try:
        return [(Answer.from_kept(row["answer"]), dict(row["made_with"])) for row in bundled["exchanges"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"an answer cannot be read ({error!r})") from None


def problems(bundled: Mapping[str, Any], verifier: Verifier, store: Store | None) -> list[str]:
    """What does not hold, a line each: a paragraph or an answer that is not the one that was hashed; a paragraph that is not what `store`
    (where one is given) has; a quotation that does not stand where it should; an answer that says more or less than its sentences; a
    sentence whose verdict comes out otherwise now, by the reader that `verifier` has.

    Raises InputError where it is no bundle.
    """
    answers = answers_of(bundled)
    try:
        found = []
        sources: dict[Citation, Source] = {}
        for row in bundled["paragraphs"]:
            source = _source(row)
            sources[source.citation] = source
            if _sha256(row) != row["sha256"]:
                found.append(f"{source.citation}: it is not the paragraph that was hashed")
            elif store and (said := _against(store, source)):
                found.append(f"{source.citation}: {said}")
        for (answer, _), row in zip(answers, bundled["exchanges"], strict=True):
            if _sha256(row) != row["sha256"]:
                found.append(f"{answer.question!r}: it is not the answer that was hashed")
            found += [f"{answer.question!r}: {said}" for said in _answer(answer, sources, verifier)]
        return found
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"a part of it cannot be read ({error!r})") from None


def _answer(answer: Answer, sources: Mapping[Citation, Source], verifier: Verifier) -> Iterator[str]:
    if answer.abstained:
        if answer.statements or answer.citations:
            yield "it abstains, and yet has statements or citations"
        return
    cited = {one.number: one for one in answer.citations}
    broken = False
    for one in answer.citations:
        source = sources.get(one.citation)
        if source is None:
            yield f"[{one.number}] {one.citation} is not in the bundle"
        elif source.text[one.start : one.end] != one.quote:
            yield f"[{one.number}] {one.citation} does not have the words quoted where they should stand"
        broken = broken or source is None
    rest = answer.said
    for statement in sorted(answer.statements, key=lambda statement: -len(statement.text)):
        if not statement.text.strip() or statement.text not in rest:
            yield f"the answer lacks its sentence {statement.text[:60]!r}"
        rest = rest.replace(statement.text, "", 1) if statement.text else rest
    if left := re.sub(r"\[\d+\]|[;\s]", "", rest):
        yield f"the answer says more than its sentences: {left[:60]!r}"
    for statement in answer.statements if not broken else ():
        if missing := [n for n in statement.citations if n not in cited]:
            yield f"{statement.text[:60]!r} cites {missing}, which is no citation"
            continue
        quotes = [cited[n].quote for n in statement.citations]
        verdict = _verdict(statement, quotes, [sources[cited[n].citation] for n in statement.citations], verifier)
        if verdict != statement.verdict:
            yield f"{statement.text[:60]!r} is marked {statement.verdict}, and is {verdict} when checked again"


def _verdict(statement: Statement, quotes: Sequence[str], sources: Sequence[Source], verifier: Verifier) -> str:
    """The verdict as it was reached: quoted words stand in their quotation, a model's are held to what the model was shown."""
    if statement.text in quotes or (statement.short and any(statement.text in quote for quote in quotes)):
        return SUPPORTED
    if has_markup(statement.text):
        return UNSUPPORTED
    shown = [Source(s.citation, without_orders(s.text), s.context, s.sent, s.header) for s in sources]
    return verifier.check(statement.text, shown).verdict


def _against(store: Store, source: Source) -> str:
    """How the index differs on a paragraph; empty where it does not."""
    try:
        there = source_of(store, source.citation)
    except NotInIndex:
        return "it is not in this index"
    if there.text != source.text:
        return "this index has other words"
    return "" if _paragraph(there) == _paragraph(source) else "this index has another header or subject"


def _source(row: Mapping[str, Any]) -> Source:
    sent = datetime.fromisoformat(row["sent"]) if row["sent"] else None
    return Source(citation_of(row), row["text"] + "", row["context"] + "", sent, row["header"] + "")
