"""The sentences that a statement is read against, by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.reader.evidence import evidence, nearest

TEXT = (
    "The ferry at Elsby carries 214 cars. It was built in 1988. The council met on the matter of the lamps. The bakers closed "
    "their shops in protest. The captain of the ferry was told to wait."
)


def test_a_text_that_fits_is_read_whole() -> None:
    assert evidence("Anything.", TEXT) == TEXT
    assert evidence("Anything.", "", 5) == ""


def test_the_sentences_are_those_that_cover_the_statement_in_the_order_of_the_text() -> None:
    found = evidence("The captain waited while the bakers closed shops.", TEXT, 90)

    assert found == "The bakers closed their shops in protest.\nThe captain of the ferry was told to wait."


def test_a_second_sentence_with_the_same_words_gives_way_to_one_with_others() -> None:
    text = "The ferry sank in May. The ferry sank in May, he said. Two men drowned. Nothing else was heard of for a long time."

    assert (
        evidence("The ferry sank in May and two men drowned.", text, 40) == "The ferry sank in May.\nTwo men drowned."
    )


def test_a_sentence_longer_than_the_room_is_read_in_part() -> None:
    long = "and ".join(f"item {n} of the list " for n in range(60)) + "and the ferry at Elsby."

    found = evidence("The ferry at Elsby.", long, 100)

    assert found.endswith("ferry at Elsby.")
    assert len(found) <= 100


@given(st.text("ab .\n1", max_size=60), st.text("ab .\n1X", max_size=300), st.integers(1, 80))
def test_no_more_is_read_than_there_is_room_for_and_nothing_is_made_up(statement: str, text: str, room: int) -> None:
    found = evidence(statement, text, room)

    assert found == text if len(text) <= room else len(found) <= room
    assert bool(found.strip()) == bool(text.strip())
    at = 0
    for part in found.split("\n") if len(text) > room else []:
        at = text.index(part, at) + len(part)
    start, end = nearest(statement, text, text) or (0, 0)
    assert 0 <= start <= end <= len(text)


def test_the_nearest_sentence_is_the_one_that_says_it() -> None:
    start, end = nearest("The bakers shut their shops.", TEXT, TEXT) or (0, 0)

    assert TEXT[start:end] == "The bakers closed their shops in protest."
    assert nearest("Nobody.", TEXT, TEXT) is None


def test_a_sentence_that_was_not_shown_is_not_the_nearest() -> None:
    shown = TEXT.replace("The bakers closed their shops in protest.", "[...]")

    assert nearest("The bakers shut their shops.", TEXT, shown) is None
    start, end = nearest("The bakers and the captain waited.", TEXT, shown) or (0, 0)
    assert TEXT[start:end] == "The captain of the ferry was told to wait."
