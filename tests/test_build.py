"""Building an index: what is embedded, what is not, and what is left of a run that is killed; with a tiny real model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index.build import BuildReport, build, content_hash
from index.cable import Cable, Paragraph
from index.embed import Embedder
from index.errors import IndexMismatch
from index.passage import joined
from index.store import Store
from tests.test_embed import save_tiny_model

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Embedder:
    return Embedder(save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", embedder))


def cable(n: int, *texts: str, source: str = "/archive/a.txt", line: int = 1) -> Cable:
    paragraphs = tuple(Paragraph(None, str(i), "SUMMARY", None, text) for i, text in enumerate(texts, 1))
    sent = datetime(2009, 1, 1 + n % 28, tzinfo=UTC)
    return Cable(
        f"09TARN{n}",
        sent,
        "Consulate Tarn",
        "UNCLASSIFIED",
        f"Report {n}",
        (),
        (),
        (),
        (),
        None,
        paragraphs,
        source,
        line,
    )


def archive() -> list[Cable]:
    return [cable(n, f"Catches of herring rose by {n} tons.", f"Prices fell {n} times.", line=n) for n in range(1, 6)]


def never() -> Embedder:
    raise AssertionError("the model was loaded")


def counts(report: BuildReport) -> tuple[int, int, int, int, int]:
    assert report.seconds > 0
    return report.added, report.changed, report.removed, report.unchanged, report.embedded


def contents(folder: Path, tiny: Embedder) -> tuple[object, ...]:
    """Cables and searches, with passages in place of their ids."""
    with Store.open(folder) as store:
        query = tiny.encode_query("How many tons of herring?")
        n = store.counts()["passages"]
        searches = [
            sorted((round(score, 4), *map(str, store.passages([i]).values())) for i, score in ranking)
            for ranking in (store.dense(query.vector, n), store.lexical("tons of herring", n))
        ]
        tokens = sorted(
            (str(store.passages([i])[i]), spans.tolist()) for i, spans in store.token_spans(range(9999)).items()
        )
        return (
            [store.cable(row.reference_id) for row in store.cables()],
            searches,
            tokens,
            {**store.counts(), "built": ""},
        )


def test_the_index_holds_the_cables_and_finds_their_passages(tmp_path: Path, tiny: Embedder) -> None:
    heard: list[tuple[int, int]] = []
    report = build(
        iter(archive()), tmp_path / "index", tiny, progress=lambda done, embedded: heard.append((done, embedded))
    )
    assert counts(report) == (5, 0, 0, 0, 10)
    assert [done for done, _ in heard] == [1, 2, 3, 4, 5, 5]
    assert heard[-1] == (5, 10)
    with Store.open(tmp_path / "index") as store:
        assert sorted(map(str, map(store.cable, (f"09TARN{n}" for n in range(1, 6))))) == sorted(map(str, archive()))
        about = {name: value for name, value in store.counts().items() if name != "built"}
        assert about == {
            "cables": 5, "paragraphs": 10, "passages": 10, "dimension": 32,
            "embedding_model": tiny.identity, "embedding_source": tiny.source,
        }  # fmt: skip
        (encoded,) = tiny.encode([("Report 3\nSUMMARY", "Prices fell 3 times.")])
        ((found, similarity),) = store.dense(encoded.vector, 1)
        assert (store.passages([found])[found].text, similarity) == (
            "Prices fell 3 times.",
            pytest.approx(1.0, abs=0.001),
        )
        assert store.token_vectors([found])[found] == pytest.approx(encoded.tokens, abs=0.03)
        assert store.token_spans([found])[found].tolist() == encoded.spans.tolist()


def test_the_second_run_embeds_nothing_and_does_not_load_the_model(tmp_path: Path, tiny: Embedder) -> None:
    build(archive(), tmp_path, tiny)
    before = contents(tmp_path, tiny)
    with Store.open(tmp_path) as store:
        built = store.counts()["built"]
    assert counts(build(iter(archive()), tmp_path, never, tiny.identity, ["/archive"])) == (0, 0, 0, 5, 0)
    assert contents(tmp_path, tiny) == before
    with Store.open(tmp_path) as store:
        assert store.counts()["built"] == built


def test_a_changed_added_and_removed_cable_touch_only_themselves(tmp_path: Path, tiny: Embedder) -> None:
    build(archive(), tmp_path / "a", tiny)
    with Store.open(tmp_path / "a") as store:
        before = store.passages(range(99))
    one, two, _, four, five = archive()
    now = [one, replace(two, subject="Another"), four, five, cable(6, "Herring.", line=6)]
    assert counts(build(now, tmp_path / "a", tiny, roots=["/archive"])) == (1, 1, 1, 3, 3)
    with Store.open(tmp_path / "a") as store:
        after = store.passages(range(99))
    kept = {i: p for i, p in before.items() if p.citation.reference_id in ("09TARN1", "09TARN4", "09TARN5")}
    assert {i: p for i, p in after.items() if i in before} == kept
    assert len(after) == len(kept) + 3
    build(now, tmp_path / "b", tiny)
    assert contents(tmp_path / "a", tiny) == contents(tmp_path / "b", tiny)


def test_only_what_the_paths_of_the_run_held_is_removed(tmp_path: Path, tiny: Embedder) -> None:
    here, there = cable(1, "Here.", source="/here/a.txt"), cable(2, "There.", source="/there/a.txt")
    near = cable(3, "Near.", source="/here-not/a.txt")
    build([here, there, near], tmp_path, tiny)
    assert counts(build([], tmp_path, never, tiny.identity, roots=["/here"])) == (0, 0, 1, 0, 0)
    assert counts(build([], tmp_path, never, tiny.identity, roots=["/there/a.txt"])) == (0, 0, 1, 0, 0)
    with Store.open(tmp_path) as store:
        assert [row.reference_id for row in store.cables()] == ["09TARN3"]


def test_a_cable_that_moved_is_not_embedded_again_and_not_lost(tmp_path: Path, tiny: Embedder) -> None:
    build([cable(1, "Herring.", source="/old/a.txt")], tmp_path, tiny)
    moved = cable(1, "Herring.", source="/new/b.txt", line=4)
    assert counts(build([moved], tmp_path, never, tiny.identity, roots=["/old", "/new"])) == (0, 0, 0, 1, 0)
    assert counts(build([], tmp_path, never, tiny.identity, roots=["/old"])) == (0, 0, 0, 0, 0)
    with Store.open(tmp_path) as store:
        assert store.cable("09TARN1") == moved


def test_a_cable_that_stands_twice_is_kept_once_and_embedded_once(tmp_path: Path, tiny: Embedder) -> None:
    thin, full = cable(1, "Herring.", line=1), cable(1, "Herring and cod.", "Prices.", line=90)
    assert counts(build([thin, full], tmp_path, tiny, roots=["/archive"])) == (1, 0, 0, 0, 3)
    for came in ([thin, full], [full]):
        assert counts(build(came, tmp_path, never, tiny.identity, ["/archive"])) == (0, 0, 0, 1, 0)
    with Store.open(tmp_path) as store:
        assert store.cable("09TARN1") == full
    assert counts(build([thin], tmp_path, tiny, roots=["/archive"])) == (0, 1, 0, 0, 1)
    with Store.open(tmp_path) as store:
        assert store.cable("09TARN1") == thin


def test_a_thinner_copy_from_elsewhere_does_not_replace_a_cable(tmp_path: Path, tiny: Embedder) -> None:
    there = tmp_path / "full.txt"
    there.touch()
    thin, full = cable(1, "Herring.", source="/thin/a.txt"), cable(1, "Herring and cod.", source=str(there))
    assert counts(build([thin], tmp_path, tiny, roots=["/thin"])) == (1, 0, 0, 0, 1)
    assert counts(build([full], tmp_path, tiny, roots=[there])) == (0, 1, 0, 0, 1)
    assert counts(build([thin], tmp_path, never, tiny.identity, ["/thin"])) == (0, 0, 0, 1, 0)
    with Store.open(tmp_path) as store:
        assert store.cable("09TARN1") == full


def test_a_cable_that_was_corrected_where_its_folder_was_moved_to_is_updated(tmp_path: Path, tiny: Embedder) -> None:
    build([cable(1, "Herring and cod.", source="/old/a.txt")], tmp_path, tiny, roots=["/old"])
    corrected = cable(1, "Herring, no cod.", source="/new/a.txt")
    assert counts(build([corrected], tmp_path, tiny, roots=["/new"])) == (0, 1, 0, 0, 1)
    with Store.open(tmp_path) as store:
        assert store.cable("09TARN1") == corrected


def test_nothing_of_a_long_paragraph_is_invisible(tmp_path: Path, tiny: Embedder) -> None:
    text = " ".join(f"Sentence {n} is about herring, cod and plaice in the waters of Tarn." for n in range(40))
    build([cable(1, text)], tmp_path, tiny)
    with Store.open(tmp_path) as store:
        found = store.passages(range(99))
        spans = store.token_spans(list(found))
    assert len(found) > 5
    assert max(tiny.count_tokens(joined(passage.context, passage.text)) for passage in found.values()) <= 64
    read = {found[i].start + n for i in found for start, end in spans[i] for n in range(start, end)}
    assert read == {n for n, sign in enumerate(text) if not sign.isspace()}


def test_another_embedding_model_is_refused(tmp_path: Path, tiny: Embedder, embedder: Embedder) -> None:
    build(archive(), tmp_path, tiny)
    before = contents(tmp_path, tiny)
    message = f"was made with embedding model {tiny.identity}, not {embedder.identity}"
    for model, identity in ((embedder, None), (never, embedder.identity)):
        with pytest.raises(IndexMismatch, match=message):
            build(archive(), tmp_path, model, identity)
    assert contents(tmp_path, tiny) == before


def test_an_empty_archive_makes_an_empty_index(tmp_path: Path, tiny: Embedder) -> None:
    assert counts(build([], tmp_path, never, tiny.identity)) == (0, 0, 0, 0, 0)
    assert counts(build([cable(1)], tmp_path, tiny)) == (1, 0, 0, 0, 0)
    with Store.open(tmp_path) as store:
        assert store.cable("09TARN1") == cable(1)


def test_the_content_hash_covers_all_but_the_place() -> None:
    one = cable(1, "Herring.")
    others = [
        replace(one, sent=None), replace(one, origin=""), replace(one, classification=""), replace(one, subject=""),
        replace(one, tags=("A",)), replace(one, references=("A",)), replace(one, addressees=("A",)),
        replace(one, handling=("A",)), replace(one, signature="A"), replace(one, paragraphs=()),
        *(replace(one, paragraphs=(replace(one.paragraphs[0], **{field: "A"}),))
          for field in ("section", "paragraph", "heading", "marking", "text")),
    ]  # fmt: skip
    hashes = [content_hash(each, "model") for each in (one, *others)]
    assert len(set(hashes)) == len(hashes)
    assert content_hash(replace(one, source="/b", line=9), "model") == hashes[0] != content_hash(one, "other")


# --- stopped ---------------------------------------------------------------------------------------------------


def long_archive() -> Iterator[Cable]:
    for n in range(1, 201):
        yield cable(n, *(f"In {n} the catch of herring at Tarn {p} rose by {n * p} tons." for p in range(1, 6)), line=n)


def stopping(cables: Iterable[Cable], after: int) -> Iterator[Cable]:
    for n, each in enumerate(cables):
        if n == after:
            raise KeyboardInterrupt
        yield each


KILLED = """
import sys
from pathlib import Path
from index.build import build
from index.embed import Embedder
from tests.test_build import long_archive
build(long_archive(), Path(sys.argv[1]), Embedder(sys.argv[2]), progress=lambda done, embedded: print(done, embedded, flush=True))
"""


def test_a_run_that_is_killed_or_stopped_goes_on_where_it_was(tmp_path: Path, tiny: Embedder) -> None:
    folder = tmp_path / "a"
    command = [sys.executable, "-c", KILLED, str(folder), tiny.source]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        while int(process.stdout.readline().split()[1]) < 300:
            pass
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    with pytest.raises(KeyboardInterrupt):
        build(stopping(long_archive(), 150), folder, tiny)
    report = build(long_archive(), folder, tiny)
    assert report.added + report.unchanged == 200
    assert report.unchanged >= 100
    assert report.embedded == 5 * report.added
    build(long_archive(), tmp_path / "b", tiny)
    assert contents(folder, tiny) == contents(tmp_path / "b", tiny)
