"""What an answer was made with: program, weights, prompts and index, each by its hash."""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qa.answer import CableQA

_ENDS = 1_000_000  # bytes of a file of weights that are hashed at either end


def made_with(qa: CableQA) -> dict[str, Any]:
    """What the answers of `qa` depend on; a new dictionary.

    `code` is a hash of the sources of `qa` and `index`, so that a changed threshold shows. `index.content` is a hash of the
    cables, not of when they were read. `model_weights` is a hash of the language model's files where it has any, or the address of
    its server; `numbers` what the networks compute in, since answers may differ by rounding.
    """
    return dict(_made_with(qa, qa.store.counts()["built"]))


@lru_cache(maxsize=4)
def _made_with(qa: CableQA, built: str | None) -> dict[str, Any]:
    counts = qa.store.counts()
    cables = {reference_id: content for reference_id, (content, _, _) in qa.store.known().items()}
    index = {name: counts[name] for name in ("cables", "paragraphs", "passages", "embedding_model")}
    sources = [part for package in ("index", "qa") for part in sorted(Path(str(files(package))).rglob("*.py"))]
    return {
        "version": version("cable-qa"),
        "code": short_hash(b"\0".join(source.read_bytes() for source in sources)),
        "model": qa.model,
        "model_weights": weights_of(qa.model),
        "reader": qa.reader.identity,
        "numbers": qa.reader.numbers,
        "prompts": {p.name: short_hash(p.read_bytes()) for p in sorted(Path(str(files("prompts"))).glob("*.md"))},
        "index": index | {"content": short_hash(json.dumps(cables, sort_keys=True).encode())},
    }


def weights_of(spec: str) -> str:
    """A hash of the names, sizes, and first and last megabyte of the files that a spec names; the address of the server of a
    spec that names none, without what may be a key; empty for `quotes`."""
    kind, _, name = spec.partition(":")
    path = Path(name)
    if kind == "openai":
        return urlsplit(os.environ.get("OPENAI_BASE_URL", "")).netloc.rpartition("@")[2]
    if kind == "ollama":
        return os.environ.get("OLLAMA_HOST", "").rpartition("@")[2]
    if not name or not path.exists():
        return ""
    digest = hashlib.sha256()
    for file in sorted(part for part in path.iterdir() if part.is_file()) if path.is_dir() else [path]:
        size = file.stat().st_size
        digest.update(f"{file.name} {size}".encode())
        with file.open("rb") as data:
            digest.update(data.read(_ENDS))
            data.seek(max(0, size - _ENDS))
            digest.update(data.read(_ENDS))
    return digest.hexdigest()[:12]


def short_hash(data: bytes) -> str:
    """The first 12 hex digits of the sha256."""
    return hashlib.sha256(data).hexdigest()[:12]
