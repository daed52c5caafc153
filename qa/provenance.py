"""What an answer was made with: program, weights, prompts and index, each by its hash."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from qa.answer import CableQA


def made_with(qa: CableQA) -> dict[str, Any]:
    """What the answers of `qa` depend on; a new dictionary.

    `code` is a hash of the sources of `qa` and `index`, so that a changed threshold shows. `index.content` is a hash of the
    cables, not of when they were read.
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
        "reader": qa.reader.identity,
        "prompts": {p.name: short_hash(p.read_bytes()) for p in sorted(Path(str(files("prompts"))).glob("*.md"))},
        "index": index | {"content": short_hash(json.dumps(cables, sort_keys=True).encode())},
    }


def short_hash(data: bytes) -> str:
    """The first 12 hex digits of the sha256."""
    return hashlib.sha256(data).hexdigest()[:12]
