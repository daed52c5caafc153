"""Questions typed in haste, written as the reader knows them."""

from __future__ import annotations

import pytest

from qa.answer import CableQA
from qa.recase import recased

TEXTS = (
    "Boats. On Friday the minister met Oda Kestrel, of the OSCE, in Port Selwyn.",
    "Minister Kestrel's boat lay in port.",
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who is oda kestrel", "Who is Oda Kestrel?"),
        ("what is oda kestrel's boat, osce or port?", "What is Oda Kestrel's boat, OSCE or port?"),
        ("Did boats come on friday?", "Did boats come on Friday?"),
        ("did the minister come. was it friday.", "Did the minister come. was it Friday."),
        ("who is Oda kestrel", "Who is Oda kestrel?"),  # who writes some capitals, means them
        ("WHO IS ODA KESTREL?", "WHO IS ODA KESTREL?"),
        ("why? (who is it? oda kestrel.)", "Why? (who is it? Oda Kestrel.)"),
    ],
)
def test_a_question_is_written_as_the_cables_write_its_names(question: str, expected: str) -> None:
    assert recased(question, TEXTS) == expected


def test_a_question_in_small_letters_is_answered_like_any_other(sample_qa: CableQA) -> None:
    question = "Who led the search at Marrow Hill for Tarn Mountain Rescue?"
    proper, small = sample_qa.answer(question), sample_qa.answer(question.lower().rstrip("?"))

    assert "Ragna Voll" in proper.answer
    assert [one.citation for one in small.citations] == [one.citation for one in proper.citations]
    assert small.confidence == pytest.approx(proper.confidence, abs=0.1)
    assert small.rewritten_question == question.lower().rstrip("?")
