"""The index folder: a real SQLite database and a real Chroma, with vectors made from the texts' digests."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.cable import Cable, Citation, Paragraph
from index.embed import Encoded
from index.errors import IndexMismatch, IndexMissing, InputError, NotInIndex
from index.passage import Passage, passages
from index.rows import dequantise, quantise
from index.store import CableRow, Filter, Store

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("store") / "made" / "index", *ALL)


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder) as opened:
        yield opened


def texts(store: Store, ranking: Sequence[tuple[int, float]]) -> list[str]:
    found = store.passages([i for i, _ in ranking])
    return [found[i].text for i, _ in ranking]


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


# --- opening -------------------------------------------------------------------------------------------------


def test_no_index_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing) as raised:
        Store.open(tmp_path / "x")
    assert str(raised.value) == f"No index in {tmp_path}/x. Run `cable-qa index PATH --index {tmp_path}/x`."
    assert not (tmp_path / "x").exists()


def test_an_index_that_was_never_finished_says_so(tmp_path: Path) -> None:
    with Store.create(tmp_path, "model@1", DIMENSION) as store:
        add(store, HERRING)
    with pytest.raises(IndexMissing, match=r"was never finished\. Run `cable-qa index PATH --index .*` again\."):
        Store.open(tmp_path)
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "cables.sqlite").touch()
    with pytest.raises(IndexMissing, match="was never finished"):
        Store.open(tmp_path / "y")


def test_another_model_dimension_or_format_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        IndexMismatch, match=r"was made with embedding model model@1, not model@2\. Name another folder"
    ):
        Store.create(folder, "model@2")
    with pytest.raises(IndexMismatch, match=r"was made with embeddings of dimension 16, not 17\."):
        Store.create(folder, "model@1", 17)
    copy = Path(shutil.copytree(folder, tmp_path / "old"))
    connection = sqlite3.connect(copy / "cables.sqlite")
    connection.execute("UPDATE meta SET value = 0 WHERE name = 'schema'")
    connection.commit()
    connection.close()
    for opening in (lambda: Store.open(copy), lambda: Store.create(copy, "model@1")):
        with pytest.raises(IndexMismatch, match=r"is not of this version's format 1\. Delete the folder and run"):
            opening()


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cables.sqlite").write_text("no database, but a text that is long enough to be looked at" * 20)
    with pytest.raises(IndexMismatch, match=r"cannot be used: file is not a database\. "):
        Store.open(tmp_path)


def test_a_second_writer_is_refused_and_the_first_leaves_no_lock(tmp_path: Path) -> None:
    with (
        Store.create(tmp_path, "model@1"),
        pytest.raises(InputError, match=r"^Another run is writing to the index in "),
    ):
        Store.create(tmp_path, "model@1")
    Store.create(tmp_path, "model@1").close()


def test_counts(store: Store) -> None:
    counts = store.counts()
    assert datetime.fromisoformat(counts.pop("built")).utcoffset() == UTC.utcoffset(None)
    assert counts == {
        "cables": 4, "paragraphs": 9, "passages": 9, "embedding_model": "model@1", "embedding_source": "", "dimension": 16,
    }  # fmt: skip


# --- looking up ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cable", ALL, ids=lambda cable: cable.reference_id)
def test_a_cable_comes_back_whole(store: Store, cable: Cable) -> None:
    assert store.cable(cable.reference_id) == cable
    assert store.cable(cable.reference_id.lower()) == cable
    assert (
        store.cable(
            f"{cable.reference_id[:2]} {cable.reference_id[2:-1]} 00{cable.reference_id[-1]}"
            if cable is BARE
            else cable.reference_id
        )
        == cable
    )


def test_an_unknown_cable_names_the_nearest(store: Store) -> None:
    with pytest.raises(NotInIndex) as raised:
        store.cable("09PORTSELWYN13")
    assert str(raised.value) == f"No cable 09PORTSELWYN13 in {store.folder}. The nearest there are: 09PORTSELWYN12."
    with pytest.raises(NotInIndex) as raised:
        store.cable("?")
    assert str(raised.value) == f"No cable ? in {store.folder}."


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("09PORTSELWYN12", None, "1"), ("09PORTSELWYN12", None, "1")),
        (("09portselwyn012", None, "0"), ("09PORTSELWYN12", None, "0")),
        (("09PORTSELWYN12", "II", "HEADER"), ("09PORTSELWYN12", None, "header")),
        (("10TARN141", "ii.b", "2"), ("10TARN141", "II.B", "2")),
        (("10TARN141", "II.D EQUIPMENT", None), ("10TARN141", "II.D.EQUIPMENT", "0")),
        (("10TARN141", "II.D.Equipment", "0"), ("10TARN141", "II.D.EQUIPMENT", "0")),
        (("10TARN141", None, "II.A.2"), ("10TARN141", "II.A", "2")),
        (("08SELWYN1", None, None), ("08SELWYN1", None, None)),
    ],
)  # fmt: skip
def test_a_citation_is_read_leniently(store: Store, asked: tuple[str, str, str], found: tuple[str, str, str]) -> None:
    resolved = store.resolve(Citation(*asked))
    assert resolved == Citation(*found)
    cable = store.cable(found[0])
    assert store.paragraph(Citation(*asked)) == next(
        paragraph for paragraph in (*cable.paragraphs, cable.header) if cable.citation(paragraph) == resolved
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("09PORTSELWYN12", None, "3"), "09PORTSELWYN12 has no paragraph 3. It has 0-2, 4 and header."),
        (("09PORTSELWYN12", "I", "1"), "09PORTSELWYN12 has no paragraph I.1. It has 0-2, 4 and header."),
        (("10TARN141", None, "2"), "10TARN141 has no paragraph 2. It has II.A.1-2, II.B.2, II.D.EQUIPMENT.0 and header."),
        (("10TARN141", None, None), "10TARN141 has no paragraph without a number. It has II.A.1-2, II.B.2, II.D.EQUIPMENT.0 and header."),
        (("08SELWYN1", None, "1"), "08SELWYN1 has no paragraph 1. It has one paragraph without a number and header."),
        (("08SELWYN2", None, None), "08SELWYN2 has no paragraph without a number. It has header."),
    ],
)  # fmt: skip
def test_a_paragraph_that_is_not_there_names_those_that_are(
    store: Store, asked: tuple[str, str, str], message: str
) -> None:
    with pytest.raises(NotInIndex) as raised:
        store.paragraph(Citation(*asked))
    assert str(raised.value) == message


def test_cables_are_listed_newest_first(store: Store) -> None:
    rows = store.cables()
    assert [row.reference_id for row in rows] == ["10TARN141", "09PORTSELWYN12", "08SELWYN1", "08SELWYN2"]
    assert rows[1] == CableRow(
        "09PORTSELWYN12", HERRING.sent, "Embassy Port Selwyn", "CONFIDENTIAL", "Herring quotas", ("ECON", "PGOV")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (Filter(), "10TARN141 09PORTSELWYN12 08SELWYN1 08SELWYN2"),
        (Filter(origin="selwyn"), "09PORTSELWYN12 08SELWYN1 08SELWYN2"),
        (Filter(origin="consulate TARN"), "10TARN141"),
        (Filter(origin="%"), ""),
        (Filter(classification="unclassified"), "10TARN141"),
        (Filter(classification="CONF"), ""),
        (Filter(tag="pgov"), "10TARN141 09PORTSELWYN12"),
        (Filter(tag="PGO"), ""),
        (Filter(sent_from=date(2009, 12, 31), sent_to=date(2009, 12, 31)), "09PORTSELWYN12"),
        (Filter(sent_from=date(2010, 1, 1)), "10TARN141"),
        (Filter(sent_to=date(2009, 12, 30)), ""),
        (Filter(cables=("10tarn141", "08 SELWYN 001", "NONE")), "10TARN141 08SELWYN1"),
        (Filter(origin="selwyn", tag="PGOV", cables=("09PORTSELWYN12", "10TARN141")), "09PORTSELWYN12"),
    ],
)
def test_filters(store: Store, where: Filter, found: str) -> None:
    assert store.reference_ids(where) == found.split()
    admitted = {paragraph.text for name in found.split() for paragraph in store.cable(name).paragraphs}
    assert set(texts(store, store.dense(unit("q", 1)[0], 50, where))) == admitted
    every = "sensitive catches cod comment officers dogs nobody radios only"
    assert set(texts(store, store.lexical(every, 50, where))) == admitted


def test_an_origin_that_is_a_whole_name_is_not_also_a_part(tmp_path: Path) -> None:
    make(tmp_path, replace(BARE, origin="Niger"), replace(EMPTY, origin="Nigeria"))
    with Store.open(tmp_path) as store:
        assert store.reference_ids(Filter(origin="niger")) == ["08SELWYN1"]
        assert store.reference_ids(Filter(origin="nige")) == ["08SELWYN1", "08SELWYN2"]


# --- searching -----------------------------------------------------------------------------------------------


def test_full_text_stems_and_ranks_the_text_above_the_subject(store: Store) -> None:
    ranking = store.lexical("Catching HERRINGS: quota!", 10)
    assert texts(store, ranking)[0].startswith("Catches rose")
    assert len(ranking) == 5  # four paragraphs of the cable on herring by its subject, one by its text
    assert [score for _, score in ranking] == sorted((score for _, score in ranking), reverse=True)
    assert all(score >= 0 for _, score in ranking)
    assert len(store.lexical("herring", 2)) == 2
    assert texts(store, store.lexical("herring", 9, weights=(1.0, 0.0, 0.0)))[0] == "Radios for herring patrols."


def test_a_figure_is_searched_for_as_a_whole(store: Store) -> None:
    assert [text[:11] for text in texts(store, store.lexical("2,871", 10))] == ["Catches ros"]
    assert len(store.lexical("871", 10)) == 2


@settings(deadline=None)
@given(
    st.text()
    | st.lists(
        st.sampled_from(["AND", "OR", "NOT", "NEAR", '"', "*", "(", ")", "^", ":", "text", "-", "{", "+", "\0", "é"])
    ).map(" ".join)
)
def test_any_string_is_a_query(folder: Path, query: str) -> None:
    with Store.open(folder) as store:
        found = store.lexical(query, 5)
        assert len(found) <= 5
        assert len(store.document_frequency([query, "herring"])) == 2


@pytest.mark.parametrize("query", ["", "   ", '"', "* ( ) :", "nowhere", "\ud800", "\0"])
def test_a_query_without_known_words_finds_nothing(store: Store, query: str) -> None:
    assert store.lexical(query, 5) == []
    assert store.document_frequency([query]) == [0]


def test_a_filter_does_not_repeat_the_search_for_each_passage(store: Store) -> None:
    """SQLite's plan for the search must not have `=`, a constraint on the row, beside the match `M3`."""
    said: list[str] = []
    store._database._connection.set_trace_callback(said.append)
    assert store.lexical("herring", 5, Filter(origin="embassy"))
    store._database._connection.set_trace_callback(None)
    (search,) = (sql for sql in said if "MATCH" in sql and "JOIN cables" in sql)
    plan = [row[3] for row in store._database._connection.execute(f"EXPLAIN QUERY PLAN {search}")]
    assert "SCAN words VIRTUAL TABLE INDEX 0:M3" in plan


def test_a_query_of_thousands_of_words(store: Store) -> None:
    assert texts(store, store.lexical(" ".join(f"w{n}" for n in range(5000)) + " dogs", 5)) == ["Dogs were trained."]


def test_document_frequency_counts_passages_by_stem(store: Store) -> None:
    words = ["trained", "Training", "tons", "herring", "quotas", "2,871", "the-curse", "absent", ""]
    assert store.document_frequency(words) == [2, 2, 2, 1, 1, 1, 1, 0, 0]
    assert store.document_frequency([]) == []


def test_dense_gives_cosine_similarity_best_first(store: Store) -> None:
    vector = unit("Border control\nTRAININGDogs were trained.", 1)[0]
    ranking = store.dense(vector * 3, 9)
    found = store.passages([i for i, _ in ranking])
    exact = [float(unit(found[i].context + found[i].text, 1)[0] @ vector) for i, _ in ranking]
    assert texts(store, ranking)[0] == "Dogs were trained."
    assert [similarity for _, similarity in ranking] == pytest.approx(exact, abs=1e-5)
    assert exact == sorted(exact, reverse=True)
    assert len(ranking) == len(store.dense(vector, 1000)) == 9
    assert texts(store, store.dense(vector, 2)) == texts(store, ranking)[:2]
    assert store.dense(vector, 0) == []


def test_passages_and_tokens_come_back_as_they_were_added(store: Store) -> None:
    expected = {str(p): (p, e) for cable in ALL for p in [*passages(cable, words, 100)] for e in encode([p])}
    ids = [i for i, _ in store.dense(unit("q", 1)[0], 50)]
    found, vectors, spans = store.passages([*ids, 999]), store.token_vectors(ids), store.token_spans(ids)
    assert sorted(map(str, found.values())) == sorted(expected)
    for i in ids:
        passage, encoded = expected[str(found[i])]
        assert passage == found[i]
        assert vectors[i] == pytest.approx(encoded.tokens, abs=0.01)
        assert spans[i].tolist() == encoded.spans.tolist()
        assert (vectors[i].dtype, spans[i].dtype) == (np.float32, np.int32)
    assert store.passages([]) == store.token_vectors([]) == store.token_spans([]) == {}


def test_the_passages_of_some_cables(store: Store) -> None:
    of = {row.reference_id: store.passage_ids([row.reference_id]) for row in store.cables()}
    assert all(store.passages(ids)[i].citation.reference_id == name for name, ids in of.items() for i in ids)
    assert store.passage_ids([*of, "09NOWHERE1"]) == sorted(i for ids in of.values() for i in ids)
    assert len(store.passage_ids(list(of))) == store.counts()["passages"]
    assert store.passage_ids([]) == []


def test_long_paragraphs_come_back_as_their_passages(tmp_path: Path) -> None:
    long = replace(
        BARE, paragraphs=(Paragraph(None, "1", None, None, "\U0001f41f One is red. Two is blue. Ten is pink."),)
    )
    found = passages(long, words, 9)
    with Store.create(tmp_path, "model@1") as store:
        store.add(long, "h", found, encode(found))
        store.finish()
    with Store.open(tmp_path) as store:
        assert sorted(store.passages(range(9)).values(), key=lambda p: p.start) == found
        assert len(found) > 1
        assert texts(store, store.lexical("pink", 5)) == [found[-1].text]


@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_int8_loses_little(seed: int, n: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(n, 384)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    blob = quantise(vectors)
    assert len(blob) == 384 * n
    restored = dequantise(blob, 384)
    assert restored.shape == vectors.shape
    assert (np.sum(restored * vectors, axis=1) > 0.9998).all()
    assert np.linalg.norm(restored, axis=1) == pytest.approx(np.ones(n), abs=1e-5)


# --- writing -------------------------------------------------------------------------------------------------


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
from tests.test_store import add, many
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


def test_threads_share_a_store(folder: Path) -> None:
    queries = ["herring", "trained dogs", "2,871 tons", "nowhere"]

    def ask(query: str) -> object:
        ranking = store.dense(unit(query, 1)[0], 5)
        return (
            ranking,
            store.lexical(query, 5),
            store.document_frequency([query]),
            store.token_spans([i for i, _ in ranking]).keys(),
        )

    with Store.open(folder) as store, ThreadPoolExecutor(8) as pool:
        alone = [ask(query) for query in queries]
    with Store.open(folder) as store, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, queries * 20)) == alone * 20


def test_an_index_in_a_read_only_folder_can_be_searched(folder: Path, tmp_path: Path) -> None:
    """In a namespace of its own, since root may write anywhere; where there is none, with the rights taken away."""
    copy = Path(shutil.copytree(folder, tmp_path / "index"))
    before = sorted((path, path.stat().st_mtime_ns) for path in copy.rglob("*"))
    code = (
        "from pathlib import Path; from index.store import Store; from tests.test_store import unit\n"
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


def test_looking_up_loads_neither_chroma_nor_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from index.store import Store\n"
        f"with Store.open(Path({str(folder)!r})) as store: store.cable('10TARN141'); store.lexical('herring', 5)\n"
        "print({'torch', 'chromadb', 'sentence_transformers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
