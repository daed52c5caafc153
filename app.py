"""The page: chat, evidence and cable view. No retrieval logic: questions go to CableQA, markup comes from ui.

`python app.py` is `cable-qa serve`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from typing import Any
from urllib.parse import parse_qs

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

import ui
from index.errors import CableQAError
from index.store import Filter
from qa.answer import Answer, CableQA, Turn
from qa.cli import parse_filters

# A click on a citation or a card is told to Python; with a modifier key the browser opens the link itself.
LINKS = """
element.addEventListener('click', (event) => {
  const card = String(window.getSelection()) ? null : event.target.closest('.card');
  const link = event.target.closest('a.cite') || (card && card.querySelector('a.cite'));
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const href = link.getAttribute('href');
  const theme = new URLSearchParams(location.search).get('__theme');
  history.replaceState(null, '', theme ? href + '&__theme=' + encodeURIComponent(theme) : href);
  trigger('click', {href});
});
"""
# The conversation is a log that screen readers announce and the keyboard scrolls; it shows its newest turn.
LOG = """
element.setAttribute('role', 'log');
element.setAttribute('aria-label', 'Conversation');
element.tabIndex = 0;
let seen = 0;
new MutationObserver(() => {
  const turns = element.querySelectorAll('.turn');
  if (turns.length > seen) turns[turns.length - 1].scrollIntoView({block: 'nearest'});
  seen = turns.length;
}).observe(element, {childList: true, subtree: true});
"""
CSS = """
body.dark { background: var(--body-background-fill) !important; }
.gradio-container { max-width: 1500px !important; overflow: visible !important; }
#title h1 { font-size: 1.4rem; margin: 0; }
#title p { color: var(--body-text-color-subdued); margin: .2rem 0 0; }
#ask-side button { white-space: nowrap; }
#chat, #evidence, #cable { overflow-wrap: anywhere; line-height: 1.55; }
#chat .question { font-weight: 600; margin: 1.2rem 0 .4rem; padding-left: .8rem; border-left: 3px solid var(--color-accent); }
#chat .answer p { margin: .5rem 0; }
.hint, .note, .waiting { color: var(--body-text-color-subdued); }
.abstained { border-left: 3px solid var(--body-text-color-subdued); padding-left: .8rem; }
.verdict { color: #b91c1c; } .dark .verdict { color: #fca5a5; }
a.cite { display: inline-block; padding: 0 .5rem; border: 1px solid var(--border-color-primary); border-radius: 1rem;
  font-size: .85em; text-decoration: none; color: var(--body-text-color); background: var(--background-fill-secondary); }
a.cite:hover { border-color: var(--color-accent); }
#chat:focus-visible, #chat [role=log]:focus-visible, a:focus-visible, button:focus-visible, textarea:focus-visible, input:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 2px; }
.card { border: 1px solid var(--border-color-primary); border-radius: .6rem; padding: .8rem 1rem; margin: .7rem 0; cursor: pointer; }
.card:hover { border-color: var(--color-accent); }
.card header { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: center; font-size: .9em; color: var(--body-text-color-subdued); }
.card header strong { flex-basis: 100%; color: var(--body-text-color); }
.card p, .cable p { font-family: Georgia, 'Times New Roman', serif; white-space: pre-line; margin: .5rem 0; }
.card .heading { font-variant: small-caps; color: var(--body-text-color-subdued); }
.cable .bar { position: sticky; top: 0; z-index: 2; display: flex; justify-content: space-between; gap: 1rem; padding: .4rem 0;
  background: var(--body-background-fill); border-bottom: 1px solid var(--border-color-primary); font-size: .9em; }
.cable .bar a { color: var(--body-text-color); }
#cable h2, #evidence h2 { font-size: 1.1rem; margin: .4rem 0; }
#cable h3 { font-size: .95rem; margin: 1.2rem 0 .3rem; color: var(--body-text-color-subdued); }
.fields { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .8rem; font-size: .85em; }
.fields dt { color: var(--body-text-color-subdued); } .fields dd { margin: 0; }
.paragraph { display: grid; grid-template-columns: minmax(3.4rem, max-content) minmax(0, 1fr); gap: .7rem; padding: .2rem .4rem; border-radius: .5rem; }
.paragraph .number { align-self: start; justify-self: start; margin-top: .55rem; }
.target { background: var(--background-fill-secondary); outline: 2px solid var(--color-accent); scroll-margin-top: 4rem; }
mark { background: #fde68a; color: #1c1917; border-radius: .2rem; }
.signature { letter-spacing: .1em; }
@media (min-width: 1000px) { #ask-side { position: sticky; top: .5rem; align-self: flex-start; max-height: 97vh; overflow: auto; flex-wrap: nowrap; } }
@media (max-width: 700px) { .paragraph { grid-template-columns: minmax(0, 1fr); gap: 0; } .fields { grid-template-columns: minmax(0, 1fr); } }
"""


EXAMPLES = (
    ("09PORTSELWYN123", "What was the cod quota for 2009?"),
    ("09PORTSELWYN141", "Who heads the Customs Directorate?"),
    ("09PORTSELWYN524", "How many people died in the ferry disaster?"),
    ("09PORTSELWYN203", "Who signed 09PORTSELWYN203?"),
)


def build_app(qa: CableQA, examples: Sequence[tuple[str, str]] = EXAMPLES) -> gr.Blocks:
    """The page on an open index; `examples` are (cable, question): offered where the index holds that cable."""
    rows = qa.store.cables()
    held = {row.reference_id for row in rows}
    offered = [[question] for reference_id, question in examples if reference_id in held]
    counts = qa.store.counts()
    origins = sorted({row.origin for row in rows if row.origin})
    classifications = sorted({row.classification for row in rows if row.classification})
    tags = sorted({tag for row in rows for tag in row.tags})

    with gr.Blocks(title="cable-qa", analytics_enabled=False, fill_width=True) as page:
        gr.Markdown(
            f"# Cables: ask, and check the answer\n{counts['cables']} cables, {counts['paragraphs']} paragraphs · answers: {qa.model}",
            elem_id="title",
        )
        turns: gr.State = gr.State([])  # (question, HTML of the answer, its text) of the conversation
        quotes: gr.State = gr.State({})  # where the conversation's quotes stand, by paragraph
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320, elem_id="ask-side"):
                log = gr.HTML(ui.chat([]), elem_id="chat", js_on_load=LINKS + LOG)
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
                    new = gr.Button("New conversation", elem_id="new", min_width=180)
                if offered:
                    gr.Examples(offered, inputs=[box], label="Examples")
                with gr.Accordion("Filters", open=False):
                    origin = gr.Dropdown(_any(origins), value="", label="Origin")
                    classification = gr.Dropdown(_any(classifications), value="", label="Classification")
                    tag = gr.Dropdown(_any(tags), value="", label="TAG")
                    since = gr.Textbox("", label="Sent from (YYYY-MM-DD)")
                    until = gr.Textbox("", label="Sent to (YYYY-MM-DD)")
            with gr.Column(scale=6, min_width=320):
                shown = gr.HTML(ui.evidence(None, qa.store), elem_id="evidence", js_on_load=LINKS)
                cable = gr.HTML("", elem_id="cable", js_on_load=LINKS)

        def ask(
            question: str,
            history: list[tuple[str, str, str]],
            known: ui.Quotes,
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

            def state(answer: Answer | None, markup: str, text: str, typed: Any = None) -> tuple[Any, ...]:
                all_turns = [*history, (question, markup, text)]
                side = ui.evidence(answer, qa.store) if answer else gr.skip()
                marks = ui.joined(known, ui.quotes_of(answer)) if answer else gr.skip()
                return all_turns, marks, _chat(all_turns), side, gr.skip() if typed is None else typed

            yield state(None, ui.partial(""), "", typed="")  # only here: the next question may be typed meanwhile
            try:
                where = Filter(
                    origin=origin_ or None, classification=class_ or None, tag=tag_ or None,
                    sent_from=_day(since_), sent_to=_day(until_),
                )  # fmt: skip
                for piece in qa.stream(question, [Turn(turn[0], turn[2]) for turn in history if turn[2]], where):
                    if isinstance(piece, Answer):
                        yield state(piece, ui.answered(piece), piece.answer)
                    else:
                        said += piece
                        yield state(None, ui.partial(said), said)
            except CableQAError as error:
                yield state(None, f'<p class="abstained">{escape(str(error))}</p>', "")

        def stopped(history: list[tuple[str, str, str]]) -> tuple[Any, ...]:
            if not history or history[-1][1] != ui.partial(history[-1][2]):
                return gr.skip(), gr.skip()
            question, _, said = history[-1]
            turns = [*history[:-1], (question, ui.stopped(said), said)]
            return turns, _chat(turns)

        def answer(
            question: str, history: list[dict[str, str]] | None = None, filters: list[str] | None = None
        ) -> dict[str, Any]:
            """The answer JSON to a question; `filters` as on the command line, `history` as in a golden set."""
            try:
                turns = [Turn(turn["question"], turn["answer"]) for turn in history or []]
                return qa.answer(question, turns, parse_filters(filters or [])).as_json()
            except CableQAError as error:
                raise gr.Error(str(error), print_exception=False) from None

        def open_link(known: ui.Quotes, event: gr.EventData) -> str:
            href = (getattr(event, "_data", None) or {}).get("href", "")
            return _opened(qa, parse_qs(str(href).lstrip("?")), known)

        def open_page(request: gr.Request) -> str:
            return _opened(qa, {name: [value] for name, value in dict(request.query_params).items()}, {})

        running = gr.on(
            [send.click, box.submit],
            ask,
            [box, turns, quotes, origin, classification, tag, since, until],
            [turns, quotes, log, shown, box],
            api_visibility="private",
            show_progress="hidden",
        )
        stop.click(stopped, [turns], [turns, log], cancels=[running], api_visibility="private", show_progress="hidden")
        new.click(
            lambda: ([], {}, ui.chat([]), ui.evidence(None, qa.store), ""),
            None,
            [turns, quotes, log, shown, cable],
            cancels=[running],
            api_visibility="private",
        )
        for source in (log, shown, cable):
            source.click(open_link, [quotes], [cable], api_visibility="private", show_progress="hidden").then(
                None, js=SCROLL
            )
        gr.api(answer, api_name="answer")  # type: ignore[attr-defined]
        page.load(open_page, None, [cable], api_visibility="private", show_progress="hidden").then(None, js=SCROLL)
    return page  # type: ignore[no-any-return]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise CableQAError(f"{text!r} is no day. Write it as 2009-12-31.") from None


def _any(values: Sequence[str]) -> list[tuple[str, str]]:
    return [("any", ""), *((value, value) for value in values)]


def _chat(turns: Sequence[tuple[str, str, str]]) -> str:
    return ui.chat([turn[:2] for turn in turns])


def _opened(qa: CableQA, parts: dict[str, list[str]], quotes: ui.Quotes) -> str:
    if not parts.get("cable"):
        return ""
    section, paragraph = (parts.get(name, [None])[0] for name in ("section", "paragraph"))
    return ui.opened(qa.store, parts["cable"][0], section, paragraph, quotes)


def launch(qa: CableQA, host: str, port: int, block: bool = True) -> gr.Blocks:
    """Serves the page at host:port; returns at once where `block` is False. Nothing is asked of the network."""
    page = build_app(qa)
    theme = gr.themes.Soft(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], primary_hue="teal"
    ).set(
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700", block_title_text_color="*primary_800",
        block_label_text_color="*primary_800", input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )  # fmt: skip
    page.queue(default_concurrency_limit=4)
    page.launch(
        server_name=host, server_port=port, share=False, quiet=True, prevent_thread_lock=not block, show_error=True,
        theme=theme, css=CSS, ssr_mode=False, footer_links=[], enable_monitoring=False,
    )  # fmt: skip
    return page


def serve(qa: CableQA, host: str, port: int) -> None:
    """Serves the page until it is stopped; says where on stderr."""
    print(f"Open http://{host}:{port} (stop with Ctrl+C)", file=sys.stderr)
    launch(qa, host, port)


def main(argv: Sequence[str] | None = None) -> int:
    """`cable-qa serve` with these arguments; returns its exit code."""
    from qa.cli import main as command

    return command(["serve", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    sys.exit(main())
