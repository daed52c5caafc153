"""The page: chat, evidence and cable view. No retrieval logic: questions go to CableQA, markup comes from ui.

`python app.py` is `cable-qa serve`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

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

# A click on a citation is told to Python; with a modifier key the browser opens the link itself.
LINKS = """
element.addEventListener('click', (event) => {
  const link = event.target.closest('a.cite');
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  history.replaceState(null, '', link.getAttribute('href'));
  trigger('click', {href: link.getAttribute('href')});
});
"""
SCROLL = """() => setTimeout(() => {
  const target = document.querySelector('#cable .target') || document.querySelector('#cable h2');
  if (target) { target.scrollIntoView({block: 'center'}); target.focus({preventScroll: true}); }
}, 120)"""
CSS = """
.gradio-container { --body-text-color-subdued: #52525b; }
.dark .gradio-container { --body-text-color-subdued: #b4b4bd; }
.gradio-container { max-width: 1500px !important; overflow: visible !important; }
#chat, #evidence, #cable { overflow-wrap: anywhere; line-height: 1.55; }
#chat .question { font-weight: 600; margin: 1.2rem 0 .4rem; padding-left: .8rem; border-left: 3px solid var(--color-accent); }
#chat .answer p { margin: .5rem 0; }
.hint, .note, .waiting { color: var(--body-text-color-subdued); }
.abstained { border-left: 3px solid var(--body-text-color-subdued); padding-left: .8rem; }
.caution { border-left: 3px solid #d97706; padding-left: .8rem; }
.verdict { color: var(--error-text-color, #b91c1c); }
a.cite { display: inline-block; padding: 0 .5rem; border: 1px solid var(--border-color-primary); border-radius: 1rem;
  font-size: .85em; text-decoration: none; color: var(--body-text-color); background: var(--background-fill-secondary); }
a.cite:hover { border-color: var(--color-accent); }
a.cite:focus-visible, button:focus-visible, textarea:focus-visible, input:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 2px; }
.card { border: 1px solid var(--border-color-primary); border-radius: .6rem; padding: .8rem 1rem; margin: .7rem 0; }
.card header { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: center; font-size: .9em; color: var(--body-text-color-subdued); }
.card header strong { flex-basis: 100%; color: var(--body-text-color); }
.card p, .cable p { font-family: Georgia, 'Times New Roman', serif; white-space: pre-line; margin: .5rem 0; }
.card .heading { font-variant: small-caps; color: var(--body-text-color-subdued); }
#cable h2, #evidence h2 { font-size: 1.1rem; margin: .4rem 0; }
#cable h3 { font-size: .95rem; margin: 1.2rem 0 .3rem; color: var(--body-text-color-subdued); }
.fields { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .8rem; font-size: .85em; }
.fields dt { color: var(--body-text-color-subdued); } .fields dd { margin: 0; }
.paragraph { display: grid; grid-template-columns: minmax(3.4rem, max-content) minmax(0, 1fr); gap: .7rem; padding: .2rem .4rem; border-radius: .5rem; }
.paragraph .number { align-self: start; margin-top: .55rem; }
.target { background: var(--background-fill-secondary); outline: 2px solid var(--color-accent); }
#chat .short { font-size: 1.15rem; font-weight: 600; }
#evidence mark strong, #cable mark strong { color: inherit; }
mark strong { text-decoration: underline; text-decoration-thickness: 2px; text-underline-offset: 3px; }
mark { background: #fde68a; color: #1c1917; border-radius: .2rem; }
.signature { letter-spacing: .1em; }
@media (min-width: 1000px) { #ask-side { position: sticky; top: .5rem; align-self: flex-start; max-height: 97vh; overflow: auto; flex-wrap: nowrap; } }
@media (max-width: 700px) { #new { font-size: .8rem; padding-inline: .3rem; } .paragraph { grid-template-columns: minmax(0, 1fr); gap: 0; } .fields { grid-template-columns: minmax(0, 1fr); } }
"""


def build_app(qa: CableQA, examples: Sequence[str] = (), missing: str = "") -> gr.Blocks:
    """The page on an open index; `examples` are questions offered as buttons, `missing` says why no language model answers."""
    counts = qa.store.counts()
    with gr.Blocks(title="cable-qa", analytics_enabled=False, fill_width=True) as page:
        gr.Markdown(
            f"## Cables: ask, and check the answer\n{counts['cables']} cables, {counts['paragraphs']} paragraphs · answers: {qa.model}"
        )
        if missing:
            gr.HTML(f'<p class="abstained">{escape(missing)}</p>', elem_id="missing")
        _ask_tab(qa, page, examples)
        ui_evaluate.evaluate_tab(qa)
    return page  # type: ignore[no-any-return]


def _ask_tab(qa: CableQA, page: gr.Blocks, examples: Sequence[str]) -> None:
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
                return qa.answer(*read_call(question, history, filters)).as_json()
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


EXAMPLES = (
    "Who heads the Customs Directorate?",
    "How many people died in the ferry disaster?",
    "Which subject tags does the cable about the film festival bear?",
    "What did Tamsin Roake say about the herring quota?",
)


def launch(qa: CableQA, host: str, port: int, missing: str = "") -> gr.Blocks:
    """Serves the page at host:port; returns at once. Nothing is asked of the network."""
    from index.corpus import SAMPLE

    sample = any(str(SAMPLE) in source for _, source, _ in qa.store.known().values())
    page = build_app(qa, EXAMPLES if sample else (), missing)
    theme = gr.themes.Soft(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], primary_hue="teal"
    )
    page.queue(default_concurrency_limit=4)
    page.launch(
        server_name=host, server_port=port, share=False, quiet=True, prevent_thread_lock=True, show_error=True,
        theme=theme, css=CSS + ui_evaluate.CSS, ssr_mode=False, footer_links=[], enable_monitoring=False,
        allowed_paths=[str(ui_evaluate.folder(qa))],
    )  # fmt: skip
    return page


def serve(qa: CableQA, host: str, port: int, missing: str = "") -> None:
    """Serves the page until it is stopped; says where on stderr."""
    page = launch(qa, host, port, missing)
    print(f"Open http://{host}:{port} (stop with Ctrl+C)", file=sys.stderr)
    page.block_thread()


if __name__ == "__main__":
    from qa.cli import main

    sys.exit(main(["serve", *sys.argv[1:]]))
