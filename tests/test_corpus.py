"""Which files of a folder are read, whatever they are called."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from index.corpus import SAMPLE, Corpus
from index.store import Store
from qa.opening import build_index

TELEGRAM = SAMPLE / "tarn_000037_2008.txt"


def test_a_file_whose_name_is_not_utf8_is_indexed_like_any_other(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    shutil.copy(TELEGRAM, os.fsencode(folder) + b"/b\xe4d.txt")
    assert build_index([folder], tmp_path / "index").startswith("1 cables read: 1 added")
    with Store.open(tmp_path / "index") as store:
        assert store.cable("08TARN37").source == f"{folder}/b\\xe4d.txt"
    assert ": 0 added, 0 changed, 0 removed, 1 unchanged" in build_index([folder], tmp_path / "index")


@pytest.mark.parametrize("name", ["README.txt", "License"])
def test_a_cable_in_a_file_on_the_folder_is_reported_and_read_where_the_file_is_named(
    tmp_path: Path, name: str
) -> None:
    shutil.copy(TELEGRAM, tmp_path / name)
    (tmp_path / "readme.md").write_text("What is in this folder.", encoding="utf-8")
    (tmp_path / "LICENSE.txt").write_text("Do as you like.", encoding="utf-8")
    corpus = Corpus([tmp_path])
    assert list(corpus) == []
    assert [str(problem) for problem in corpus.problems] == [
        f"{tmp_path / name}:1: holds a cable, and is left out for its name; rename the file, or name it by itself"
    ]
    assert [cable.reference_id for cable in Corpus([tmp_path / name])] == ["08TARN37"]
