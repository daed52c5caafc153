"""A conversation with all that it takes to check it again: one JSON file, checked without a network and without the index.

    {"format": "cable-qa bundle 1", "written": ISO 8601, "made_with": {...}, "exchanges": [answer JSON, ...],
     "paragraphs": [{"reference_id", "section", "paragraph", "text", "sha256", "context", "sent", "header"}, ...]}

Flows in: exchanges and an open index. Flows out: the bundle, and what does not hold in one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.cable import Citation
from index.errors import InputError, NotInIndex
from index.store import Store
from qa.answer import CableQA
from qa.conversation import Exchange, markdown
from qa.instructions import has_markup, without_orders
from qa.provenance import made_with
from qa.result import Answer, Statement, citation_of
from qa.runs import write_whole
from qa.verify import SUPPORTED, UNSUPPORTED, Source, Verifier, source_of

FORMAT = "cable-qa bundle 1"


def bundle(qa: CableQA, exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """The answered exchanges as a bundle."""
    answers = [one.answer for one in exchanges if one.answer]
    places = dict.fromkeys(cited.citation for answer in answers for cited in answer.citations)
    return {
        "format": FORMAT,
        "written": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "made_with": made_with(qa),
        "exchanges": [answer.as_json() for answer in answers],
        "paragraphs": [_paragraph(source_of(qa.store, place)) for place in places],
    }


def export(qa: CableQA, exchanges: Sequence[Exchange], path: Path) -> None:
    """Writes the exchanges as Markdown, or as a bundle where `path` ends in .json; InputError where it cannot be written."""
    text = json.dumps(bundle(qa, exchanges), ensure_ascii=False, indent=1) + "\n"
    try:
        write_whole(path, text if path.suffix.lower() == ".json" else markdown(exchanges))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}.") from None


def _paragraph(source: Source) -> dict[str, Any]:
    return {
        "reference_id": source.citation.reference_id, "section": source.citation.section, "paragraph": source.citation.paragraph,
        "text": source.text, "sha256": _sha256(source.text), "context": source.context,
        "sent": source.sent.isoformat() if source.sent else None, "header": source.header,
    }  # fmt: skip


def problems(bundled: Mapping[str, Any], verifier: Verifier, store: Store | None) -> list[str]:
    """What does not hold, a line each: a paragraph that is not the one that was hashed, or not what `store` (where one is
    given) has; a quotation that does not stand where it should; a sentence whose verdict comes out otherwise now.

    Raises InputError where it is no bundle.
    """
    try:
        if bundled.get("format") != FORMAT:
            raise InputError(f"It is no bundle of this version ({FORMAT}).")
        answers = [Answer.from_json(row) for row in bundled["exchanges"]]
        sources = {citation_of(row): _source(row) for row in bundled["paragraphs"]}
        hashes = {citation_of(row): row["sha256"] for row in bundled["paragraphs"]}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The bundle cannot be read: {error!r}.") from None
    found = []
    for place, source in sources.items():
        if _sha256(source.text) != hashes[place]:
            found.append(f"{place}: the text is not the one that was hashed")
        elif store and (said := _against(store, source)):
            found.append(f"{place}: {said}")
    for answer in answers:
        found += [f"{answer.question!r}: {said}" for said in _answer(answer, sources, verifier)]
    return found


def _answer(answer: Answer, sources: Mapping[Citation, Source], verifier: Verifier) -> list[str]:
    cited = {one.number: one for one in answer.citations}
    found = []
    for one in answer.citations:
        source = sources.get(one.citation)
        if source is None:
            found.append(f"[{one.number}] {one.citation} is not in the bundle")
        elif source.text[one.start : one.end] != one.quote:
            found.append(f"[{one.number}] {one.citation} does not have the words quoted where they should stand")
    if found:
        return found
    for statement in answer.statements:
        missing = [n for n in statement.citations if n not in cited]
        verdict = (
            "" if missing else _verdict(statement, [sources[cited[n].citation] for n in statement.citations], verifier)
        )
        if missing:
            found.append(f"{statement.text[:60]!r} cites {missing}, which is no citation")
        elif verdict != statement.verdict:
            found.append(f"{statement.text[:60]!r} is marked {statement.verdict}, and is {verdict} when checked again")
    return found


def _verdict(statement: Statement, sources: Sequence[Source], verifier: Verifier) -> str:
    """The verdict as it was reached: quoted words on the paragraph as it stands, a model's on what the model was shown."""
    plain = " ".join(statement.text.split())
    if any(plain in " ".join(source.text.split()) for source in sources):
        return SUPPORTED
    if has_markup(statement.text):
        return UNSUPPORTED
    shown = [Source(s.citation, without_orders(s.text), s.context, s.sent, s.header) for s in sources]
    return verifier.check(statement.text, shown).verdict


def _against(store: Store, source: Source) -> str:
    """How the index differs on a paragraph; empty where it does not."""
    try:
        there = store.paragraph(source.citation).text
    except NotInIndex:
        return "is not in this index"
    return "" if there == source.text else "this index has other words"


def _source(row: Mapping[str, Any]) -> Source:
    sent = datetime.fromisoformat(row["sent"]) if row["sent"] else None
    return Source(citation_of(row), row["text"], row["context"], sent, row["header"])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
