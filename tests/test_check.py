"""`cable-qa check` on texts of a user's own: where citations stand, how lines are broken, and what is checked."""

from __future__ import annotations

import pytest

from qa.answer import CableQA
from qa.check import Checked, check


def checked(qa: CableQA, text: str) -> list[Checked]:
    return check(text, qa.store, qa.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "The herring quota falls to 99,000 tons. (10PORTSELWYN270 ¶2).",
        "The herring quota falls to 99,000 tons. [see 10PORTSELWYN270 ¶2]",
        'The herring quota "falls to 99,000 tons." (10PORTSELWYN270 ¶2; 10PORTSELWYN270 ¶3)',
    ],
)
def test_a_citation_after_the_full_stop_is_that_of_the_sentence(sample_qa: CableQA, text: str) -> None:
    place = sample_qa.store.known()  # a cable that is there
    text = text.replace("10PORTSELWYN270", next(name for name in place if name.startswith("09PORTSELWYN5")))

    (found,) = checked(sample_qa, text)

    assert found.citations
    assert found.verdict in ("unsupported", "contradicted", "partly")
    assert any("99,000" in problem for problem in found.problems)


def test_a_section_of_letters_is_part_of_the_place(sample_qa: CableQA) -> None:
    for label in ("A.99", "B.SPARE-PARTS/OIL.1"):
        (found,) = checked(sample_qa, f"The ferry sank (09PORTSELWYN524 ¶{label}).")
        assert found.verdict == "unsupported"
        assert f"09PORTSELWYN524 has no paragraph {label}" in found.problems[0]


def test_a_citation_alone_supports_nothing(sample_qa: CableQA) -> None:
    assert [one.verdict for one in checked(sample_qa, "09PORTSELWYN524 ¶5.")] == ["unsupported"]


def test_lines_broken_to_fit_a_page_are_one_sentence(sample_qa: CableQA) -> None:
    text = (
        "Heading\n\nThe judge who looked into the sinking of the ferry heard the\ncaptain of the coast guard "
        "(09PORTSELWYN524 ¶5), and\n99,000 others.\n- An item of a list\n- Another one\n"
    )

    assert [one.text for one in checked(sample_qa, text)] == [
        "Heading",
        "The judge who looked into the sinking of the ferry heard the captain of the coast guard (09PORTSELWYN524 ¶5), and 99,000 others.",
        "- An item of a list",
        "- Another one",
    ]


def test_a_citation_that_opens_a_paragraph_is_not_that_of_the_one_before(sample_qa: CableQA) -> None:
    text = "The fleet sailed in May.\n\n(09PORTSELWYN524 ¶5) The judge heard the captain."

    first, second = checked(sample_qa, text)

    assert (first.citations, len(second.citations)) == ((), 1)


def test_an_abbreviation_is_no_full_stop_before_a_citation(sample_qa: CableQA) -> None:
    (one,) = checked(sample_qa, "They met the U.S. (09PORTSELWYN524 ¶5) Embassy in 2009.")

    assert len(one.citations) == 1
