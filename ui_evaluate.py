"""The Evaluate tab, and the judging of an answer in the chat: gradio components and what they call.

`evaluate_tab(qa)` and `judging(qa, last, turns)` are called where they shall stand in the page. What they write lies in the
folder `evaluation` of the index: `golden.jsonl` (the user's own set), `sets/` (uploaded ones), `runs/`.
"""

from __future__ import annotations

import itertools
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from index.corpus import SAMPLE
from index.errors import CableQAError, InputError
from qa.answer import CableQA
from qa.compare import compare
from qa.conversation import Exchange
from qa.evaluate import configuration, steps
from qa.golden import doubts, load_golden
from qa.judged import COLUMNS, RIGHT, SILENT, WRONG, add_row, add_rows, judged_row, rows_of, save_table, to_table
from qa.report import compare_report
from qa.result import Answer
from qa.runs import load_run, write_whole

OWN = "my golden set"
SHOWN = 5  # doubts about an uploaded set that are listed
CSS = """
#report iframe { width: 100%; height: 85vh; border: 1px solid var(--border-color-primary); border-radius: .6rem; background: Canvas; }
#run-state progress { width: 100%; height: .8rem; accent-color: var(--color-accent); }
#upload, #run, #stop-run, #compare, #download-report { align-self: flex-end; flex-grow: 1; }
#ask-side > * { flex-shrink: 0; }
#run-state p, #judged p, #own-state p { margin: .3rem 0; }
"""
_one_run, _stop = threading.Lock(), threading.Event()  # one run at a time; Stop ends it after the question it is at


def judging(qa: CableQA, last: gr.State, turns: gr.State) -> None:
    """Three buttons under the conversation that turn its last answer (`last`, an Answer) into a row of the user's golden set; the
    Exchanges before it in `turns` become the row's history."""
    with gr.Column(visible=False, elem_id="judging") as area:
        with gr.Row():
            right = gr.Button("Right", size="sm", min_width=80, elem_id="judge-right")
            wrong = gr.Button("Wrong", size="sm", min_width=80, elem_id="judge-wrong")
            silent = gr.Button("Should have abstained", size="sm", min_width=140, elem_id="judge-silent")
        with gr.Column(visible=False) as details:
            places = gr.Dropdown([], multiselect=True, label="The paragraphs that answer it (any one is enough)", elem_id="judge-places",
                                 allow_custom_value=True)  # fmt: skip
            said = gr.Textbox("", label="The right answer, in few words", elem_id="judge-answer")
            save = gr.Button("Save", variant="primary", size="sm", elem_id="judge-save")
        done = gr.HTML("", elem_id="judged")

    def offer(answer: Answer | None) -> tuple[Any, ...]:
        choices = [str(hit.citation) for hit in answer.retrieved] if answer else []
        return (
            gr.update(visible=answer is not None),
            gr.update(visible=not (answer and answer.abstained)),
            gr.update(visible=False),
            gr.update(choices=choices, value=[]),
            "",
            "",
        )

    def judge(verdict: str) -> Any:
        def run(answer: Answer | None, history: Sequence[Exchange], picked: list[str], text: str) -> tuple[Any, str]:
            if answer is None:
                return gr.skip(), ""
            try:
                before = [turn.turn for turn in history[:-1]]
                count = add_row(_own(qa), judged_row(answer, before, verdict, picked, text), qa.store)
            except CableQAError as error:
                return gr.skip(), _line(str(error))
            return gr.update(visible=False), f"<p>Saved as “{verdict}”: {count} in {OWN}, see Evaluate.</p>"

        return run

    last.change(
        offer, [last], [area, silent, details, places, said, done], api_visibility="private", show_progress="hidden"
    )
    wrong.click(lambda: (gr.update(visible=True), ""), None, [details, done], api_visibility="private")
    for button, verdict in ((right, RIGHT), (silent, SILENT), (save, WRONG)):
        button.click(judge(verdict), [last, turns, places, said], [details, done], api_visibility="private")


def evaluate_tab(qa: CableQA) -> None:
    """A tab that runs golden sets, shows and compares the runs, and edits the user's own set."""
    with gr.Tab("Evaluate", elem_id="evaluate-tab") as tab:
        with gr.Row(equal_height=False):
            golden = gr.Dropdown(list(_sets(qa)), label="Golden set", elem_id="golden", scale=3)
            upload = gr.UploadButton("Upload", file_types=[".jsonl"], elem_id="upload", min_width=90)
            start = gr.Button("Run", variant="primary", elem_id="run", min_width=90)
            stop = gr.Button("Stop", elem_id="stop-run", min_width=90)
        state = gr.HTML("", elem_id="run-state")
        with gr.Row(equal_height=False):
            run = gr.Dropdown(_runs(qa), value=None, label="Run", elem_id="runs", scale=3)
            earlier = gr.Dropdown(
                _runs(qa), value=None, label="Earlier run to compare it with", elem_id="earlier", scale=3
            )
            against = gr.Button("Compare", elem_id="compare", min_width=90)
            download = gr.DownloadButton("Download", elem_id="download-report", min_width=90)
        report = gr.HTML("", elem_id="report")
        with gr.Accordion(OWN.capitalize(), open=False, elem_id="own"):
            gr.Markdown(
                "Rows come from judging answers, or from a file. Evidence: `09TARN14 ¶2 | 09TARN14 ¶3` where either is enough, "
                "`09TARN14 ¶2 + 09TARN20 ¶1` where both are needed. A row that is not kept is dropped on saving."
            )
            types: list[Any] = ["bool", *["str"] * 6, "bool", "str"]
            table = gr.Dataframe(to_table([]), headers=list(COLUMNS), datatype=types, type="array", interactive=True, wrap=True,
                                 elem_id="own-table", column_count=len(COLUMNS), static_columns=[COLUMNS.index("history")],
                                 column_widths=["80px", "200px", "110px", "320px", "220px", "180px", "240px", "130px", "260px"])  # fmt: skip
            with gr.Row():
                save = gr.Button("Save", variant="primary", elem_id="own-save", min_width=90)
                merge = gr.UploadButton("Add rows of a file", file_types=[".jsonl"], elem_id="own-add", min_width=90)
                own_file = gr.DownloadButton("Download", elem_id="own-download", min_width=90)
            own_state = gr.HTML("", elem_id="own-state")

    saved = gr.State([])  # the table as it was last loaded or saved

    def refresh(cells: list[list[Any]], known: list[list[Any]]) -> tuple[Any, ...]:
        runs, path = _runs(qa), _own(qa)
        try:
            rows, said = rows_of(path), ""
        except CableQAError as error:
            rows, said = [], _line(str(error))
        here, shown = gr.update(choices=runs), to_table(rows)
        edited = _cells(cells) != _cells(known)
        if edited:
            said = _line("The table has changes that are not saved; Save keeps them.")
        return (
            gr.update(choices=list(_sets(qa))), here, here, gr.skip() if edited else shown, gr.skip() if edited else shown,
            str(path) if path.exists() else None, said,
        )  # fmt: skip

    def go(name: str | None) -> Iterator[tuple[Any, ...]]:
        try:
            if not name or name not in _sets(qa):
                raise InputError("Choose a golden set, or upload one.")
            if not _one_run.acquire(timeout=20):
                raise InputError("Another run is going on. Stop it, or wait until it is done.")
            try:
                _stop.clear()
                path = _sets(qa)[name]
                rows = load_golden(path, qa.store)
                out = folder(qa) / "runs" / _run_name(configuration(qa, rows, path.name))
                for done in steps(qa, rows, out, path.name):
                    yield _bar(done, len(rows)), gr.skip(), gr.skip(), gr.skip()
                    if _stop.is_set() and done < len(rows):
                        said = f"<p>Stopped after {done} of {len(rows)} questions. Run goes on from there.</p>"
                        yield said, gr.skip(), gr.skip(), gr.skip()
                        return
            finally:
                _one_run.release()
            right = sum(not record["failure"] for record in load_run(out).records)
            yield (
                f"<p>{right} of {len(rows)} right.</p>",
                gr.update(choices=_runs(qa), value=out.name),
                gr.update(choices=_runs(qa)),
                _frame((out / "report.html").read_text(encoding="utf-8")),
            )
        except CableQAError as error:
            yield _line(str(error)), gr.skip(), gr.skip(), gr.skip()

    def show(name: str | None) -> tuple[Any, ...]:
        if not name:
            return gr.skip(), gr.skip()
        path = folder(qa) / "runs" / name / "report.html"
        return (_frame(path.read_text(encoding="utf-8")), str(path)) if path.exists() else ("", None)

    def both(name: str | None, other: str | None) -> tuple[Any, ...]:
        try:
            if not name or not other:
                raise InputError("Choose a run, and an earlier one to compare it with.")
            runs = folder(qa) / "runs"
            page, path = compare_report(compare(load_run(runs / other), load_run(runs / name))), runs / "compare.html"
            write_whole(path, page)
        except CableQAError as error:
            return _line(str(error)), gr.skip()
        return _frame(page), str(path)

    def take(file: str) -> tuple[Any, str]:
        try:
            found = doubts(load_golden(Path(file), qa.store), qa.store)
            sets = folder(qa) / "sets"
            sets.mkdir(parents=True, exist_ok=True)
            name = _free(Path(file), sets, _sets(qa))
            shutil.copyfile(file, sets / name)
        except (CableQAError, OSError) as error:
            return gr.skip(), _line(str(error).replace(file, Path(file).name))
        listed = "".join(f"<li>{escape(line)}</li>" for line in found[:SHOWN])
        more = f"<li>and {len(found) - SHOWN} more, in the report</li>" if len(found) > SHOWN else ""
        said = f"<p>Loaded as {escape(name)}; press Run.</p>"
        if found:
            said += f"<p>Look at:</p><ul>{listed}{more}</ul>"
        return gr.update(choices=list(_sets(qa)), value=name), said

    def add(file: str, cells: list[list[Any]], known: list[list[Any]]) -> tuple[Any, ...]:
        try:
            new = load_golden(Path(file), qa.store)
            had = save_table(_own(qa), cells, qa.store, known)
            count = add_rows(_own(qa), [row.raw for row in new], qa.store)
        except CableQAError as error:
            return gr.skip(), gr.skip(), gr.skip(), _line(str(error).replace(file, Path(file).name))
        shown = to_table(rows_of(_own(qa)))
        return shown, shown, str(_own(qa)), f"<p>{count - had} rows added, {count} now.</p>"

    def keep(cells: list[list[Any]], known: list[list[Any]]) -> tuple[Any, ...]:
        try:
            count = save_table(_own(qa), cells, qa.store, known)
        except CableQAError as error:
            return gr.skip(), gr.skip(), gr.skip(), _line(str(error))
        shown = to_table(rows_of(_own(qa)))
        return shown, shown, str(_own(qa)) if count else None, f"<p>{count} rows saved.</p>"

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    tab.select(refresh, [table, saved], [golden, run, earlier, table, saved, own_file, own_state], **private)
    start.click(go, [golden], [state, run, earlier, report], **private)
    stop.click(_stop.set, None, None, queue=False, **private)
    run.change(show, [run], [report, download], **private)
    against.click(both, [run, earlier], [report, download], **private)
    upload.upload(take, [upload], [golden, state], **private)
    merge.upload(add, [merge, table, saved], [table, saved, own_file, own_state], **private)
    save.click(keep, [table, saved], [table, saved, own_file, own_state], **private)


def folder(qa: CableQA) -> Path:
    """Where the page keeps golden sets and runs; it need not be there yet."""
    return qa.store.folder / "evaluation"


def _own(qa: CableQA) -> Path:
    return folder(qa) / "golden.jsonl"


def _sets(qa: CableQA) -> dict[str, Path]:
    """The golden sets that can be run, by name: the sample's on the sample corpus, the user's own, those uploaded."""
    found: dict[str, Path] = {}
    if any(str(SAMPLE) in source for _, source, _ in qa.store.known().values()):
        found["sample-golden.jsonl"] = SAMPLE.parent / "sample-golden.jsonl"
    if _own(qa).exists():
        found[OWN] = _own(qa)
    return found | {path.name: path for path in sorted((folder(qa) / "sets").glob("*.jsonl"))}


def _cells(table: Sequence[Sequence[Any]]) -> list[list[str]]:
    """The rows of a table that have anything in them, as text, so that two can be compared."""
    return [[str(cell or "").strip().lower() for cell in row] for row in table if any(row[1:])]


def _free(file: Path, sets: Path, known: dict[str, Path]) -> str:
    """The name under which an uploaded set is kept: its own, or with a number where another set has that."""
    for n in itertools.count(1):
        name = f"{file.stem} ({n}){file.suffix}" if n > 1 else file.name
        if (name not in known and not (sets / name).exists()) or known.get(
            name, sets / name
        ).read_bytes() == file.read_bytes():
            return name
    raise AssertionError


def _runs(qa: CableQA) -> list[str]:
    """The finished runs, latest first."""
    done = (folder(qa) / "runs").glob("*/summary.json")
    return [path.parent.name for path in sorted(done, key=lambda path: -path.stat().st_mtime)]


def _run_name(config: dict[str, Any]) -> str:
    """The same for the same configuration, so that a stopped run goes on: set, model, a hash."""
    plain = re.sub(r"[^\w.-]+", "-", f"{config['golden']['name'].removesuffix('.jsonl')} {config['model']}")
    return f"{plain}-{sha256(repr(config).encode()).hexdigest()[:8]}"


def _frame(page: str) -> str:
    """A report in a frame of its own: its styles and script stay inside."""
    return f'<iframe title="Report" sandbox="allow-scripts" srcdoc="{escape(page)}"></iframe>'


def _bar(done: int, total: int) -> str:
    return f'<progress value="{done}" max="{total}"></progress><p>{done} of {total} questions</p>'


def _line(text: str) -> str:
    return f'<p class="abstained">{escape(text)}</p>'
