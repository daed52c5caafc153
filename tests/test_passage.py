"""Sentences and passages: examples written out, then what must hold of any text."""

from __future__ import annotations

import re
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.cable import Cable, Citation, Paragraph
from index.passage import CONTEXT_TOKENS, Passage, joined, passages, sentences


def cable(*paragraphs: Paragraph, subject: str = "HERRING QUOTAS") -> Cable:
    return Cable(
        "09PORTSELWYN1", None, "Embassy Port Selwyn", "UNCLASSIFIED", subject, (), (), (), (), None, paragraphs
    )


def numbered(text: str, number: str = "1", heading: str | None = None) -> Paragraph:
    return Paragraph(None, number, heading, None, text)


def count_tokens(text: str) -> int:
    """A token for every four characters of a word and for every other sign, and two special ones."""
    return 2 + sum(ceil(len(part) / 4) for part in re.findall(r"\w+|[^\w\s]", text))


@pytest.mark.parametrize(
    "expected",
    [
        [],
        ["No full stop"],
        ["It rose.", "It fell!", "Did it?", "It did..."],
        ["The U.S. Embassy met Mr. John Q. Smith on Sept. 11, 2009.", "E.O. 12958 applies."],
        ["He lives in the U.S.", "The Minister does not."],
        ["Exports rose 1.6% to 2.5 million tons.", "Imports fell to 16.8 billion."],
        ["See No. 12, para. 4, e.g. the second table, i.e. herring.", "He said no.", "We left."],
        ["Gen. Ash, Dr. Birch, Amb. Cole, Sen. Dane, Col. Elm and Lt. Col. Fir came.", "None spoke."],
        ['"We will sign," he said.', 'She said "No."', "Then they left."],
        ["He asked “Why now?”", "Nobody knew."],
        ["(Note: He did not wait.)", "He left."],
        ['He asked "Why now?" and left.', "Nobody knew."],
        ["She waited... and waited.", "He came."],
        ["It was 5 p.m. on Tuesday.", "In 2010 it closed."],
        ["Selwyn Fish Co. bought ships.", "It sold Tarn Ltd. in May."],
        ["It sold Tarn Ltd.", "However, it kept the ships."],
        ["12 people left.", "25 had come.", "$5 was paid."],
        ["A. First item.", "2. Second item."],
    ],
)
@pytest.mark.parametrize("between", [" ", "  ", "\n", "\r\n \n"])
def test_sentences(expected: list[str], between: str) -> None:
    text = between.join(expected)
    assert [text[start:end] for start, end in sentences(text)] == expected


def test_a_line_break_always_ends_a_sentence() -> None:
    text = "  Three were named:\n- the mayor, Mr.\n- the harbour master\n\n   \nTarn"
    assert [text[a:b] for a, b in sentences(text)] == [
        "Three were named:", "- the mayor, Mr.", "- the harbour master", "Tarn",
    ]  # fmt: skip


texts = st.lists(
    st.sampled_from(
        [*"Aab1.,;:!?-()\"'”… \n\t", "U.S.", "Mr. ", "No. ", "The ", ". ", "herring ", "\r\n", "é", "\u2003"]
    )
).map("".join)


@settings(deadline=None)
@given(texts | st.text())
def test_sentences_cover_every_character_once_and_in_order(text: str) -> None:
    spans = sentences(text)
    flat = [position for span in spans for position in span]
    assert flat == sorted(flat)
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)
    kept = "".join(text[a:b] for a, b in spans)
    assert "".join(kept.split()) == "".join(text.split())
    assert not any("\n" in text[a:b] for a, b in spans)


def test_a_paragraph_that_fits_is_one_passage_with_subject_and_heading_as_context() -> None:
    one = cable(
        numbered("Catches rose. Prices fell.", "1", "SUMMARY"),
        numbered("", "2"),
        numbered("  \n", "3"),
        numbered("Ash."),
    )
    assert passages(one, count_tokens, 100) == [
        Passage(Citation("09PORTSELWYN1", None, "1"), 0, 26, "Catches rose. Prices fell.", "HERRING QUOTAS\nSUMMARY"),
        Passage(Citation("09PORTSELWYN1", None, "1"), 0, 4, "Ash.", "HERRING QUOTAS"),
    ]


def test_a_long_paragraph_is_split_at_sentence_ends_with_a_sentence_of_overlap() -> None:
    text = "One is red. Two is blue. Ten is pink. Six is gray."
    found = passages(cable(numbered(text), subject=""), count_tokens, 2 + 3 * 4)
    assert [p.text for p in found] == ["One is red. Two is blue. Ten is pink.", "Ten is pink. Six is gray."]


def test_no_overlap_where_two_sentences_do_not_fit() -> None:
    text = "One is red. Two is blue. Ten is pink."
    found = passages(cable(numbered(text), subject=""), count_tokens, 2 + 4)
    assert [p.text for p in found] == ["One is red.", "Two is blue.", "Ten is pink."]


def test_a_long_sentence_is_split_at_words_and_a_long_word_anywhere() -> None:
    words = " ".join(f"w{n:02}" for n in range(40))
    found = passages(cable(numbered(words), subject=""), count_tokens, 2 + 30)
    assert [(p.text[:3], p.text[-3:]) for p in found] == [("w00", "w29"), ("w14", "w39")]
    found = passages(cable(numbered("x" * 300), subject=""), count_tokens, 2 + 30)
    assert [(p.start, p.end) for p in found] == [(0, 120), (104, 224), (208, 300)]


def test_a_long_subject_leaves_room_for_the_heading() -> None:
    (found,) = passages(cable(numbered("Text.", heading="h" * 20), subject="abcd " * 90), count_tokens, 100)
    assert found.context == " ".join(["abcd"] * (CONTEXT_TOKENS - 5)) + "\n" + "h" * 20


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="4 tokens leave no room for text beside the context 'HERRING QUOTAS'"):
        passages(cable(numbered("Text.")), count_tokens, 4)


@settings(deadline=None)
@given(
    st.lists(texts | st.text() | st.just("A herring is a fish. " * 9), max_size=3),
    st.text(max_size=300),
    st.integers(60, 90),
)
def test_passages_fit_and_show_every_character(parts: list[str], subject: str, limit: int) -> None:
    one = cable(*(numbered(text * 3, str(n), subject[::-1]) for n, text in enumerate(parts)), subject=subject)
    found = passages(one, count_tokens, limit)
    assert [p.citation for p in found] == sorted((p.citation for p in found), key=lambda c: int(c.paragraph or 0))
    for paragraph in one.paragraphs:
        own = [p for p in found if p.citation == one.citation(paragraph)]
        shown = {position for p in own for position in range(p.start, p.end)}
        assert all(p.text == paragraph.text[p.start : p.end] for p in own)
        assert shown >= {position for position, sign in enumerate(paragraph.text) if not sign.isspace()}
        assert all(count_tokens(joined(p.context, p.text)) <= limit for p in own)
        assert all(count_tokens(p.context) - 2 <= CONTEXT_TOKENS for p in own)
        assert all(a.start < b.start and a.end < b.end for a, b in pairwise(own))
        assert len(own) <= 1 or count_tokens(joined(own[0].context, paragraph.text)) > limit
