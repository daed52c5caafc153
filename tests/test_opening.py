"""Which index a call without --index opens, and when it builds one."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from index.corpus import SAMPLE
from index.embed import identity_of
from index.errors import IndexMissing
from index.store import Store
from qa.opening import open_or_build
from tests.stored import HERRING, add


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of which an index was asked for."""
    folders: list[Path] = []
    monkeypatch.setattr("qa.opening.build_index", lambda paths, folder: folders.append(folder))
    monkeypatch.setattr("qa.answer.open_qa", lambda folder, model: Store.open(folder).close())
    return folders


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CABLE_QA_INDEX", str(folder))
    open_or_build(argparse.Namespace(index=None))


def begun(folder: Path, source: Path) -> None:
    """What a run leaves that was stopped after its first cable."""
    with Store.create(folder, identity_of(None)) as store:
        add(store, replace(HERRING, source=str(source)))
        store.flush()


def test_a_stopped_build_of_the_sample_is_taken_up_again(
    tmp_path: Path, built: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, SAMPLE / "a.txt")
    with pytest.raises(IndexMissing):  # nothing was built, as the test wants it
        opened(tmp_path, monkeypatch)
    assert built == [tmp_path]


def test_the_sample_is_not_added_to_cables_of_ones_own(
    tmp_path: Path, built: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, Path("/archive/a.txt"))
    with pytest.raises(IndexMissing, match="was never finished"):
        opened(tmp_path, monkeypatch)
    assert built == []


def test_a_finished_index_is_left_as_it_is(
    index_folder: Path, built: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(index_folder, monkeypatch)
    assert built == []
