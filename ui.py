"""What the page shows, as HTML: pure functions from answers and cables to escaped markup.

Flows in: Answers, Cables, quotes. Flows out: HTML strings. Everything that a cable, a question or a model wrote
goes through `html.escape`. Knows nothing of gradio.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from html import escape
from urllib.parse import urlencode

from index.cable import HEADER, Cable, Citation, Paragraph
from index.errors import NotInIndex
from index.store import Store
from qa.conversation import Exchange, asked_as
from qa.result import Answer, Cited

Quotes = dict[Citation, list[Cited]]
_PADDED = re.compile(r"^[¶\s]+|\b0+(?=\d)")  # what may stand before a paragraph's number: ¶4, 04


def link(citation: Citation) -> str:
    """The permanent link of a paragraph, relative to the page: `?cable=09X1&paragraph=24`."""
    parts = {"cable": citation.reference_id, "section": citation.section, "paragraph": citation.paragraph}
    return "?" + urlencode({name: value for name, value in parts.items() if value})


def marked(text: str, spans: Sequence[tuple[int, int]], words: Sequence[tuple[int, int]] = ()) -> str:
    """`text` escaped, with the stretches `spans` (start, end) in <mark> and `words` inside them in <strong>; spans may
    touch or overlap."""
    out, at = [], 0
    for start, end in sorted(spans):
        start = max(start, at)
        if start < end:
            out += [escape(text[at:start]), "<mark>", _strong(text, start, end, words), "</mark>"]
            at = end
    return "".join([*out, escape(text[at:])])


def _strong(text: str, start: int, end: int, words: Sequence[tuple[int, int]]) -> str:
    out, at = [], start
    for left, right in sorted(words):
        if at <= left < right <= end:
            out += [escape(text[at:left]), "<strong>", escape(text[left:right]), "</strong>"]
            at = right
    return "".join([*out, escape(text[at:end])])


def quotes_of(answer: Answer | None) -> Quotes:
    """The citations of an answer, by paragraph."""
    found: Quotes = {}
    for one in answer.citations if answer else ():
        found.setdefault(one.citation, []).append(one)
    return found


def _marked(text: str, cited: Sequence[Cited]) -> str:
    words = [(c.words_start, c.words_end) for c in cited if c.words_start is not None and c.words_end is not None]
    return marked(text, [(c.start, c.end) for c in cited], words)


def chip(citation: Citation, number: int | None = None) -> str:
    """A citation as a link that opens its paragraph."""
    label = f"{number} · {citation}" if number else str(citation)
    return f'<a class="cite" href="{escape(link(citation))}" title="Open {escape(str(citation))} in its cable">{escape(label)}</a>'


def chat(exchanges: Sequence[Exchange], writing: bool = False) -> str:
    """The conversation in order; the last answer may still be `writing`."""
    if not exchanges:
        return (
            '<p class="hint">Ask a question. Every answer cites the paragraphs it rests on; open one to check it.</p>'
        )
    out = []
    for n, one in enumerate(exchanges):
        if one.answer:
            answer = answered(one.answer, one.made_with.get("filters", ""))
        elif writing and n == len(exchanges) - 1:
            answer = (
                f'<p class="note">Not checked yet.</p><p>{escape(one.said)}</p>'
                if one.said
                else '<p class="waiting">Reading …</p>'
            )
        else:
            said = f'<p class="note">Stopped before it was checked.</p><p class="abstained">{escape(one.said)}</p>'
            answer = said if one.said else '<p class="abstained">Stopped.</p>'
        out.append(
            f'<div class="turn" data-turn="{n}"><p class="question">{escape(one.question)}</p><div class="answer">{answer}</div></div>'
        )
    return "".join(out)


def answered(answer: Answer, filters: str = "") -> str:
    """An answer: how it was asked (`filters`: those that were on), its statements with chips, and a mark where one is not supported."""
    out = [f'<p class="note">{escape(line)}</p>' for line in asked_as(answer, filters)]
    if answer.abstained:
        near = " ".join(chip(hit.citation) for hit in answer.retrieved[:3])
        return "".join(
            [*out, f'<p class="abstained">{escape(answer.answer)}</p>', f"<p>Open: {near}</p>" if near else ""]
        )
    cited = {one.number: one for one in answer.citations}
    if answer.note:
        out.append(f'<p class="caution">{escape(answer.note)}</p>')
    for statement in answer.statements:
        chips = " ".join(chip(cited[n].citation, n) for n in statement.citations if n in cited)
        doubt = ""
        if statement.verdict != "supported":
            why = "; ".join(statement.problems) or "not in the cited paragraphs"
            doubt = f' <strong class="verdict">{escape(statement.verdict)}: {escape(why)}</strong>'
        kind = ' class="short"' if statement.short else ""
        out.append(f"<p{kind}>{escape(statement.text)} {chips}{doubt}</p>")
    for marker, reason in answer.rejected_citations:
        out.append(f'<p class="note">Citation {escape(marker)} was left out: {escape(reason)}.</p>')
    return "".join(out)


def evidence(answer: Answer | None, store: Store) -> str:
    """The cited paragraphs with the quoted words marked; the nearest ones where the answer abstained."""
    if answer is None:
        return '<p class="hint">The paragraphs that an answer cites appear here.</p>'
    places = quotes_of(answer)
    if not places:
        cards = [_card(hit.citation, [], store) for hit in answer.retrieved[:5]]
        return "<h2>Nearest paragraphs</h2>" + "".join(cards) if cards else ""
    return "<h2>Evidence</h2>" + "".join(_card(citation, cited, store) for citation, cited in places.items())


def _card(citation: Citation, cited: Sequence[Cited], store: Store) -> str:
    cable = store.cable(citation.reference_id)
    paragraph = store.paragraph(citation)
    numbers = " ".join(f"[{one.number}]" for one in cited)
    sent = f"{cable.sent:%d %B %Y}" if cable.sent else "no date"
    heading = f'<p class="heading">{escape(paragraph.heading)}</p>' if paragraph.heading else ""
    text = _marked(paragraph.text, cited)
    return (
        f'<article class="card"><header>{escape(numbers)} {chip(citation)}<span>{escape(cable.origin)} · {sent}</span>'
        f"<strong>{escape(cable.subject)}</strong></header>{heading}<p>{text}</p></article>"
    )


def cable_view(
    cable: Cable, target: Citation | None, quotes: Quotes, known: Collection[str] | Callable[[str], bool] = ()
) -> str:
    """A whole cable; `target` is highlighted, `quotes` are marked, references among `known` are links."""
    rows = []
    for line in cable.header.text.split("\n"):
        name, _, value = line.partition(": ")
        shown = escape(value)
        if name == "References":
            ids = value.split(", ")
            shown = ", ".join(
                chip(Citation(i)) if (known(i) if callable(known) else i in known) else escape(i) for i in ids
            )
        rows.append(f"<dt>{escape(name)}</dt><dd>{shown}</dd>")
    on_header = target is not None and target.paragraph == HEADER
    out = [f"<h2>{escape(cable.subject or cable.reference_id)}</h2>"]
    out.append(f'<dl class="fields{" target" if on_header else ""}"{_focus(on_header)}>{"".join(rows)}</dl>')
    heading = None
    for paragraph in cable.paragraphs:
        if paragraph.heading != heading and paragraph.heading:
            out.append(f"<h3>{escape(paragraph.heading)}</h3>")
        heading = paragraph.heading
        out.append(_paragraph(cable.citation(paragraph), paragraph, target, quotes))
    if cable.signature:
        out.append(f'<p class="signature">{escape(cable.signature)}</p>')
    return f'<article class="cable" aria-label="Cable {escape(cable.reference_id)}">{"".join(out)}</article>'


def _focus(is_target: bool) -> str:
    return ' tabindex="-1"' if is_target else ""


def _paragraph(citation: Citation, paragraph: Paragraph, target: Citation | None, quotes: Quotes) -> str:
    is_target = citation == target
    label = f"¶{citation.label}" if citation.label else "¶"
    text = _marked(paragraph.text, quotes.get(citation, []))
    marking = f"({escape(paragraph.marking)}) " if paragraph.marking else ""
    return (
        f'<div class="paragraph{" target" if is_target else ""}"{_focus(is_target)}>'
        f'<a class="cite number" href="{escape(link(citation))}" title="Link to {escape(str(citation))}">{escape(label)}</a>'
        f"<p>{marking}{text}</p></div>"
    )


def opened(store: Store, reference_id: str, section: str | None, paragraph: str | None, quotes: Quotes) -> str:
    """The cable view for a link's parts, or one clear line where the index lacks the cable or paragraph."""
    note = ""
    try:
        cable = store.cable(reference_id)
    except NotInIndex as error:
        return _missing(error)
    target = None
    if paragraph:
        try:
            target = store.resolve(Citation(cable.reference_id, section, _PADDED.sub("", paragraph)))
        except NotInIndex as error:
            note = _missing(error)
    elif len(cable.paragraphs) == 1:
        target = cable.citation(cable.paragraphs[0])
    known = {row.reference_id for row in store.cables()} & set(cable.references)
    return note + cable_view(cable, target, quotes, known)


def _missing(error: NotInIndex) -> str:
    return f'<p class="abstained" tabindex="-1">{escape(str(error))}</p>'
