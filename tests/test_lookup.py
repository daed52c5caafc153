"""What a question names is quoted without search, from a tiny index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from index.cable import Citation, Paragraph
from index.errors import NotInIndex
from index.store import Store
from qa.answer import CableQA
from qa.lookup import known, look_up, without_header_words
from qa.named import Named
from qa.question import read_question
from qa.read import Reading
from tests.stored import BARE, EMPTY, HERRING, OUTLINE, make

UNMARKED = replace(
    BARE, reference_id="08SELWYN3",
    paragraphs=tuple(Paragraph(None, str(n), None, None, text) for n, text in enumerate(("Short.", "A longer one.", "The longest of all."), 1)),
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(make(tmp_path_factory.mktemp("lookup"), HERRING, OUTLINE, BARE, EMPTY, UNMARKED)) as opened:
        yield opened


def found(store: Store, question: str, *nearest: str) -> list[tuple[str, str, str]]:
    """Address, quote and answering words of what is looked up."""
    asked = read_question(question)
    rows = []
    for reading in look_up(asked, known(asked, store), nearest, store):
        text = store.paragraph(reading.citation).text
        words = "" if reading.words_start is None else text[reading.words_start : reading.words_end]
        assert reading.score == 1.0
        rows.append((str(reading.citation), text[reading.start : reading.end], words))
    return rows


def test_a_header_field_has_the_words_after_its_name(store: Store) -> None:
    """`Reference ID: 09PORTSELWYN12` and a line break are 29 characters, `Date: ` six more."""
    asked = read_question("When was 09PORTSELWYN12 sent?")
    assert look_up(asked, known(asked, store), (), store) == [
        Reading(Citation("09PORTSELWYN12", None, "header"), 29, 55, 1.0, 35, 55)
    ]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When was 09PORTSELWYN12 sent?", [("09PORTSELWYN12 ¶header", "Date: 2009-12-31 23:59 UTC", "2009-12-31 23:59 UTC")]),
        ("Who signed the cable 09PORTSELWYN12?", [("09PORTSELWYN12 ¶header", "Signature: ASH", "ASH")]),
        ("Which tags does 10TARN141 bear?", [("10TARN141 ¶header", "TAGS: PGOV ETTC", "PGOV ETTC")]),
        ("Which tags do 10TARN141 and 09PORTSELWYN12 bear?",
         [("10TARN141 ¶header", "TAGS: PGOV ETTC", "PGOV ETTC"), ("09PORTSELWYN12 ¶header", "TAGS: ECON PGOV", "ECON PGOV")]),
        ("Who signed the treaty of 10TARN141?", []),
        ("What are the tags and the signature of 10TARN141?", [("10TARN141 ¶header", "TAGS: PGOV ETTC", "PGOV ETTC")]),
        ("What is section II.B of 10TARN141 about?", [("10TARN141 ¶II.B.2", "Nobody came.", "")]),
        ("What does paragraph 4 of 09 Port Selwyn 12 say?", [("09PORTSELWYN12 ¶4", "Comment: none.\n- an item", "")]),
        ("What does 10TARN141 ¶II.A.2 report?", [("10TARN141 ¶II.A.2", "Dogs were trained.", "")]),
        ("What does paragraph 2 of 10TARN141 say?",
         [("10TARN141 ¶II.A.2", "Dogs were trained.", ""), ("10TARN141 ¶II.B.2", "Nobody came.", "")]),
        ("What does paragraph 2 of section II of 10TARN141 say?",
         [("10TARN141 ¶II.A.2", "Dogs were trained.", ""), ("10TARN141 ¶II.B.2", "Nobody came.", "")]),
        ("What is 09PORTSELWYN12 about?",
         [("09PORTSELWYN12 ¶1", "Catches rose to 2,871 tons. The quotas are fishing's curse.", "")]),
        ("What is 08SELWYN3 about?", [("08SELWYN3 ¶2", "A longer one.", "")]),
        ("What is 08SELWYN1 about?", [("08SELWYN1", "Only this.", "")]),
        ("What is 08SELWYN2 about?", []),
        ("Who trained the dogs of 10TARN141?", []),
        ("Who trained the dogs?", []),
    ],
)  # fmt: skip
def test_what_is_named_is_quoted_whole(store: Store, question: str, expected: list[tuple[str, str, str]]) -> None:
    assert found(store, question) == expected


def test_the_summary_of_a_cable_by_what_it_is_about(store: Store) -> None:
    assert found(store, "Summarize the cable about bare facts", "08SELWYN3") == [("08SELWYN3 ¶2", "A longer one.", "")]
    assert found(store, "Summarize what Ash said", "08SELWYN3") == []


def test_what_may_be_no_reference_id_is_none_where_no_cable_has_it(store: Store) -> None:
    assert known(read_question("Who bought 20 Boeing 737 aircraft?"), store) == []
    for question in ("What does 09 ZEMBLA 9 say?", "What does 09ZEMBLA9 say?", "what does 09zembla9 say?"):
        with pytest.raises(NotInIndex, match="09ZEMBLA9"):
            known(read_question(question), store)


def test_a_header_question_without_a_name_is_of_the_nearest_cable(store: Store) -> None:
    question = "Who signed the cable about herring quotas?"
    assert found(store, question, "09PORTSELWYN12", "10TARN141") == [
        ("09PORTSELWYN12 ¶header", "Signature: ASH", "ASH")
    ]
    assert found(store, question) == []
    assert without_header_words(read_question(question)) == "the about herring quotas?"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What does paragraph 3 of 09PORTSELWYN12 say?", "09PORTSELWYN12 has no paragraph 3; it has 0, 1, 2, 4."),
        ("What does paragraph 2 of section I of 10TARN141 say?",
         "10TARN141 has no paragraph 2; it has II.A.1, II.A.2, II.B.2, II.D.EQUIPMENT.0."),
        ("What is section I of 10TARN141 about?", "10TARN141 has no section I; it has II.A, II.B, II.D.EQUIPMENT."),
        ("Who signed the cable 10TARN141?", "The header of 10TARN141 has no signature."),
        ("What does paragraph 1 of 08SELWYN1 say?", "08SELWYN1 has no paragraph 1; it has body."),
    ],
)  # fmt: skip
def test_a_paragraph_that_is_not_there_is_told_with_those_that_are(store: Store, question: str, said: str) -> None:
    with pytest.raises(NotInIndex, match=f"^{re.escape(said)}$"):
        found(store, question)


def test_a_cable_that_is_not_there_is_told_with_the_nearest(store: Store) -> None:
    with pytest.raises(NotInIndex) as raised:
        found(store, "What is 10TARN142 about?")
    assert str(raised.value).startswith(f"No cable 10TARN142 in {store.folder}. The nearest there are: 10TARN141")
    assert "\n" not in str(raised.value)


def test_of_several_cables_those_that_are_there_count(store: Store) -> None:
    assert known(read_question("How do 10TARN142 and 10TARN141 differ?"), store) == [Named("10TARN141")]
    assert known(read_question("Who trained the dogs?"), store) == []


def test_of_a_person_nothing_says_who_they_are_what_names_them_is_quoted_with_doubt(sample_qa: CableQA) -> None:
    for question in ("Who is Dunn?", "who was mirela dunn"):
        found = sample_qa.answer(question)
        assert found.doubtful
        assert "Mirela Dunn" in found.citations[0].quote
    assert sample_qa.answer("Who is Zork Blah?").abstained
