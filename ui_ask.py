"""The Ask tab: chat, evidence and cable view, as gradio components and what they call.

`ask_tab(qa, page, examples)` is called where the tab shall stand. Questions go to CableQA, markup comes from ui.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
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
from qa.opening import parse_filters
from qa.provenance import made_with
from qa.result import Answer, Turn
from ui_look import LINKS, SCROLL


def ask_tab(qa: CableQA, page: gr.Blocks, examples: Sequence[str]) -> None:
    """The chat, the evidence and the cable view."""
    rows = qa.store.cables()
    origins = sorted({row.origin for row in rows if row.origin})
    classifications = sorted({row.classification for row in rows if row.classification})
    tags = sorted({tag for row in rows for tag in row.tags})

    with gr.Tab("Ask"):
        turns: gr.State = gr.State([])  # the Exchanges of the conversation
        last: gr.State = gr.State(None)  # the last Answer
        kept = gr.BrowserState("", storage_key="cable-qa-conversation", secret="cable-qa")  # the conversation as JSON
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
                    new = gr.Button("New conversation", elem_id="new", min_width=80)
                    export = gr.Button("Export", elem_id="export", min_width=80)
                exported = gr.File(
                    label="Markdown to read; a bundle that `cable-qa check` verifies",
                    file_count="multiple",
                    visible=False,
                    elem_id="exported",
                )
                if examples:
                    gr.Examples([[question] for question in examples], inputs=[box], label="Examples")
                with gr.Accordion("Filters", open=False):
                    origin = gr.Dropdown(["", *origins], value="", label="Origin")
                    classification = gr.Dropdown(["", *classifications], value="", label="Classification")
                    tag = gr.Dropdown(["", *tags], value="", label="TAG")
                    since = gr.Textbox("", label="Sent from (YYYY-MM-DD)")
                    until = gr.Textbox("", label="Sent to (YYYY-MM-DD)")
            with gr.Column(scale=6, min_width=320):
                shown = gr.HTML(ui.evidence(None, qa.store), elem_id="evidence", js_on_load=LINKS)
                cable = gr.HTML("", elem_id="cable", js_on_load=LINKS)

        def ask(
            question: str,
            history: list[Exchange],
            origin_: str,
            class_: str,
            tag_: str,
            since_: str,
            until_: str,
        ) -> Iterator[tuple[Any, ...]]:
            question = question.strip()
            if not question:
                yield (gr.skip(),) * 5
                return
            said = ""

            def state(now: Exchange, writing: bool = False, began: bool = False) -> tuple[Any, ...]:
                side = ui.evidence(now.answer, qa.store) if now.answer else gr.skip()
                return [*history, now], now.answer, ui.chat([*history, now], writing), side, "" if began else gr.skip()

            yield state(Exchange(question), writing=True, began=True)  # what is typed from here on stays
            try:
                where = Filter(
                    origin=origin_ or None, classification=class_ or None, tag=tag_ or None,
                    sent_from=_day(since_), sent_to=_day(until_),
                )  # fmt: skip
                for piece in qa.stream(question, [turn.turn for turn in history], where):
                    if isinstance(piece, Answer):
                        yield state(Exchange(question, piece, made_with=made_with(qa)))
                    else:
                        said += piece
                        yield state(Exchange(question, said=said), writing=True)
            except CableQAError as error:
                yield state(Exchange(question, said=str(error)))

        def restore(text: Any) -> tuple[Any, ...]:
            found = restored(text, qa.store)
            answer = found[-1].answer if found else None
            return found, answer, ui.chat(found), ui.evidence(answer, qa.store)

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
                turns = [Turn(turn["question"], turn["answer"]) for turn in history or []]
                return qa.answer(question, turns, parse_filters(filters or [])).as_json()
            except CableQAError as error:
                raise gr.Error(str(error), print_exception=False) from None

        def open_link(answer: Answer | None, event: gr.EventData) -> str:
            href = (getattr(event, "_data", None) or {}).get("href", "")
            return _opened(qa, parse_qs(str(href).lstrip("?")), answer)

        def open_page(request: gr.Request) -> str:
            return _opened(qa, {name: [value] for name, value in dict(request.query_params).items()}, None)

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        inputs = [box, turns, origin, classification, tag, since, until]
        outputs = [turns, last, log, shown, box]
        running: list[Any] = [trigger(ask, inputs, outputs, **private) for trigger in (send.click, box.submit)]
        stop.click(None, cancels=running, api_visibility="private").then(ui.chat, [turns], [log], **private)
        for event in running:
            event.then(
                lambda turns: (as_json(turns), gr.update(value=None, visible=False)),
                [turns],
                [kept, exported],
                **private,
            )
        new.click(
            lambda: (
                [],
                None,
                ui.chat([]),
                ui.evidence(None, qa.store),
                "",
                "[]",
                gr.update(value=None, visible=False),
            ),
            None,
            [turns, last, log, shown, cable, kept, exported],
            cancels=running,
            **private,
        )
        export.click(make_files, [turns], [exported], **private)
        page.load(restore, [kept], [turns, last, log, shown], **private)
        for source in (log, shown, cable):
            source.click(open_link, [last], [cable], **private).then(None, js=SCROLL)
        gr.api(answer, api_name="answer")  # type: ignore[attr-defined]
        page.load(open_page, None, [cable], **private).then(None, js=SCROLL)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise CableQAError(f"{text!r} is no day. Write it as 2009-12-31.") from None


def _opened(qa: CableQA, parts: dict[str, list[str]], answer: Answer | None) -> str:
    if not parts.get("cable"):
        return ""
    section, paragraph = (parts.get(name, [None])[0] for name in ("section", "paragraph"))
    return ui.opened(qa.store, parts["cable"][0], section, paragraph, ui.quotes_of(answer))
