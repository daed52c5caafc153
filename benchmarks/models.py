"""What verification does for a language model's answers, beside quotes.

    python -m benchmarks.models GOLDEN.jsonl --index DIR --model SPEC --out ROWS.jsonl --replies REPLIES.jsonl

Each question three times: quotes; the model believed, its own citations kept; and the same text of the model, verified. Figures
are those of `cable-qa evaluate` with 95% bootstrap intervals; then the share of the model's own sentences that the cited
paragraphs support, what was marked of them (all of which goes out unmarked where the model is believed), and how many answers fell
back to quotes. ROWS.jsonl keeps what is done, and a run that was stopped goes on from it. REPLIES.jsonl keeps what the model wrote to
each prompt, if it came to an end: another run, with other weights of the reader, asks for it no more (and its `ms` says nothing then).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from qa.answer import CableQA, open_qa
from qa.golden import GoldenRow, load_golden
from qa.metrics import interval
from qa.models import QUOTES, load_model
from qa.result import Answer, Turn
from qa.score import figures_of
from qa.verify import SUPPORTED, Source, Verdict, Verifier
from qa.written import FAILED

SHOWN = ("answer_match", "citation_precision", "citation_recall", "abstention", "false_abstention", "ms")


class Remembering:
    """A llama-index LLM whose whole replies are kept in `file`, and given again to the same prompts."""

    def __init__(self, spec: str, llm: Any, file: Path) -> None:
        self._spec = spec
        self._llm = llm
        self._file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        self._heard = {row["prompt"]: row["said"] for row in map(json.loads, lines)}

    async def astream_chat(self, messages: Sequence[Any], **extra: Any) -> AsyncIterator[Any]:
        key = sha256(repr((self._spec, messages, extra)).encode()).hexdigest()
        if key in self._heard:
            return self._again(self._heard[key])
        return self._first(key, await self._llm.astream_chat(messages, **extra))

    async def _first(self, key: str, replies: Any) -> AsyncIterator[Any]:
        said = []
        finished: bool | None = None  # None: this kind of model does not say
        async for reply in replies:
            said.append(reply.delta or "")
            if choices := getattr(reply.raw, "choices", None):
                finished = bool(finished or choices[0].finish_reason)
            yield reply
        if finished is False:
            return
        self._heard[key] = said
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"prompt": key, "said": said}, ensure_ascii=False) + "\n")

    async def _again(self, said: Sequence[str]) -> AsyncIterator[Any]:
        for piece in said:
            yield SimpleNamespace(delta=piece, raw=None)


class Believing(Verifier):
    """Takes every sentence for supported by whatever it cites."""

    def attribute(
        self, statement: str, sources: Sequence[Source], chosen: Sequence[int]
    ) -> tuple[tuple[int, ...], Verdict]:
        return tuple(chosen), Verdict(SUPPORTED)


def answered(qa: CableQA, row: GoldenRow) -> dict[str, Any]:
    """The figures of one answer, and what became of the model's sentences."""
    answer: Answer = qa.answer(row.question, [Turn(*turn) for turn in row.history])
    fell_back = FAILED in answer.note  # then the quotes before it are supported, and nothing of the model's is
    return {
        "figures": figures_of(row, answer),
        "verdicts": [one.verdict for one in answer.statements if not (fell_back and one.verdict == SUPPORTED)],
        "fell_back": fell_back,
        "answer": answer.answer,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("golden", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--replies", type=Path, required=True)
    args = parser.parse_args()
    quotes = open_qa(args.index)
    model = load_model(args.model)
    model = replace(model, llm=Remembering(args.model, model.llm, args.replies))  # type: ignore[arg-type]
    checked = CableQA(quotes.store, quotes.embedder, quotes.reader, QUOTES)
    checked._model, checked.model = model, args.model
    believed = CableQA(quotes.store, quotes.embedder, quotes.reader, QUOTES)
    believed._model, believed.model, believed.verifier = model, args.model, Believing(quotes.reader)
    ways = {"quotes": quotes, "believed": believed, "verified": checked}

    rows = load_golden(args.golden, quotes.store)
    done = [json.loads(line) for line in args.out.read_text("utf-8").splitlines()] if args.out.exists() else []
    with args.out.open("a", encoding="utf-8") as file:
        for row in rows[len(done) :]:
            done.append({"id": row.id} | {name: answered(qa, row) for name, qa in ways.items()})
            file.write(json.dumps(done[-1], ensure_ascii=False) + "\n")
            file.flush()
            print(f"{len(done)} of {len(rows)}", flush=True)

    print(f"{args.model}, {len(done)} questions of {args.golden.name}")
    for name in SHOWN:
        said = []
        for way in ways:
            values = [one[way]["figures"][name] for one in done if name in one[way]["figures"]]
            if values:
                low, high = interval(values)
                said.append(f"{way} {sum(values) / len(values):.3f} [{low:.3f}, {high:.3f}]")
        print(f"  {name:20} {'   '.join(said)}")
    verdicts = [verdict for one in done for verdict in one["verified"]["verdicts"]]
    supported = [float(verdict == SUPPORTED) for verdict in verdicts]
    low, high = interval(supported)
    print(
        f"  the model's sentences that are supported: {sum(supported) / max(1, len(supported)):.3f} [{low:.3f}, {high:.3f}]"
    )
    for verdict in sorted(set(verdicts)):
        print(f"  sentences {verdict}: {verdicts.count(verdict)} of {len(verdicts)}")
    print(f"  answers that fell back to quotes: {sum(one['verified']['fell_back'] for one in done)}")


if __name__ == "__main__":
    main()
