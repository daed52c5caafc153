"""The page, with its two tabs: ui_ask and ui_evaluate.

`python app.py` is `cable-qa serve`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from html import escape

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

import ui_evaluate
from qa.answer import CableQA
from ui_ask import ask_tab
from ui_look import CSS


def build_app(qa: CableQA, examples: Sequence[str] = (), missing: str = "") -> gr.Blocks:
    """The page on an open index; `examples` are questions offered as buttons, `missing` says why no language model answers."""
    counts = qa.store.counts()
    with gr.Blocks(title="cable-qa", analytics_enabled=False, fill_width=True) as page:
        gr.Markdown(
            f"## Cables: ask, and check the answer\n{counts['cables']} cables, {counts['paragraphs']} paragraphs · answers: {qa.model}"
        )
        if missing:
            gr.HTML(f'<p class="abstained">{escape(missing)}</p>', elem_id="missing")
        ask_tab(qa, page, examples)
        ui_evaluate.evaluate_tab(qa)
    return page  # type: ignore[no-any-return]


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
