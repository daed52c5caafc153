"""`cable-qa check` on texts of a user's own: where citations stand, how lines are broken, and what is checked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from index.cable import Citation
from qa.answer import CableQA
from qa.check import Checked, check
from qa.cited import before_the_stop, mentions
from qa.cli import main


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


@pytest.mark.parametrize(
    ("cited", "places"),
    [
        ("(09PORTSELWYN524 ¶2-5)", "2 3 4 5"), ("(09PORTSELWYN524 ¶2, ¶5)", "2 5"), ("(09PORTSELWYN524 ¶¶2, 5)", "2 5"),
        ("(09PORTSELWYN524 ¶2, 5)", "2 5"), ("as 09PORTSELWYN524, paras 2-3 and 5, says", "2 3 5"),
        ("(09 Port Selwyn 524, para. 05)", "5"), ("(see 09 PORT SELWYN 524 ¶5)", "5"), ("(09portselwyn524 ¶2; ¶5)", "2 5"),
        ("(09PORTSELWYN524 ¶2; 5; 09PORTSELWYN524 header)", "2 5"), ("(09PORTSELWYN524 ¶5(b))", "5"), ("(09PORTSELWYN524 ¶5.B)", "5"),
        ("(09 PORT SELWYN 524, par. 3)", "3"), ("(09PORTSELWYN524 ¶¶ 2 through 4)", "2 3 4"), ("as 09PORTSELWYN524 at paragraph 4 says", "4"),
        ("as 09PORTSELWYN524 ¶1 and 3, and others, say", "1 3"), ("see 09PORTSELWYN524 ¶1, 2 and 3.", "1 2 3"), ("(09PORTSELWYN524 ¶1 to 3)", "1 2 3"),
        ("as 09PORTSELWYN524 (¶4) says", "4"), ("as paragraphs 1 and 4 of 09PORTSELWYN524 say", "1 4"), ("as in paragraph 4 of the cable 09PORTSELWYN524", "4"),
        ("as 09PORTSELWYN524 ¶2–2,000 men of them", "2"), ("(09PORTSELWYN524 ¶5-3)", "5 5-3"),
        ("(09PORTSELWYN524 ¶header)", "header"), ("in 09PORTSELWYN524 ¶2, 5 weeks later", "2"), ("in 09 PORT SELWYN 524 ¶2, 1990", "2"),
    ],
)  # fmt: skip
def test_how_citations_are_written(cited: str, places: str) -> None:
    found = [place for one in mentions(f"The judge heard the captain {cited}.", {"PORTSELWYN"}) for place in one.places]

    assert {place.reference_id for place in found} == {"09PORTSELWYN524"}
    assert [place.paragraph for place in found if place.paragraph] == places.split()


def test_long_lists_are_read_in_linear_time() -> None:
    for text in (
        "See 09TARN14 ¶A" + ".B" * 2000, "So. (" + "09TARN14 ¶2; " * 2000 + "says", "(09TARN14 ¶2" + ", 3" * 2000 + ")",
        "paragraph 1" + ", 2" * 2000 + " of it",
    ):  # fmt: skip
        began = time.perf_counter()
        list(mentions(before_the_stop(text), {"TARN"}))
        assert time.perf_counter() - began < 2


def test_a_section_may_be_written_small() -> None:
    (one,) = mentions("(10 Astana 141 ¶ii.d.EQUIPMENT.3 and ¶I.1)", ())

    assert [str(place) for place in one.places] == ["10ASTANA141 ¶II.D.EQUIPMENT.3", "10ASTANA141 ¶I.1"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (" II.A.1", "II.A.1"), (", section II.B, para. 1", "II.B.1"), (", II.B ¶1", "II.B.1"), (" II.C.DELIVERED ¶2", "II.C.DELIVERED.2"),
        (" ¶II.D TRAINING COURSES.4", "II.D TRAINING COURSES.4"), (" ¶II.A.2-3", "II.A.2 II.A.3"), (" A man came", ""), (" I saw 3 men", ""),
    ],
)  # fmt: skip
def test_a_section_may_stand_before_the_mark(text: str, label: str) -> None:
    (one,) = mentions(f"09PORTSELWYN655{text}", ())

    assert " ".join(place.label for place in one.places) == label


@pytest.mark.parametrize(
    "text",
    [
        "20 Boeing 737 jets",
        "the 20mm60 gun",
        "on 09 March 2009",
        "On 12 March 2009 ¶3 was signed",
        "at 10 Downing Street 1999",
    ],
)
def test_what_is_no_citation(text: str) -> None:
    assert not list(mentions(text, {"PORTSELWYN"}))


def test_brackets_of_citations_are_no_words_of_the_sentence(sample_qa: CableQA) -> None:
    quote = sample_qa.store.paragraph(Citation("09PORTSELWYN524", None, "5")).text.split(". ")[0]

    (one,) = checked(sample_qa, f"{quote} (see 09 Port Selwyn 524, paras 4-5).")

    assert (one.verdict, one.problems) == ("supported", ())
    assert [place.paragraph for place in one.citations] == ["4", "5"]


def test_notes_say_what_a_sentence_cites(sample_qa: CableQA) -> None:
    quote = sample_qa.store.paragraph(Citation("09PORTSELWYN524", None, "5")).text.split(". ")[0]
    text = f"{quote} [1]. The ferry had 99,000 crew [2].\n\n[1] See 09PORTSELWYN524 ¶5.\n[2] 09PORTSELWYN524, para. 2; 09TARN14.\n[3] A word of thanks."

    first, second, third = checked(sample_qa, text)

    assert (first.verdict, [str(place) for place in first.citations]) == ("supported", ["09PORTSELWYN524 ¶5"])
    assert [str(place) for place in second.citations] == ["09PORTSELWYN524 ¶2", "09TARN14"]
    assert second.verdict != "supported"
    assert (third.text, third.citations) == ("[3] A word of thanks.", ())


def test_a_later_correction_of_what_is_cited_is_named(sample_qa: CableQA) -> None:
    (one,) = checked(sample_qa, "The herring quota for 2009 was 49,500 tons (09PORTSELWYN188 ¶1).")

    assert (one.verdict, one.problems) == ("supported", ("09PORTSELWYN219 corrects 09PORTSELWYN188",))


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


def test_a_text_that_opens_with_a_brace_is_a_text(
    sample_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.txt"
    path.write_text("{draft} The herring quota falls to 99,000 tons (09PORTSELWYN524 ¶5).", encoding="utf-8")

    assert main(["check", str(path), "--index", str(sample_index)]) == 1
    assert "99,000" in capsys.readouterr().out
