"""Writing the index: again, in part, killed in the middle, beside readers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from index.cable import Cable, Paragraph
from index.passage import passages
from index.rows import dequantise, quantise
from index.store import Filter, Store
from tests.stored import ALL, BARE, DIMENSION, EMPTY, HERRING, OUTLINE, ROOT, add, make, texts, unit, words


def contents(folder: Path) -> tuple[object, ...]:
    """All that can be found in an index, without the ids."""
    with Store.open(folder) as store:
        cables = tuple(store.cable(row.reference_id) for row in store.cables())
        n = max(1, store.counts()["passages"])
        searches = []
        for query in ("tons of herring quotas", "trained"):
            found = [store.lexical(query, n), store.dense(unit(query, 1)[0], n)]
            searches.append(
                [sorted((str(store.passages([i])[i]), round(score, 5)) for i, score in each) for each in found]
            )
            for i, _ in found[1]:
                passage = store.passages([i])[i]
                assert dequantise(quantise(unit(passage.text, 3)), DIMENSION) == pytest.approx(
                    unit(passage.text, 3), abs=0.01
                )
                assert len(store.token_vectors([i])[i]) == len(store.token_spans([i])[i]) == len(passage.text.split())
                assert store.token_vectors([i])[i][:1] == pytest.approx(
                    unit(passage.text, len(passage.text.split()))[:1], abs=0.01
                )
        frequency = store.document_frequency(["herring", "trained", "tons"])
        return cables, searches, frequency, {**store.counts(), "built": ""}


def test_replacing_and_removing_touch_only_the_cable_itself(tmp_path: Path) -> None:
    make(tmp_path / "a", *ALL)
    changed = replace(HERRING, subject="Cod", paragraphs=HERRING.paragraphs[:2])
    with Store.create(tmp_path / "a", "model@1") as store:
        kept = {
            i: passage
            for i, passage in store.passages(range(99)).items()
            if passage.citation.reference_id == "10TARN141"
        }
        add(store, changed)
        store.remove("08SELWYN1")
        store.remove("NONE")
        store.finish()
        assert {i: store.passages([i]).get(i) for i in kept} == kept
        assert min(set(store.passages(range(99))) - set(kept)) > 9  # no id is used twice
    make(tmp_path / "b", changed, OUTLINE, EMPTY)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_cable_added_twice_before_it_is_written_is_there_once(tmp_path: Path) -> None:
    make(tmp_path / "a", HERRING, OUTLINE, replace(HERRING, subject="Cod"))
    make(tmp_path / "b", OUTLINE, replace(HERRING, subject="Cod"))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_what_is_known_and_where_it_stands(tmp_path: Path) -> None:
    make(tmp_path, HERRING, OUTLINE)
    with Store.create(tmp_path, "model@1") as store:
        store.relocate("10TARN141", "/archive/b.txt", 3)
        assert store.known() == {
            "09PORTSELWYN12": ("hash of 09PORTSELWYN12", "/archive/a.txt", 7),
            "10TARN141": ("hash of 10TARN141", "/archive/b.txt", 3),
        }
        assert store.cable("10TARN141") == replace(OUTLINE, source="/archive/b.txt", line=3)


def test_passages_and_vectors_must_be_as_many(tmp_path: Path) -> None:
    with Store.create(tmp_path, "model@1") as store, pytest.raises(ValueError, match="4 passages but 0 encoded"):
        store.add(HERRING, "h", passages(HERRING, words, 100), [])


def test_an_empty_index_answers(tmp_path: Path) -> None:
    with Store.open(make(tmp_path)) as store:
        assert (store.lexical("herring", 5), store.dense(unit("q", 1)[0], 5), store.cables()) == ([], [], [])


def many(version: int) -> Iterator[Cable]:
    """A hundred cables; half of them are others in each version."""
    for n in range(100):
        text = f"Report {n if n % 2 else n + 1000 * version} on herring. Tons were trained in herring quotas by number {n}."
        yield replace(
            BARE, reference_id=f"09SELWYN{n + 1}", tags=("EVEN",) if n % 2 == 0 else (),
            paragraphs=tuple(Paragraph(None, str(p), None, None, f"{text} {p}") for p in range(1, 6)),
        )  # fmt: skip


WRITER = """
import sys
from pathlib import Path
from index.store import Store
from tests.stored import add
from tests.test_store_write import many
for version in map(int, sys.argv[2].split(",")):
    with Store.create(Path(sys.argv[1]), "model@1") as store:
        for cable in many(version):
            print(cable.reference_id, flush=True)
            add(store, cable)
        store.finish()
"""


def writer(folder: Path, versions: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), versions],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_killed_run_leaves_the_index_usable_and_the_next_goes_on(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", *many(0))
    expected = contents(make(tmp_path / "b", *many(9)))
    for version, (written, delay) in enumerate(((44, 0.01), (66, 0.02), (100, 0.0)), 1):
        with writer(folder, str(version)) as process:  # a batch is written with every 22 cables
            assert process.stdout
            for _ in range(written):
                process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        cables, *_, counts = contents(folder)  # opens as before: whole cables, each of one version or another
        assert counts == {**expected[-1], "built": ""}
        assert [cable.reference_id for cable in cables] == [cable.reference_id for cable in expected[0]]
    assert contents(make(folder, *many(9))) == expected
    with Store.create(folder, "model@1") as store:
        assert store._database.one("SELECT count(*) FROM orphans") == 0
        with store._database.lock:
            assert store._vectors.collection().count() == 500


def test_a_reader_lives_through_another_process_writing(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", *many(0))
    where, vector = Filter(tag="EVEN"), unit("q", 1)[0]
    with Store.open(folder) as store, writer(folder, "1,2,3") as process:
        assert process.stdout
        rounds = 0
        while process.poll() is None:
            for k, each in ((20, None), (20, where)):
                assert len(store.lexical("herring", k, each)) == k
                assert len(store.passages([i for i, _ in store.dense(vector, k, each)])) <= k
            rounds += 1
        assert (process.returncode, rounds > 5) == (0, True)
        assert len(store.dense(vector, 500)) == 500
        after = texts(store, store.dense(vector, 20, where))
    make(tmp_path / "b", *many(3))
    with Store.open(tmp_path / "b") as store:
        assert texts(store, store.dense(vector, 20, where)) == after


def test_threads_share_a_store(index_folder: Path) -> None:
    queries = ["herring", "trained dogs", "2,871 tons", "nowhere"]

    def ask(query: str) -> object:
        ranking = store.dense(unit(query, 1)[0], 5)
        return (
            ranking,
            store.lexical(query, 5),
            store.document_frequency([query]),
            store.token_spans([i for i, _ in ranking]).keys(),
        )

    with Store.open(index_folder) as store, ThreadPoolExecutor(8) as pool:
        alone = [ask(query) for query in queries]
    with Store.open(index_folder) as store, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, queries * 20)) == alone * 20


def test_an_index_in_a_read_only_folder_can_be_searched(index_folder: Path, tmp_path: Path) -> None:
    """In a namespace of its own, since root may write anywhere; where there is none, with the rights taken away."""
    copy = Path(shutil.copytree(index_folder, tmp_path / "index"))
    before = sorted((path, path.stat().st_mtime_ns) for path in copy.rglob("*"))
    code = (
        "from pathlib import Path; from index.store import Store; from tests.stored import unit\n"
        f"with Store.open(Path({str(copy)!r})) as store:\n"
        "    print(store.counts()['passages'], len(store.dense(unit('q', 1)[0], 5)), len(store.lexical('herring', 5)),"
        " store.document_frequency(['tons']))"
    )
    run = [sys.executable, "-c", code]
    mounted = f'mount --bind "{copy}" "{copy}" && mount -o remount,ro,bind "{copy}" && exec "$@"'
    isolated = ["unshare", "--mount", "--map-root-user", "sh", "-c", mounted, "sh", *run]
    if (
        os.getuid()
        and subprocess.run(["unshare", "--mount", "--map-root-user", "true"], capture_output=True).returncode
    ):
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        isolated = run
    done = subprocess.run(isolated, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("9 5 5 [2]\n", "")
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert sorted((path, path.stat().st_mtime_ns) for path in copy.rglob("*")) == before


def test_looking_up_loads_neither_chroma_nor_torch(index_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from index.store import Store\n"
        f"with Store.open(Path({str(index_folder)!r})) as store: store.cable('10TARN141'); store.lexical('herring', 5)\n"
        "print({'torch', 'chromadb', 'sentence_transformers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
