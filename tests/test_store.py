"""The index folder: a real SQLite database and a real Chroma; opening it, and looking up."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from index.cable import Cable, Citation
from index.errors import IndexMismatch, IndexMissing, InputError, NotInIndex
from index.store import CableRow, Filter, Store
from tests.stored import ALL, BARE, DIMENSION, EMPTY, HERRING, add, make, texts, unit


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


def test_another_model_dimension_or_format_is_refused(index_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        IndexMismatch, match=r"was made with embedding model model@1, not model@2\. Name another folder"
    ):
        Store.create(index_folder, "model@2")
    with pytest.raises(IndexMismatch, match=r"was made with embeddings of dimension 16, not 17\."):
        Store.create(index_folder, "model@1", 17)
    copy = Path(shutil.copytree(index_folder, tmp_path / "old"))
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
        (Filter(origin=("selwyn", "CONSULATE TARN")), "10TARN141 09PORTSELWYN12 08SELWYN1 08SELWYN2"),
        (Filter(classification=("Confidential", "unclassified")), "10TARN141 09PORTSELWYN12"),
        (Filter(tag=("ettc", "NONE"), origin="Consulate Tarn"), "10TARN141"),
        (Filter(tag=("ETTC", "econ")), "10TARN141 09PORTSELWYN12"),
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
