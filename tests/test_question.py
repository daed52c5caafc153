"""What a question says about itself."""

from __future__ import annotations

import pytest

from qa.named import Named, without_reference_ids
from qa.question import Question, asks_several, read_question


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Who runs the port?", {}),
        ("What does paragraph 16 of 09PORTSELWYN171 say?", {"named": (Named("09PORTSELWYN171", None, "16"),)}),
        ("Summarise para 10 of cable 09tarn14.", {"named": (Named("09TARN14", None, "10"),), "about": True}),
        ("What does 10PORTSELWYN141 ¶II.A.2 report?", {"named": (Named("10PORTSELWYN141", "II.A", "2"),)}),
        (
            "What does item 2 of the equipment list in section II.D of cable 10TARN14 report?",
            {"named": (Named("10TARN14", "II.D", "2", "equipment"),)},
        ),
        ("What is 09TARN14 about?", {"named": (Named("09TARN14"),), "about": True}),
        ("Which subject tags does cable 09TARN14 bear?", {"named": (Named("09TARN14"),), "fields": ("TAGS",)}),
        ("Who signed the telegram about the herring quota?", {"fields": ("Signature",)}),
        ("When was 09TARN14 sent?", {"named": (Named("09TARN14"),), "fields": ("Date",)}),
        (
            "What are the classification, date and signature of 09TARN14?",
            {"named": (Named("09TARN14"),), "fields": ("Signature", "Date", "Classification")},
        ),
        (
            "Who signed 09TARN14 and what is its classification?",
            {"named": (Named("09TARN14"),), "fields": ("Signature", "Classification")},
        ),
        ("What is the summary of 09TARN14?", {"named": (Named("09TARN14"),), "about": True}),
        ("What does section II.A.2 of 09TARN14 say?", {"named": (Named("09TARN14", "II.A", "2"),)}),
        ("What is section II.A of 09TARN14 about?", {"named": (Named("09TARN14", "II.A"),), "about": True}),
        ("Who signed the water treaty?", {}),
        ("What did the July 2009 cable say?", {"months": ((2009, 7),)}),
        ("What was reported in December 2009?", {"months": ((2009, 12),)}),
        ("How do the May and the June 2009 cables differ?", {"months": ((2009, 5), (2009, 6)), "of_each": True}),
        ("Do the cables of May 2009 and of June 2009 differ?", {"months": ((2009, 5), (2009, 6)), "of_each": True}),
        (
            "What do the July, August and September cables say?",
            {"months": ((None, 7), (None, 8), (None, 9)), "of_each": True},
        ),
        (
            "What did the July cable give, and what the December report?",
            {"months": ((None, 7), (None, 12)), "of_each": True},
        ),
        (
            "Did the catch reported in March 2009 equal that of the July cable?",
            {"months": ((None, 7), (2009, 3)), "of_each": True},
        ),
        ("What does the May 2009 cable say of the letter sent in April 2009?", {"months": ((2009, 5), (2009, 4))}),
        ("What does the July 14 cable say?", {"months": ((None, 7),)}),
        ("Who was appointed after the cables of June 2008?", {"months": ((2008, 6),)}),
        ("How many came in May and June 2009?", {}),
        ("Which officials may report to the president?", {}),
        ("How did the agency's May 2007 report differ from its June 2008 report?", {}),
        (
            "What did the August 2008 dispatch of troops and the June 2008 reports by Watch have in common?",
            {"months": ((2008, 8),)},
        ),
        (
            "How does 09A12 differ from 09TARN14, or 08TARN3?",
            {"named": (Named("09TARN14"), Named("08TARN3")), "of_each": True},
        ),
        ("What does 09TARN14 say of what 08TARN3 reported?", {"named": (Named("09TARN14"), Named("08TARN3"))}),
        ("Who met in December 2009?", {}),
        ("Which ferry sank on 11 Sep 2009, or 11 SEP 09?", {}),
        ("What is the origin of 09TARN14?", {"named": (Named("09TARN14"),), "fields": ("Origin",)}),
        ("What happened on 14 March 2009?", {}),
        ("Were 12 tonnes caught in 2008, as the 10 members and 25 observers heard?", {}),
        ("What does 09 Port Selwyn 0171 say?", {"named": (Named("09PORTSELWYN171"),)}),
        ("What does paragraph 04 of 09TARN14 say?", {"named": (Named("09TARN14", None, "4"),)}),
    ],
)
def test_what_a_question_names(text: str, expected: dict[str, object]) -> None:
    assert read_question(text) == Question(text, **expected)  # type: ignore[arg-type]


def test_questions_that_ask_for_several_things() -> None:
    for text in ("Who left, and who stayed?", "How many came and in which year?", "What did each of them pay?"):
        assert asks_several(text)
    for text in ("Who runs the port and the mill?", "What did Roake say?", "Who said how many came?"):
        assert not asks_several(text)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Who signed 09TARN14?", "Who signed the cable?"),
        ("According to the telegram 09 Tarn 14, who came on 12 March 2009?", "According to the cable, who came on 12 March 2009?"),
        ("What do cables 09TARN14, 08TARN3 and 10TARN7 say?", "What do the cables say?"),
        ("How large is it in 09TARN14 and in cable 08TARN3?", "How large is it in the cables?"),
        ("How does 09TARN14 differ from 08TARN3?", "How does the cable differ from the cable?"),
        ("What does 09TARN14 say about 08TARN3, and of 12 MiG 29s?", "What does the cable say about 08TARN3, and of 12 MiG 29s?"),
        ("What does 07TARN9 say?", "What does 07TARN9 say?"),
        ("Who came in May?", "Who came in May?"),
    ],
)  # fmt: skip
def test_a_reader_is_not_asked_of_reference_ids(text: str, bare: str) -> None:
    assert without_reference_ids(text, {"09TARN14", "08TARN3", "10TARN7"}) == bare
