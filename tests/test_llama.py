"""The index as a llama-index retriever."""

from __future__ import annotations

from pathlib import Path

from qa.answer import CableQA
from qa.llama import CableRetriever


def test_nodes_are_paragraphs_with_citations(sample_qa: CableQA) -> None:
    row = sample_qa.store.cables()[0]
    nodes = CableRetriever(sample_qa, k=3).retrieve(row.subject)

    assert len(nodes) == 3
    assert [node.score for node in nodes] == sorted((node.score for node in nodes), reverse=True)
    for node in nodes:
        hit = node.metadata
        cable = sample_qa.store.cable(hit["reference_id"])
        places = {(p.section, p.paragraph): p.text for p in cable.paragraphs}
        assert places[hit["section"], hit["paragraph"]] == node.node.text
        assert hit["subject"] == cable.subject
        assert hit["citation"].startswith(hit["reference_id"])


def test_it_opens_a_folder(sample_index: Path) -> None:
    assert len(CableRetriever(sample_index, k=2).retrieve("ferry")) == 2
