"""Times what a person waits for: the page's start and a question.

    python -m benchmarks.latency GOLDEN.jsonl --index DIR

Start: from the start of the process `cable-qa serve` until its page answers over HTTP, against the bare import of
sentence-transformers in a process of its own. A question: p50 and p95 of the time that answers say they took, by stage,
against one forward pass of the embedding model over the question.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from statistics import median, quantiles

from qa.answer import CableQA, open_qa
from qa.golden import load_golden
from qa.result import Turn


def start(index: Path) -> float:
    """Seconds from process start to the page's first answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    command = [sys.executable, "-m", "qa.cli", "serve", "--index", str(index), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).read()
                    return time.perf_counter() - began
                except OSError:
                    time.sleep(0.05)
        finally:
            process.terminate()
    raise SystemExit("the server stopped before its page was ready")


def bare_import() -> float:
    """Seconds to import sentence-transformers in a process of its own."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import sentence_transformers"], check=True)
    return time.perf_counter() - began


def forward(qa: CableQA, question: str) -> float:
    """Milliseconds of one forward pass over a question."""
    began = time.perf_counter()
    qa.embedder.encode_query(question)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("golden", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--starts", type=int, default=3)
    args = parser.parse_args()

    pairs = [(start(args.index), bare_import()) for _ in range(args.starts)]
    ready, bare = (median(column) for column in zip(*pairs, strict=True))
    print(
        f"start to ready page {ready:.1f} s = {ready / bare:.2f} x the bare import of sentence-transformers ({bare:.1f} s)"
    )

    qa = open_qa(args.index)
    rows = load_golden(args.golden, qa.store)
    stages: dict[str, list[float]] = {}
    passes = []
    for row in [rows[0], *rows]:
        passes.append(forward(qa, row.question))
        for name, value in qa.answer(row.question, [Turn(*turn) for turn in row.history]).timings_ms.items():
            stages.setdefault(name, []).append(value)
    for name, values in stages.items():
        own = values[1:]
        print(f"{name:9} p50 {median(own):7.1f} ms   p95 {quantiles(own, n=20)[-1]:7.1f} ms")
    ratio = median(stages["total"][1:]) / median(passes[1:])
    print(f"a question takes {ratio:.1f} x one forward pass over it ({median(passes[1:]):.1f} ms)")


if __name__ == "__main__":
    main()
