"""What a later cable corrects is said, and the correction comes first."""

from __future__ import annotations

from index.store import Filter
from qa.answer import CableQA


def test_a_correction_is_read_said_and_quoted_first(sample_qa: CableQA) -> None:
    found = sample_qa.answer("What was the herring quota for 2009?")

    assert [one.citation.reference_id for one in found.citations] == ["09PORTSELWYN219", "09PORTSELWYN188"]
    assert found.note == "09PORTSELWYN219 corrects 09PORTSELWYN188."
    assert found.answer.startswith(f"{found.note}\n\n48,700 tons [1]; 49,500 tons [2]")
    assert found.retrieved[0].citation.reference_id == "09PORTSELWYN219"
    scores = [hit.score for hit in found.retrieved]
    assert scores == sorted(scores, reverse=True)


def test_a_filter_and_a_cable_that_is_named_keep_a_correction_out(sample_qa: CableQA) -> None:
    for question, where in (
        ("What was the herring quota for 2009?", Filter(cables=("09PORTSELWYN188",))),
        ("What was the herring quota for 2009, according to 09PORTSELWYN188?", Filter()),
    ):
        found = sample_qa.answer(question, where=where)
        assert {one.citation.reference_id for one in found.citations} == {"09PORTSELWYN188"}
        assert "corrects" not in found.answer


def test_one_corrects_what_it_refers_to_and_says_so_in_its_subject(sample_qa: CableQA) -> None:
    assert sample_qa.store.corrections(["08PORTSELWYN611", "09PORTSELWYN524", "09PORTSELWYN188"]) == [
        ("08PORTSELWYN611", "09PORTSELWYN524"), ("09PORTSELWYN188", "09PORTSELWYN219"),
    ]  # fmt: skip
    assert sample_qa.store.corrections([]) == []
