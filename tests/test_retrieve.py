"""Retrieval while another process changes the index, and where few paragraphs take all candidates."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from index.embed import Embedder
from index.store import Filter, Store
from qa.answer import CableQA
from qa.question import read_question
from qa.reader.model import Reader
from qa.rerank import rerank
from qa.retrieve import candidates, encode_query


class Changing:
    """A Store, from which another process takes a cable away right after `method` was called."""

    def __init__(self, store: Store, folder: Path, reference_id: str, method: str) -> None:
        self._store, self._folder, self._reference_id, self._method = store, folder, reference_id, method

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name != self._method:
            return found

        def call(*args: Any) -> Any:
            answer = found(*args)
            with Store.create(self._folder, self._store.counts()["embedding_model"]) as writer:
                writer.remove(self._reference_id)
                writer.finish()
            return answer

        return call


@pytest.mark.parametrize("method", ["lexical", "dense", "token_vectors", "passages", "cables"])
def test_a_cable_that_is_taken_away_meanwhile_is_not_found(
    method: str, sample_index: Path, embedder: Embedder, reader: Reader, tmp_path: Path
) -> None:
    folder = tmp_path / "index"
    shutil.copytree(sample_index, folder)
    question = read_question("How many people died in the ferry disaster?")
    with Store.open(folder) as store:
        query = encode_query(question.text, store, embedder)
        gone = candidates(query, question, store)[0].passage.citation.reference_id
        changing: Any = Changing(store, folder, gone, method)
        judged, found = rerank(question.text, candidates(query, question, changing), changing, reader)

        assert found
        assert judged
        read = {one.candidate.passage.citation.reference_id for one in judged}
        assert (gone in read) is (method == "cables")  # after that nothing is looked up any more


@pytest.mark.parametrize(
    "question",
    ["How many people died in the ferry disaster?", "Who signed 99ATLANTIS1?", "Who signed 10PORTSELWYN270?"],
)
def test_where_candidates_are_of_few_paragraphs_others_follow(
    question: str, sample_qa: CableQA, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Filter(origin="Port Selwyn")
    monkeypatch.setattr("qa.retrieve.CANDIDATES", 2)
    answer = sample_qa.answer(question, where=where)

    assert len({hit.citation for hit in answer.retrieved}) == len(answer.retrieved) == 20
    scores = [hit.score for hit in answer.retrieved]
    assert scores == sorted(scores, reverse=True)
    assert {hit.citation.reference_id for hit in answer.retrieved} <= set(sample_qa.store.reference_ids(where))
    inside = sample_qa.answer(question, where=Filter(cables=("10PORTSELWYN270",)))
    assert len(inside.retrieved) >= len(sample_qa.store.cable("10PORTSELWYN270").paragraphs)
