"""How fast cables are indexed, against the bare embedding model on the same texts in the same run.

    python -m benchmarks.indexing [PATH...] [--rounds N]

Without paths: 600 paragraphs of about 140 tokens, of words that are made up (always the same). Each round times
`SentenceTransformer.encode` on what the passages give the model to read, then a whole `build` into an empty
folder (passages cut, token vectors, SQLite, full text, Chroma); the ratio is the median over the rounds, which
alternate so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np

from index.build import build
from index.cable import Cable, Paragraph
from index.corpus import Corpus
from index.embed import Embedder
from index.passage import joined, passages
from index.store import Store

PARAGRAPHS, PER_CABLE, TOKENS = 600, 12, 140


def made_up(embedder: Embedder, seed: int = 0) -> list[Cable]:
    """Cables of made-up words: `PARAGRAPHS` paragraphs whose passages are of `TOKENS` tokens give or take a third."""
    rng = random.Random(seed)
    words = [
        "".join(rng.choices(("ka", "ren", "tol", "is", "mo", "bra", "ed", "sul"), k=rng.randint(1, 4)))
        for _ in range(3000)
    ]

    def paragraph(number: int) -> Paragraph:
        text, length = "", rng.gauss(TOKENS, TOKENS / 6)
        while embedder.count_tokens(text) < length - 20:
            text += f" {' '.join(rng.choices(words, k=8)).capitalize()} {rng.randint(2, 3000)}."
        return Paragraph(None, str(number), "MADE UP", None, text.strip())

    return [
        Cable(f"09MADEUP{n}", datetime(2009, 1, 1, tzinfo=UTC), "Embassy Made Up", "UNCLASSIFIED", " ".join(rng.choices(words, k=4)).upper(),
              ("ECON",), (), (), (), None, tuple(paragraph(i) for i in range(1, PER_CABLE + 1)))
        for n in range(1, PARAGRAPHS // PER_CABLE + 1)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast cables are indexed, against the bare embedding model.")
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="files or folders of cables (default: made-up ones)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    embedder = Embedder()
    cables = list(Corpus(args.paths)) if args.paths else made_up(embedder)
    found = [passage for cable in cables for passage in passages(cable, embedder.count_tokens, embedder.max_tokens)]
    texts = [joined(passage.context, passage.text) for passage in found]
    tokens = [embedder.count_tokens(text) for text in texts]
    paragraphs = sum(len(cable.paragraphs) for cable in cables)
    dtype = next(embedder.model.parameters()).dtype
    print(
        f"{len(cables)} cables, {paragraphs} paragraphs, {len(found)} passages of {np.mean(tokens):.0f} tokens, {embedder.identity} in {dtype}"
    )

    embedder.model.encode(texts[:64])
    bare, whole, sizes = [], [], []
    for n in range(1, args.rounds + 1):
        began = time.perf_counter()
        embedder.model.encode(texts)
        bare.append(len(texts) / (time.perf_counter() - began))
        with tempfile.TemporaryDirectory() as folder:
            report = build(cables, Path(folder), embedder)
            whole.append(report.embedded / report.seconds)
            sizes = [file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()]
            error = worst_error(Path(folder), embedder, found[0].context, found[0].text)
        print(f"round {n}: bare {bare[-1]:6.1f}/s   indexed {whole[-1]:6.1f}/s   ratio {whole[-1] / bare[-1]:.2f}")
    ratio = median(w / b for w, b in zip(whole, bare, strict=True))
    print(
        f"median: bare {median(bare):.1f} passages/s, indexed {median(whole):.1f} passages/s "
        f"({median(whole) * paragraphs / len(found):.1f} paragraphs/s), ratio {ratio:.2f}"
    )
    print(f"on disk: {sum(sizes) / len(found) / 1000:.1f} kB a passage, {sum(sizes) / sum(tokens):.0f} bytes a token")
    print(f"int8 token vectors: cosine to the exact ones at least {1 - error:.5f}")


def worst_error(folder: Path, embedder: Embedder, context: str, text: str) -> float:
    """1 - cosine of the worst token vector of one passage, as stored, to the one the model gives in the same batch of one."""
    exact = embedder.encode([(context, text)])[0].tokens
    with Store.open(folder) as store:
        stored = store.token_vectors([1])[1]
    return float(1 - (exact * stored).sum(axis=1).min())


if __name__ == "__main__":
    main()
