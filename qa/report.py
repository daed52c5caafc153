"""A run, or the comparison of two, as one HTML file that needs nothing else: no network, no other file.

Flows in: a Run, or a Comparison. Flows out: an HTML document. Everything that a cable, a golden set or a model wrote goes through
`html.escape`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from qa.chart import bars, change, curve, intervals
from qa.compare import CAUTION, Comparison
from qa.result import citation_of
from qa.runs import Run
from qa.score import FAILURES, FEW, LOWER_IS_BETTER, STAGES, Summary, abstention_curve, answering, failures

HEADLINE = (
    "answer_match",
    "success@1",
    "citation_precision",
    "citation_recall",
    "supported",
    "abstention",
    "false_abstention",
    "doubt",
    "false_doubt",
)
BY_TYPE = ("answer_match", "token_f1", "success@1", "completeness@5", "citation_precision", "citation_recall")
IN_ROW = ("answer_match", "MRR", "citation_precision", "citation_recall")
Pair = tuple[Mapping[str, Any], Mapping[str, Any]]


def run_report(run: Run) -> str:
    """The report of a run: headline figures, plots, all figures, and each question with its evidence."""
    overall = run.summary["all"]
    title = f"Golden run: {run.config['golden']['name'] or run.folder.name}, {run.config['model']}"
    return _page(title, [
        _about(title, run),
        f'<section class="cards">{"".join(_card(name, overall[name]) for name in HEADLINE if name in overall)}</section>',
        "<h2>By question type</h2>", _plots(_by_type(run.summary)),
        "<h2>Failures, abstention, time</h2>", _plots([*_failure_plot(run), *_abstention_plot(run), *_latency_plot(overall)]),
        _all_figures(run.summary), _judges(run), _warnings(run.config["warnings"]),
        "<h2>Questions</h2>", _filters(run.records), _questions(run),
    ])  # fmt: skip


def _judges(run: Run) -> str:
    """What language models said of the answers, where any was asked (`qa.judge`)."""
    return "".join(f'<pre class="meta">{escape(chr(10).join(said))}</pre>' for said in run.judges)


def compare_report(found: Comparison) -> str:
    """The report of a comparison: each figure's difference, the questions that moved side by side, where failures lie."""
    title = f"{found.before.folder.name} → {found.after.folder.name}"
    alone = f" {found.alone} rows are in one run only." if found.alone else ""
    differ = ", ".join(found.configuration) or "nothing"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="meta">{len(found.pairs)} questions.{alone} The configurations differ in: {escape(differ)}.</p>',
        "<h2>Figures</h2>", _differences(found), f'<p class="meta">{CAUTION}</p>',
        "<h2>Where the failures lie</h2>", _failure_table(found),
    ]  # fmt: skip
    for kind, heading in (("better", "Got better"), ("worse", "Got worse"), ("other", "Fail elsewhere now")):
        moved = found.moved(kind)
        parts += [f"<h2>{heading}: {len(moved)}</h2>", *(_side_by_side(found, pair) for pair in moved)]
    return _page(title, parts)


def _page(title: str, parts: Iterable[str]) -> str:
    own = files("qa")
    style, script = (own.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>{''.join(parts)}<script>{script}</script></body></html>\n"
    )


def _about(title: str, run: Run) -> str:
    config = run.config
    index = config["index"]
    prompts = ", ".join(f"{name} {value}" for name, value in config["prompts"].items())
    facts = {
        "reader": config["reader"], "embedding model": index["embedding_model"], "code": config["code"], "prompts": prompts,
        "golden set": config["golden"]["content"], "index": index["content"], "version": config["version"], "seed": config["seed"],
    }  # fmt: skip
    listed = " · ".join(f"{name} <code>{escape(str(value))}</code>" for name, value in facts.items())
    return (
        f'<h1>{escape(title)}</h1><p class="meta">{config["questions"]} questions on {index["cables"]} cables, {index["paragraphs"]} '
        f"paragraphs. {FEW[0].upper() + FEW[1:]}.<br>{listed}</p>"
    )


def _card(name: str, figure: Mapping[str, float]) -> str:
    lower = " (lower is better)" if name in LOWER_IS_BETTER else ""
    return (
        f'<div class="tile"><span>{escape(name)}{lower}</span><b>{figure["mean"]:.3f}</b>'
        f"<span>{figure['low']:.3f} to {figure['high']:.3f}, n={figure['n']}</span></div>"
    )


def _plots(plots: Sequence[str]) -> str:
    return f'<section class="plots">{"".join(plots)}</section>'


def _by_type(summary: Summary) -> list[str]:
    found = []
    for name in BY_TYPE:
        rows = [
            (kind, figures[name]["mean"], figures[name]["low"], figures[name]["high"], int(figures[name]["n"]))
            for kind, figures in summary.items() if name in figures
        ]  # fmt: skip
        if rows:
            found.append(intervals(name, rows))
    return found


def _failure_plot(run: Run) -> list[str]:
    counts = failures(run.records)
    right = len(run.records) - sum(counts.values())
    return [
        bars("Where questions failed", [("right", right, str(right)), *((n, c, str(c)) for n, c in counts.items())])
    ]


def _abstention_plot(run: Run) -> list[str]:
    points = [(recall, precision, f"threshold {t:.3f}: precision {precision:.3f}, recall {recall:.3f}")
              for t, precision, recall in abstention_curve(run.records)]  # fmt: skip
    precision, recall = answering(run.records)
    now = (recall, precision, f"this run: precision {precision:.3f}, recall {recall:.3f}")
    title = "Answering what can be answered, as the abstention threshold moves"
    return [curve(title, points, now)] if points else []


def _latency_plot(overall: Mapping[str, Mapping[str, float]]) -> list[str]:
    names = [stage for stage in STAGES if f"{stage}_ms_p50" in overall]
    p50, p95 = ([overall[f"{name}_ms_p{q}"]["mean"] for name in names] for q in (50, 95))
    rows = [(name, a, f"{a:.0f}, {b:.0f} ms") for name, a, b in zip(names, p50, p95, strict=True)]
    return [bars("Time by stage: p50 (bar), p95 (line)", rows, p95)]


def _all_figures(summary: Summary) -> str:
    names = list(summary["all"])
    head = "".join(f'<th class="figure">{escape(kind)}</th>' for kind in summary)
    rows = []
    for name in names:
        cells = []
        for figures in summary.values():
            one = figures.get(name)
            said = f"{one['mean']:.3f}<br><span class=soft>{one['low']:.2f}–{one['high']:.2f}</span>" if one else ""
            cells.append(f'<td class="figure">{said}</td>')
        rows.append(f"<tr><th>{escape(name)}</th>{''.join(cells)}</tr>")
    return f'<h2>All figures</h2><details><summary>{len(names)} figures by type</summary><div class="wide"><table><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div></details>'


def _warnings(lines: Sequence[str]) -> str:
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>To check in the golden set</h2><ul>{listed}</ul>" if lines else ""


def _filters(records: Sequence[Mapping[str, Any]]) -> str:
    def options(names: Iterable[str]) -> str:
        return "".join(f'<option value="{escape(name)}">{escape(name)}</option>' for name in names)

    types = dict.fromkeys(record["type"] for record in records)
    return (
        '<form class="filters" onsubmit="return false"><label>Text<input name="text" type="search"></label>'
        f'<label>Type<select name="type"><option value="">all</option>{options(types)}</select></label>'
        f'<label>Outcome<select name="failure"><option value="">all</option>{options(["right", *FAILURES])}</select></label>'
        '<output id="shown" class="soft"></output></form>'
    )


def _questions(run: Run) -> str:
    head = "".join(f'<th class="figure optional">{name.replace("_", " ")}</th>' for name in IN_ROW)
    rows = []
    for record in run.records:
        figures = "".join(
            f'<td class="figure optional">{_number(record["figures"].get(name))}</td>' for name in IN_ROW
        )  # fmt: skip
        rows.append(
            f'<tbody data-type="{escape(record["type"])}" data-failure="{record["failure"] or "right"}"><tr>'
            f'<td class="optional">{escape(record["id"])}</td><td>{escape(record["type"])}</td>'
            f"<td><details><summary>{escape(record['question'])}</summary>{_inside(record, run.paragraphs)}</details></td>"
            f"<td>{_outcome(record)}</td>{figures}</tr></tbody>"
        )
    return f'<table><thead><tr><th class="optional">id</th><th>type</th><th class="asked">question</th><th>outcome</th>{head}</tr></thead>{"".join(rows)}</table>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _outcome(record: Mapping[str, Any]) -> str:
    return f'<span class="{"wrong" if record["failure"] else "right"}">{escape(record["failure"] or "right")}</span>'


def _inside(record: Mapping[str, Any], paragraphs: Mapping[str, str]) -> str:
    return f'<div class="inside">{_asked(record)}{_answered(record)}{_evidence(record, paragraphs)}</div>'


def _asked(record: Mapping[str, Any]) -> str:
    golden = record["golden"]
    turns = "".join(
        f'<p class="soft">{escape(turn["question"])} — {escape(turn["answer"])}</p>' for turn in golden.get("history") or []
    )  # fmt: skip
    aliases = " · ".join(golden.get("answer_aliases") or [])
    expected = golden.get("answer") or ("" if golden["answerable"] else "The cables do not answer this.")
    return (
        f"{'<h3>Before it</h3>' + turns if turns else ''}<h3>Expected</h3><p>{escape(expected)}</p>"
        f"{'<p class=soft>or: ' + escape(aliases) + '</p>' if aliases else ''}"
    )


def _answered(record: Mapping[str, Any]) -> str:
    doubts = "".join(
        f'<p class="wrong">{escape(one["verdict"])}: {escape(one["text"])} {escape("; ".join(one["problems"]))}</p>'
        for one in record["statements"] if one["verdict"] != "supported"
    )  # fmt: skip
    return f"<h3>Answered</h3><p>{escape(record['answer'])}</p>{doubts}"


def _evidence(record: Mapping[str, Any], paragraphs: Mapping[str, str]) -> str:
    ranks = {citation_of(part): n for n, part in reversed(list(enumerate(record["retrieved"], 1)))}
    cited: dict[Any, list[tuple[int, int]]] = {}
    for one in record["citations"]:
        cited.setdefault(citation_of(one), []).append((one["start"], one["end"]))
    groups = [[citation_of(part) for part in group] for group in record["evidence"]]
    out = ["<h3>Evidence</h3>"] if groups else []
    for n, group in enumerate(groups, 1):
        for citation in group:
            place = f"retrieved at {ranks[citation]}" if citation in ranks else "not retrieved"
            found = citation in cited
            other = not found and any(each in cited for each in group)
            state = "cited" if found else "an alternative is cited" if other else "missed"
            label = f"group {n}: " if len(groups) > 1 else ""
            kind = "right" if found or other else "wrong"
            out.append(_paragraph(citation, f'{label}<span class="{kind}">{state}</span>, {place}', cited, paragraphs))
    known = {citation for group in groups for citation in group}
    beside = [citation for citation in cited if citation not in known]
    if beside:
        out.append("<h3>Cited, and not in the evidence</h3>")
        out += [_paragraph(c, f"retrieved at {ranks[c]}" if c in ranks else "", cited, paragraphs) for c in beside]
    near = [c for c in list(ranks)[::-1][:3] if c not in cited and c not in known] if not cited else []
    if near:
        out.append("<h3>Nearest</h3>")
        out += [_paragraph(c, f"retrieved at {ranks[c]}", cited, paragraphs) for c in near]
    return "".join(out)


def _paragraph(citation: Any, said: str, cited: Mapping[Any, list[tuple[int, int]]], texts: Mapping[str, str]) -> str:
    """A paragraph with what was quoted of it marked; `said` is markup."""
    text, at, out = texts.get(str(citation), ""), 0, []
    for start, end in sorted(cited.get(citation, [])):
        start = max(start, at)
        if start < end:
            out += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
            at = end
    return f'<div class="paragraph"><b>{escape(str(citation))}</b> <span class="soft">{said}</span><p>{"".join(out)}{escape(text[at:])}</p></div>'


def _differences(found: Comparison) -> str:
    rows = []
    for one in found.differences:
        reach = 1.0 if one.name != "ms" else max(abs(one.low), abs(one.high), 1.0)
        kind = one.verdict if one.verdict in ("better", "worse") else "soft"
        rows.append(
            f'<tr><td>{escape(one.name)}</td><td class="figure">{one.before:.3f}</td><td class="figure">{one.after:.3f}</td>'
            f'<td class="figure">{one.after - one.before:+.3f}</td><td class="optional">{change(one.low, one.high, one.after - one.before, reach, kind != "soft")}</td>'
            f'<td class="figure optional">{one.low:+.3f} to {one.high:+.3f}</td><td class="figure optional">{one.p:.3f}</td><td class="figure optional" title="{escape(", ".join(one.up))}">{len(one.up)}</td>'
            f'<td class="figure optional" title="{escape(", ".join(one.down))}">{len(one.down)}</td><td class="{kind}">{one.verdict}</td></tr>'
        )
    return (
        '<div class="wide"><table><thead><tr><th>figure</th><th class="figure">before</th><th class="figure">after</th><th class="figure">difference</th>'
        '<th class="optional"></th><th class="figure optional">95% interval</th><th class="figure optional">p</th><th class="figure optional">up</th><th class="figure optional">down</th><th></th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _failure_table(found: Comparison) -> str:
    before, after = (failures([pair[n] for pair in found.pairs]) for n in (0, 1))
    rows = "".join(
        f'<tr><td>{name}</td><td class="figure">{before.get(name, 0)}</td><td class="figure">{after.get(name, 0)}</td><td class="soft optional">{escape(said)}</td></tr>'
        for name, said in FAILURES.items() if name in before or name in after
    )  # fmt: skip
    return f'<table><thead><tr><th>failure</th><th class="figure">before</th><th class="figure">after</th><th class="optional"></th></tr></thead><tbody>{rows}</tbody></table>'


def _side_by_side(found: Comparison, pair: Pair) -> str:
    sides = "".join(
        f"<div><h3>{when}: {_outcome(record)}</h3>{_answered(record)}{_evidence(record, run.paragraphs)}</div>"
        for when, record, run in zip(("Before", "After"), pair, (found.before, found.after), strict=True)
    )
    return (
        f"<details><summary>{escape(pair[1]['id'])} · {escape(pair[1]['question'])} ({_outcome(pair[0])} → {_outcome(pair[1])})</summary>"
        f'<div class="inside">{_asked(pair[1])}<div class="sides">{sides}</div></div></details>'
    )
