"""Cables into an index folder: what is new or changed is cut into passages, embedded and stored.

Flows in: cables, in any number, one by one. Flows out: a `BuildReport`, and the index as a side effect. This
module does not know where cables are read from, nor how they are stored.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from index.cable import Cable
from index.embed import Embedder
from index.passage import VERSION, Passage, passages
from index.store import Store

_GROUP = 256  # passages that are embedded together, so that batches are of similar length


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a run did: cables added, changed, removed and unchanged, passages embedded, and how long it took."""

    added: int
    changed: int
    removed: int
    unchanged: int
    embedded: int
    seconds: float


def build(
    cables: Iterable[Cable],
    folder: Path,
    embedder: Embedder | Callable[[], Embedder],
    identity: str | None = None,
    roots: Sequence[str | Path] = (),
    progress: Callable[[int, int], None] | None = None,
) -> BuildReport:
    """Makes or updates the index in `folder` (see `Store.create` for what is raised) so that it holds `cables`.

    A cable that the index has with the same content is skipped; one that comes twice is kept as it came last.
    A cable of the index whose source lies under one of `roots`, the files and folders that `cables` were read
    from, and that did not come is removed; cables from elsewhere stay, also where a cable that is no fuller comes
    with the same reference ID, unless the file that they were read from is gone. Memory does not grow with the text.

    `embedder` may be a function that loads one: with `identity` (`index.embed.identity_of`) it is called only
    where there is something to embed. `progress` gets the cables done and the passages embedded so far. A run
    that is stopped, at any moment and in any way, leaves an index that opens as before; the next run goes on.
    """
    began = time.perf_counter()
    if isinstance(embedder, Embedder) or identity is None:
        loaded = embedder if isinstance(embedder, Embedder) else embedder()
        embedder, identity = (lambda: loaded), loaded.identity
    with Store.create(folder, identity) as store:
        run = _Run(store, embedder, identity)
        for done, cable in enumerate(cables, 1):
            run.take(cable)
            if progress:
                progress(done, run.embedded)
        removed = run.finish([Path(root).resolve() for root in roots])
        if progress:
            progress(len(run.outcome), run.embedded)
    outcomes = Counter(run.outcome.values())
    return BuildReport(
        outcomes["added"],
        outcomes["changed"],
        removed,
        outcomes["unchanged"],
        run.embedded,
        time.perf_counter() - began,
    )


def content_hash(cable: Cable, identity: str) -> str:
    """A sha256 of all that decides what the index holds of a cable: not of where it stands."""
    content = asdict(cable)
    del content["source"], content["line"]
    return hashlib.sha256(json.dumps([content, identity, VERSION], default=str).encode()).hexdigest()


class _Run:
    """The state of one build: `outcome` of each reference ID that came, passages `embedded`."""

    def __init__(self, store: Store, load: Callable[[], Embedder], identity: str) -> None:
        self.outcome: dict[str, str] = {}
        self.embedded = 0
        self._store = store
        self._load = load
        self._identity = identity
        self._embedder: Embedder | None = None
        self._known = store.known()
        self._group: list[tuple[Cable, str, list[Passage]]] = []
        self._waiting: dict[str, Cable] = {}

    def take(self, cable: Cable) -> None:
        name, digest = cable.reference_id, content_hash(cable, self._identity)
        known_digest, *stood = self._known.get(name, ("", "", 0))
        elsewhere = stood != [cable.source, cable.line]
        if digest == known_digest:
            self._waiting.pop(name, None)
            if elsewhere and name not in self.outcome:
                self._store.relocate(name, cable.source, cable.line)
            self.outcome.setdefault(name, "unchanged")
        elif known_digest and elsewhere and name not in self.outcome:
            self._waiting[name] = cable  # the archive may hold it twice, and the one that is indexed be still to come
        else:
            self._replace(cable, digest)

    def finish(self, roots: Sequence[Path]) -> int:
        """Embeds what waits, removes what did not come from `roots`; returns how many were removed."""
        for name, cable in list(self._waiting.items()):
            source = self._known[name][1]
            stays = source != cable.source and not _under(roots, source) and os.path.exists(source)
            if stays and _size(self._store.cable(name)) >= _size(cable):
                self.outcome[name] = "unchanged"
            else:
                self._replace(cable, content_hash(cable, self._identity))
        self._embed()
        gone = [
            name for name, (_, source, _) in self._known.items() if name not in self.outcome and _under(roots, source)
        ]
        for name in gone:
            self._store.remove(name)
        if gone or set(self.outcome.values()) - {"unchanged"} or not self._store.counts()["built"]:
            self._store.finish()
        return len(gone)

    def _replace(self, cable: Cable, digest: str) -> None:
        name = cable.reference_id
        self._waiting.pop(name, None)
        if self.outcome.get(name, "unchanged") == "unchanged":
            self.outcome[name] = "changed" if name in self._known else "added"
        self._known[name] = (digest, cable.source, cable.line)
        model = self._model()
        self._group.append((cable, digest, passages(cable, model.count_tokens, model.max_tokens)))
        if sum(1 + len(found) for _, _, found in self._group) >= _GROUP:
            self._embed()

    def _embed(self) -> None:
        if not self._group:
            return
        found = [passage for _, _, each in self._group for passage in each]
        encoded = iter(self._model().encode([(passage.context, passage.text) for passage in found]))
        for cable, digest, each in self._group:
            self._store.add(cable, digest, each, [next(encoded) for _ in each])
        self._store.flush()
        self.embedded += len(found)
        self._group.clear()

    def _model(self) -> Embedder:
        if self._embedder is None:
            self._embedder = self._load()
            self._store.record_model(self._embedder.dimension, self._embedder.source)
        return self._embedder


def _under(roots: Sequence[Path], source: str) -> bool:
    return any(Path(source).is_relative_to(root) for root in roots)


def _size(cable: Cable) -> int:
    return sum(len(paragraph.text) for paragraph in cable.paragraphs)
