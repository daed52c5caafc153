"""An index whose files are damaged, or may not be written: one clear error, whatever SQLite and Chroma make of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from index.errors import IndexMismatch
from index.store import Store
from tests.stored import ALL, HERRING, add, make, unit


def garbled(file: Path) -> None:
    """All but the first pages, so that it opens."""
    data = file.read_bytes()
    file.write_bytes(data[:8192].ljust(len(data), b"\xff"))


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def replaced(file: Path) -> None:
    file.write_bytes(b"no database" * 500)


def searched(folder: Path) -> None:
    with Store.open(folder) as store:
        store.cables()
        store.lexical("herring", 5)
        store.dense(unit("herring", 1)[0], 5)


def written(folder: Path) -> None:
    with Store.create(folder, "model@1") as store:
        add(store, HERRING)
        store.finish()


@pytest.mark.parametrize("use", [searched, written])
@pytest.mark.parametrize("damage", [garbled, cut, replaced])
@pytest.mark.parametrize("name", ["cables.sqlite", "vectors/chroma.sqlite3"])
def test_a_damaged_file_is_one_line(
    name: str, damage: Callable[[Path], None], use: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = make(tmp_path / "index", *ALL)
    damage(folder / name)
    with pytest.raises(IndexMismatch, match=r"^The (vectors of the )?index in .* cannot be (used|read|written)[^\n]*$"):
        use(folder)


def test_an_index_that_may_not_be_written_is_not_to_be_deleted(index_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(index_folder, tmp_path / "index"))
    with Store.create(folder, "model@1") as store:
        store._database.all("PRAGMA query_only=ON")
        with pytest.raises(
            IndexMismatch, match=r"attempt to write a readonly database\. See to its rights and the disk"
        ):
            store.relocate("10TARN141", "/archive/b.txt", 3)
