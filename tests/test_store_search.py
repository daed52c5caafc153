"""Searching the index: full text, vectors, and what comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.cable import Paragraph
from index.passage import passages
from index.rows import dequantise, quantise
from index.store import Filter, Store
from tests.stored import ALL, BARE, encode, texts, unit, words


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
def test_any_string_is_a_query(index_folder: Path, query: str) -> None:
    with Store.open(index_folder) as store:
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
