"""How well statements are checked against the paragraph that they cite.

    python -m benchmarks.support --data READING_DATA --index DIR [--weights FILE]

Four sets that nothing was trained on: the statements over held-out passages of READING_DATA/support (the half that thresholds
were not chosen on; `--half 0` shows the other), those over the held-out invented cables, on which thresholds were chosen too, and
`index/sample-statements.jsonl`, 200 over the sample corpus, whose index is DIR, and `hard-statements.jsonl`, 319 more over it, written to
get past the exact facts, on which their rules were mended (a false one has a fact changed, whichever). Caught: a false statement's verdict is not
`supported`, by one changed fact (figure, money, date, name, place, office, reference ID, quotation) and by meaning. False alarm: a
supported statement's verdict is another. By exact facts alone, and with the network. 95% bootstrap intervals, resampled by passage.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median

from benchmarks.reader import interval, mean_of
from index.cable import Citation
from index.store import Store
from qa.facts import missing
from qa.reader.model import WEIGHTS, Reader
from qa.reader.pairs import WRITTEN, held_out, statements
from qa.reader.train import CABLES
from qa.verify import SUPPORTED, Source, Verdict, Verifier, source_of

EXACT = frozenset({"figure", "money", "date", "name", "place", "office", "reference", "quotation"})
Row = tuple[str, str, bool, Verdict]  # passage, what is wrong with the statement, whether facts alone catch it, verdict


def wrong(label: str, kind: str) -> str:
    """What is wrong with a statement: `nothing`, `fact`, `meaning`, `partly` or `unsupported`."""
    if label == "contradicted":
        return "fact" if kind.partition(":")[2] in EXACT else "meaning"
    return {"supported": "nothing"}.get(label, label)


def passages(data: Path, half: int) -> Iterator[tuple[str, str, str, Source]]:
    """The held-out statements: passage, what is wrong, statement and source."""
    texts = {}
    for line in (data / "reader" / "passages.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        texts[row["id"]] = row["passage"]
    for line in (data / "support" / "statements.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name = row["passage_id"]
        if held_out(name) and sha256(name.encode()).digest()[-1] % 2 == half:
            yield (
                name,
                wrong(row["label"], row["kind"]),
                row["statement"],
                Source(Citation(name, None, None), texts[name]),
            )


def over_cables(data: Path) -> Iterator[tuple[str, str, str, Source]]:
    """The statements over the held-out invented cables, in the same form."""
    for one in statements(data, CABLES, WRITTEN):
        if one.passage.context and held_out(one.group):
            source = Source(Citation(one.group, None, None), one.passage.text, one.passage.context)
            yield one.group, wrong(one.label, one.kind), one.statement, source


def sample(store: Store, file: Path) -> Iterator[tuple[str, str, str, Source]]:
    """The statements over the sample corpus, in the same form."""
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        place = Citation(row["reference_id"], row["section"], row["paragraph"])
        yield str(place), wrong(row["label"], row["kind"]), row["statement"], source_of(store, place)


def share(rows: Sequence[Row], of: str, caught: Callable[[Row], bool]) -> str:
    """The share of the rows with `of` wrong that are caught, with its interval."""
    groups: dict[str, list[dict[str, float]]] = defaultdict(list)
    for row in rows:
        if row[1] == of:
            groups[row[0]].append({"caught": float(caught(row))})
    return f"{interval(groups, mean_of('caught'))} n={sum(map(len, groups.values()))}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds support/statements.jsonl")
    parser.add_argument("--index", type=Path, required=True, help="an index of the sample corpus")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--half", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="write each row with its verdict here")
    args = parser.parse_args()
    reader = Reader(args.weights)
    verifier = Verifier(reader)
    print(f"reader {reader.identity}")
    with Store.open(args.index) as store:
        sets = {
            "held-out passages": list(passages(args.data, args.half)),
            "held-out cables": list(over_cables(args.data)),
            "sample corpus": list(sample(store, Path("index/sample-statements.jsonl"))),
            "sample corpus, hard": list(sample(store, Path("benchmarks/hard-statements.jsonl"))),
        }
    written = []
    for label, stated in sets.items():
        rows: list[Row] = []
        times = []
        for name, what, statement, source in stated:
            facts = bool(missing(statement, f"{source.text} {source.context} {source.header}", source.sent))
            began = time.perf_counter()
            verdict = verifier.check(statement, [source])
            times.append(time.perf_counter() - began)
            rows.append((name, what, facts, verdict))
            written.append({"set": label, "passage": name, "wrong": what, "statement": statement, "facts": facts,
                            "verdict": verdict.verdict, "problems": verdict.problems, "score": verdict.score})  # fmt: skip
        print(f"{label}: {len(rows)} statements, {1000 * median(times):.0f} ms each (median)")
        for what, title in (("fact", "a fact changed: caught"), ("meaning", "meaning changed: caught"), ("partly", "partly: caught"),
                            ("unsupported", "unsupported: caught"), ("nothing", "supported: false alarm")):  # fmt: skip
            if any(row[1] == what for row in rows):
                print(f"  {title:26} {share(rows, what, lambda row: row[3].verdict != SUPPORTED)}"
                  f"   by facts alone {share(rows, what, lambda row: row[2])}")  # fmt: skip
    if args.rows:
        args.rows.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in written), encoding="utf-8")


if __name__ == "__main__":
    main()
