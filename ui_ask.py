"""The Ask tab: chat, evidence and cable view, as gradio components and what they call.

`ask_tab(qa, page, examples)` is called where the tab shall stand. Questions go to CableQA, markup comes from ui.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

import ui
import ui_evaluate
from index.errors import CableQAError
from index.store import Filter
from qa.answer import CableQA
from qa.bundle import export as write_export
from qa.conversation import Exchange, as_json, restored
from qa.opening import read_call
from qa.provenance import made_with
from qa.result import Answer
from ui_look import BACK, KEEP, KEPT, LINKS, SCROLL, TO_EVIDENCE, TO_LAST

Shown = dict[Any, Any]  # what components show from now on
FILTERS = ("origin", "classification", "TAG", "sent from", "sent to")


def ask_tab(qa: CableQA, page: gr.Blocks, examples: Sequence[str]) -> None:
    """The chat, the evidence and the cable view."""
    rows = qa.store.cables()
    origins = sorted({row.origin for row in rows if row.origin})
    classifications = sorted({row.classification for row in rows if row.classification})
    tags = sorted({tag for row in rows for tag in row.tags})

    with gr.Tab("Ask"):
        turns: gr.State = gr.State([])  # the Exchanges of the conversation
        last: gr.State = gr.State(None)  # the last Answer
        opened: gr.State = gr.State(None)  # the Answer whose quotes are marked in the open cable
        kept = gr.Textbox(visible="hidden", elem_id="kept")  # the conversation as JSON, on its way to the browser
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320, elem_id="ask-side"):
                log = gr.HTML(ui.chat([]), elem_id="chat", js_on_load=LINKS)
                ui_evaluate.judging(qa, last, turns)
                box = gr.Textbox(
                    label="Question",
                    placeholder="What do you want to know?",
                    elem_id="question",
                    lines=1,
                    max_lines=6,
                    submit_btn=False,
                )
                with gr.Row():
                    send = gr.Button("Ask", variant="primary", elem_id="ask", min_width=80)
                    stop = gr.Button("Stop", elem_id="stop", min_width=80)
                    new = gr.Button("New conversation", elem_id="new", min_width=220)
                    export = gr.Button("Export", elem_id="export", min_width=80)
                exported = gr.File(
                    label="Markdown to read; a bundle that `cable-qa check` verifies",
                    file_count="multiple",
                    visible=False,
                    elem_id="exported",
                )
                if examples:
                    gr.Examples([[question] for question in examples], inputs=[box], label="Examples")
                with gr.Accordion("Filters", open=False, elem_id="filters") as filters:
                    fields: list[Any] = [
                        gr.Dropdown(["", *origins], value="", label="Origin"),
                        gr.Dropdown(["", *classifications], value="", label="Classification"),
                        gr.Dropdown(["", *tags], value="", label="TAG"),
                        gr.Textbox("", label="Sent from (YYYY-MM-DD)"),
                        gr.Textbox("", label="Sent to (YYYY-MM-DD)"),
                    ]
            with gr.Column(scale=6, min_width=320):
                shown = gr.HTML(ui.evidence(None, qa.store), elem_id="evidence", js_on_load=LINKS)
                cable = gr.HTML("", elem_id="cable", js_on_load=LINKS + BACK)

        def conversation(history: list[Exchange], writing: bool = False) -> Shown:
            """The conversation as it stands; what is written piece by piece is kept when it is whole."""
            answer = history[-1].answer if history else None
            now: Shown = {turns: history, last: answer, log: ui.chat(history, writing)}
            return now if writing else now | {kept: as_json(history), shown: ui.evidence(answer, qa.store)}

        @_interruptible
        def ask(question: str, history: list[Exchange], *values: str) -> Generator[Shown, None, None]:
            question = question.strip()
            if not question:
                yield {log: gr.skip()}
                return
            began, said = [*history, Exchange(question)], ""
            yield conversation(began, writing=True) | {
                kept: as_json(began), box: "", cable: "", exported: gr.update(value=None, visible=False)
            }  # what is typed from here on stays  # fmt: skip
            try:
                where, on = _filter(*values), _filters_on(values)
                for piece in qa.stream(question, [turn.turn for turn in history], where):
                    if isinstance(piece, Answer):
                        made = made_with(qa) | ({"filters": on} if on else {})
                        yield conversation([*history, Exchange(question, piece, made_with=made)])
                    else:
                        said += piece
                        yield conversation([*history, Exchange(question, said=said)], writing=True)
            except CableQAError as error:
                yield conversation([*history, Exchange(question, said=str(error))])

        def make_files(history: list[Exchange]) -> Any:
            if not any(turn.answer for turn in history):
                raise gr.Error("There is no answer to export yet.", print_exception=False)
            folder = Path(tempfile.mkdtemp(prefix="cable-qa-"))
            paths = [folder / f"conversation-{datetime.now():%Y%m%d-%H%M%S}{kind}" for kind in (".md", ".json")]
            try:
                for path in paths:
                    write_export(qa.store, history, path)
            except CableQAError as error:
                raise gr.Error(str(error), print_exception=False) from None
            return gr.update(value=[str(path) for path in paths], visible=True)

        def answer(
            question: str, history: list[dict[str, str]] | None = None, filters: list[str] | None = None
        ) -> dict[str, Any]:
            """The answer JSON to a question; `filters` as on the command line, `history` as in a golden set."""
            try:
                return qa.answer(*read_call(question, history, filters)).as_json()
            except CableQAError as error:
                raise gr.Error(str(error), print_exception=False) from None

        def open_link(history: list[Exchange], answer: Answer | None, event: gr.EventData) -> tuple[Any, ...]:
            """The cable of a link, marked as the answer that the link stands in cites it, else as `answer` or the latest does."""
            clicked = getattr(event, "_data", None) or {}
            if "turn" in clicked:
                answer = next((one.answer for one in history[int(clicked["turn"]) :]), None)
            answer = answer or next((one.answer for one in reversed(history) if one.answer), None)
            return _cable(qa, str(clicked.get("href", "")), answer), answer

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        outputs = [turns, last, log, shown, box, kept, exported, cable]
        running: list[Any] = []
        for trigger in (send.click, box.submit):
            running.append(trigger(ask, [box, turns, *fields], outputs, **private))
            running[-1].then(None, js=TO_EVIDENCE)
        stop.click(None, cancels=running, api_visibility="private").then(
            conversation, [turns], [turns, last, log, kept, shown], **private
        )
        new.click(
            lambda: conversation([]) | {cable: "", opened: None, exported: gr.update(value=None, visible=False)},
            None, [*outputs, opened], cancels=running, **private,
        )  # fmt: skip
        export.click(make_files, [turns], [exported], **private)
        gr.on(
            [field.change for field in fields],
            lambda *values: gr.update(label=f"Filters on: {on}" if (on := _filters_on(values)) else "Filters"),
            fields, [filters], trigger_mode="always_last", **private,
        )  # fmt: skip
        kept.change(None, [kept], js=KEEP)
        log.change(None, js=TO_LAST)
        for source, marks in ((log, last), (shown, last), (cable, opened)):
            source.click(open_link, [turns, marks], [cable, opened], **private).then(None, js=SCROLL)
        page.load(
            lambda text: conversation(restored(text, qa.store)) | {kept: gr.skip()},
            [kept], [turns, last, log, shown, kept], js=KEPT, **private,
        ).then(
            lambda address: _cable(qa, address, None), [kept], [cable], js="() => location.search", **private
        ).then(None, js=SCROLL)  # fmt: skip
        gr.api(answer, api_name="answer")  # type: ignore[attr-defined]


def _interruptible(run: Callable[..., Generator[Shown, None, None]]) -> Callable[..., AsyncIterator[Shown]]:
    """`run` with each of its steps in a thread that is left at once where gradio cancels the event; the generator is closed then,
    at the latest when the step that it is at has ended."""

    @wraps(run)
    async def steps(*args: Any) -> AsyncIterator[Shown]:
        made, left = run(*args), threading.Event()

        def step() -> Shown | None:
            try:
                return next(made, None)
            finally:
                if left.is_set():
                    made.close()

        try:
            while (one := await asyncio.to_thread(step)) is not None:
                yield one
        finally:
            left.set()
            with suppress(ValueError):  # it is at a step
                made.close()

    return steps


def _filters_on(values: Sequence[str]) -> str:
    """The filters that are on, in words: `origin Embassy X, sent from 2009-01-01`."""
    return ", ".join(f"{name} {value.strip()}" for name, value in zip(FILTERS, values, strict=True) if value.strip())


def _filter(origin: str, classification: str, tag: str, since: str, until: str) -> Filter:
    return Filter(origin or None, classification or None, tag or None, _day(since), _day(until))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise CableQAError(f"{text!r} is no day. Write it as 2009-12-31.") from None


def _cable(qa: CableQA, address: str, answer: Answer | None) -> str:
    """The cable that an address names (`?cable=09X1&paragraph=2`) with the quotes of an answer marked; empty where it names none."""
    parts = parse_qs(address.lstrip("?"))
    if not parts.get("cable"):
        return ""
    section, paragraph = (parts.get(name, [None])[0] for name in ("section", "paragraph"))
    return ui.opened(qa.store, parts["cable"][0], section, paragraph, ui.quotes_of(answer))
