"""Small cables for an index of their own, with vectors made from the texts' digests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from index.cable import Cable, Paragraph
from index.embed import Encoded
from index.passage import Passage, passages
from index.store import Store

DIMENSION = 16
ROOT = Path(__file__).parent.parent


def words(text: str) -> int:
    return len(text.split()) + 2


def unit(text: str, n: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    vectors = np.random.default_rng(seed).normal(size=(n, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def encode(found: Sequence[Passage]) -> list[Encoded]:
    encoded = []
    for passage in found:
        spans = np.array([word.span() for word in re.finditer(r"\S+", passage.text)], np.int32).reshape(-1, 2)
        encoded.append(Encoded(unit(passage.context + passage.text, 1)[0], unit(passage.text, len(spans)), spans))
    return encoded


def add(store: Store, cable: Cable, limit: int = 100) -> None:
    found = passages(cable, words, limit)
    store.add(cable, f"hash of {cable.reference_id}", found, encode(found))


def make(folder: Path, *cables: Cable) -> Path:
    with Store.create(folder, "model@1", DIMENSION) as store:
        for cable in cables:
            add(store, cable)
        store.finish()
    return folder


HERRING = Cable(
    "09PORTSELWYN12", datetime(2009, 12, 31, 23, 59, tzinfo=UTC), "Embassy Port Selwyn", "CONFIDENTIAL", "Herring quotas",
    ("ECON", "PGOV"), ("09TARN3",), ("SECSTATE WASHDC",), ("Classified by: A. Birch",), "ASH",
    (
        Paragraph(None, "0", None, None, "Sensitive but unclassified."),
        Paragraph(None, "1", "SUMMARY", "SBU", "Catches rose to 2,871 tons. The quotas are fishing's curse."),
        Paragraph(None, "2", "SUMMARY", None, "“Cod” is rarer: 871 tons."),
        Paragraph(None, "4", None, None, "Comment: none.\n- an item"),
    ),
    "/archive/a.txt", 7,
)  # fmt: skip
OUTLINE = Cable(
    "10TARN141", datetime(2010, 1, 1, tzinfo=UTC), "Consulate Tarn", "UNCLASSIFIED", "Border control", ("PGOV", "ETTC"), (),
    (), (), None,
    (
        Paragraph("II.A", "1", "TRAINING", None, "Officers were trained."),
        Paragraph("II.A", "2", "TRAINING", None, "Dogs were trained."),
        Paragraph("II.B", "2", "VISITS", None, "Nobody came."),
        Paragraph("II.D.EQUIPMENT", "0", "EQUIPMENT", None, "Radios for herring patrols."),
    ),
)  # fmt: skip
BARE = Cable(
    "08SELWYN1", None, "Embassy Port Selwyn", "", "A note", (), (), (), (), None, (Paragraph(None, None, None, None, "Only this."),)
)  # fmt: skip
EMPTY = replace(BARE, reference_id="08SELWYN2", paragraphs=())
ALL = (HERRING, OUTLINE, BARE, EMPTY)


def texts(store: Store, ranking: Sequence[tuple[int, float]]) -> list[str]:
    found = store.passages([i for i, _ in ranking])
    return [found[i].text for i, _ in ranking]
