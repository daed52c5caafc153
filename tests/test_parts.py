"""A question of several parts: where it is split, and that each part gets its own paragraphs."""

from __future__ import annotations

import pytest

from index.store import Filter
from qa.answer import CableQA
from qa.follow import is_joined
from qa.named import Named
from qa.parts import Part, asked_parts, judge_part, parts_of, standing, with_passages_of_parts
from qa.question import read_question
from qa.quoted import DIFFER
from qa.read import Reading, merged, read
from qa.rerank import READ, rerank
from qa.result import DOUBT
from qa.retrieve import candidates, encode_query
from tests.test_read import judged


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("How many boats came and in which year did they come?", ["How many boats came?", "in which year did they come?"]),
        (
            "What did the mill owe, and did it pay by 2009, but to whom was it sold?",
            ["What did the mill owe?", "did it pay by 2009?", "to whom was it sold?"],
        ),
        (
            "The smith caught in Tarn: what was his price, and what term did he get?",
            ["The smith caught in Tarn: what was his price?", "The smith caught in Tarn: what term did he get?"],
        ),
        ("Who owns the mill? What did it cost? Please cite the cable.", ["Who owns the mill?", "What did it cost?"]),
    ],
)  # fmt: skip
def test_a_question_is_split_where_another_begins(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "Who runs the port and the mill?",
        "Who said how many came?",
        "Who was arrested in Tarn? Please cite the cable.",
        " and ".join(f"what did it cost in {year}" for year in range(2000, 2010)),
        "When was it sold, and where?",  # a word alone asks too little
        "Two mills burned in one week; who owned each?",
        "The May and the June cable disagree on who owned the mill; what name does each give?",
        "and what did it cost him? (Who owned the mill? The mill was Obry's.)",
        "",
    ],
)
def test_a_question_that_asks_one_thing_is_left_whole(question: str) -> None:
    assert parts_of(question) == []


def test_a_part_that_leans_on_those_before_it_has_them_in_brackets() -> None:
    mill, cost = "Who owns the mill?", "What did it cost?"
    alone = "How many people work at the new mill in Tarn?"

    assert standing([mill, cost, alone]) == [mill, f"{cost} ({mill})", alone]
    assert standing([cost, mill]) == [cost, mill]
    assert standing([]) == []
    assert parts_of(standing([mill, cost])[1]) == []
    assert is_joined(standing([mill, cost])[1])


def test_each_part_is_quoted_at_most_three_times_and_none_twice() -> None:
    def readings(probability: float, *paragraphs: int) -> list[Reading]:
        return read([judged(probability, (16, 26, 1.0), paragraph=str(n)) for n in paragraphs])

    def paragraphs(*parts: list[Reading]) -> list[str | None]:
        return [one.citation.paragraph for one in merged(parts)]

    first = readings(0.9, 0, 1, 2, 3)
    assert paragraphs(first, readings(0.6, 0, 7)) == ["0", "1", "2", "7"]
    assert paragraphs(first, readings(0.6, 5, 6, 8), readings(0.6, 9)) == ["0", "1", "5", "6", "9"]
    assert paragraphs() == []
    assert paragraphs(readings(0.1, 3), readings(0.6, 0)) == ["0"]


QUESTION = "How many people did the cutter Petrel pick up when the Coral Vesna sank, and how many survivors were kept in hospital?"


def test_a_passage_that_ranks_high_for_a_part_alone_is_read(sample_qa: CableQA) -> None:
    store, asked = sample_qa.store, read_question(QUESTION)
    found = candidates(encode_query(QUESTION, store, sample_qa.embedder), asked, store)
    ids = [one.passage_id for one in found]

    parts = asked_parts(QUESTION, asked, (), found, store)
    order, most = with_passages_of_parts(parts, found, asked, store, sample_qa.embedder)

    assert [one.passage_id for one in order[:READ]] == ids[:READ]
    assert READ < most <= READ + 4
    first = found[0].passage.citation.reference_id
    assert all(one.passage.citation.reference_id == first for one in order[READ:most])
    assert len({one.passage_id for one in order}) == len(order)
    assert set(ids) <= {one.passage_id for one in order}
    assert with_passages_of_parts([], found, asked, store, sample_qa.embedder) == (found, READ)
    assert with_passages_of_parts(parts, [], asked, store, sample_qa.embedder) == ([], 0)


def test_a_part_is_judged_by_itself_and_by_the_whole(sample_qa: CableQA) -> None:
    store, reader, part = sample_qa.store, sample_qa.reader, parts_of(QUESTION)[1]
    found = candidates(encode_query(QUESTION, store, sample_qa.embedder), read_question(QUESTION), store)
    whole, _ = rerank(QUESTION, found, store, reader, READ)

    of_part = judge_part(Part(part, part), QUESTION, whole, store, reader)

    assert of_part
    alone, _ = rerank(part, [one.candidate for one in whole], store, reader, len(whole))
    for one in of_part:
        apart = [
            next(other.judgement.answers for other in each if other.candidate.passage_id == one.candidate.passage_id)
            for each in (whole, alone)
        ]
        assert one.judgement.answers == pytest.approx(sum(apart) / 2)
    assert judge_part(Part(part, part), QUESTION, [], store, reader) == []
    assert judge_part(Part(QUESTION, QUESTION), QUESTION, whole, store, reader) == whole
    cable = of_part[0].candidate.passage.citation.reference_id
    assert {one.candidate.passage.citation.reference_id for one in whole} > {cable}
    only = judge_part(Part(part, part, (cable,)), QUESTION, whole, store, reader)
    assert {one.candidate.passage.citation.reference_id for one in only} == {cable}
    assert judge_part(Part(part, part, ("99NOWHERE1",)), QUESTION, whole, store, reader) == []


def test_a_part_that_leans_is_searched_and_read_with_the_one_before_it(
    sample_qa: CableQA, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_, searched = list[str](), list[str]()
    judge, encode = sample_qa.reader.judge, encode_query
    monkeypatch.setattr(
        sample_qa.reader, "judge", lambda question, given: read_.append(question) or judge(question, given)
    )
    monkeypatch.setattr("qa.parts.encode_query", lambda text, *given: searched.append(text) or encode(text, *given))

    answer = sample_qa.answer("Who commands the cutter Petrel, and how many people did it pick up?")

    both = ["Who commands the cutter Petrel?", "how many people did it pick up? (Who commands the cutter Petrel?)"]
    assert read_[1:] == searched == both
    assert "(" not in answer.note


def test_both_parts_are_answered(sample_qa: CableQA) -> None:
    answer = sample_qa.answer(QUESTION)

    assert not answer.abstained
    said = [one.text for one in answer.statements]
    assert any("Petrel" in one for one in said)
    assert any("hospital" in one for one in said)


def test_a_part_that_nothing_answers_is_named(sample_qa: CableQA) -> None:
    answered = "How many people did the cutter Petrel pick up when the Coral Vesna sank"

    answer = sample_qa.answer(f"{answered}, and what is the middle name of the cutter's first engineer?")

    assert not answer.abstained
    assert "what is the middle name of the cutter's first engineer?" in answer.note
    assert answer.answer.startswith(answer.note)
    assert all("Petrel" in one.text or one.short for one in answer.statements)
    assert not sample_qa.answer(QUESTION).note


def test_quotes_that_may_not_answer_are_said_to_be_such(sample_qa: CableQA, monkeypatch: pytest.MonkeyPatch) -> None:
    sure = sample_qa.answer(QUESTION)
    monkeypatch.setattr("qa.answer.DOUBTFUL", min(sure.confidence + 0.01, 1.0))
    answer = sample_qa.answer(QUESTION)

    assert (sure.note, answer.note, answer.answer) == ("", DOUBT, f"{DOUBT}\n\n{sure.answer}")
    assert answer.statements == sure.statements
    assert not sample_qa.answer("What is 09PORTSELWYN524 about?").note  # quoted whole, whatever was read
    assert not sample_qa.answer("What is the capital of Peru?").note


def parts_over_sample(sample_qa: CableQA, text: str, *known: str) -> list[Part]:
    asked = read_question(text)
    found = candidates(encode_query(text, sample_qa.store, sample_qa.embedder), asked, sample_qa.store)
    return asked_parts(text, asked, [Named(name) for name in known], found, sample_qa.store)


MARCH, MAY = ("09PORTSELWYN123", "09PORTSELWYN188"), "09PORTSELWYN219"


def test_a_question_of_several_cables_asks_each_of_them(sample_qa: CableQA) -> None:
    text = "How large is the herring quota in the March and the May 2009 cables?"
    march, may = parts_over_sample(sample_qa, text)
    assert (march.text, march.alone) == ("what the cables of March 2009 say.", text)
    assert (tuple(sorted(march.cables or ())), may.cables) == (MARCH, (MAY,))
    none = parts_over_sample(sample_qa, text.replace("2009", "2001"))
    assert [part.cables for part in none] == [(), ()]

    text = f"How large is the herring quota in {MARCH[1]} and in {MAY}?"
    alone = "How large is the herring quota in the cables?"
    assert parts_over_sample(sample_qa, text, MARCH[1], MAY) == [
        Part(f"what {MARCH[1]} says.", alone, (MARCH[1],)), Part(f"what {MAY} says.", alone, (MAY,))
    ]  # fmt: skip
    assert [part.cables for part in parts_over_sample(sample_qa, text, MAY)] == [(), (MAY,)]
    assert parts_over_sample(sample_qa, " and ".join(f"0{n}TARN14" for n in range(9))) == []
    assert parts_over_sample(sample_qa, f"Does {MAY} say what {MARCH[1]} is?", MARCH[1], MAY) == []


@pytest.mark.parametrize(
    "cables", ["the March and the May 2009 cables", f"{MARCH[1]} and {MAY}", f"{MARCH[1]}, or in {MAY}"]
)
def test_each_of_the_cables_is_quoted_and_their_figures_set_side_by_side(sample_qa: CableQA, cables: str) -> None:
    answer = sample_qa.answer(f"How large is the herring quota for 2009 in {cables}?")

    cited = {one.citation.reference_id for one in answer.citations}
    assert MAY in cited
    assert cited & set(MARCH)
    assert DIFFER in answer.note


def test_a_cable_that_says_nothing_of_it_is_named(sample_qa: CableQA) -> None:
    answer = sample_qa.answer(f"How large is the herring quota of 2009 in {MAY} and in 09TARN14?")
    assert {one.citation.reference_id for one in answer.citations} == {MAY}
    assert answer.note.startswith("Nothing was found for a part of this: what 09TARN14 says.")

    answer = sample_qa.answer(f"How large is the herring quota of 2009 in {MAY} and in 99TARN14?")
    assert {one.citation.reference_id for one in answer.citations} == {MAY}
    assert answer.note.startswith("Nothing was found for a part of this: what 99TARN14 says.")


def test_months_without_a_cable_are_named_even_where_others_are_quoted(sample_qa: CableQA) -> None:
    answer = sample_qa.answer("How large is the herring quota for 2009 in the March and the May 2001 cables?")
    said = "Nothing was found for a part of this: what the cables of March 2001 say. what the cables of May 2001 say."
    assert answer.note.startswith(said)


def test_no_part_is_read_in_a_cable_that_the_filter_leaves_out(sample_qa: CableQA) -> None:
    for cables in (f"{MARCH[1]} and {MAY}", "the March and the May 2009 cables"):
        answer = sample_qa.answer(f"How large is the herring quota in {cables}?", where=Filter(cables=(MAY,)))
        assert {one.citation.reference_id for one in answer.citations} == {MAY}
        assert {hit.citation.reference_id for hit in answer.retrieved} == {MAY}


def test_a_part_is_quoted_from_the_cable_that_it_names(sample_qa: CableQA) -> None:
    text = f"What herring quota does {MAY} give, and what herring quota does {MARCH[1]} give?"

    first, second = parts_over_sample(sample_qa, text, MARCH[1], MAY)
    assert (first.cables, second.cables) == ((MAY,), (MARCH[1],))
    assert first.alone.lower() == second.alone.lower() == "what herring quota does the cable give?"
    cited = [one.citation.reference_id for one in sample_qa.answer(text).citations]
    assert list(dict.fromkeys(cited)) == [MAY, MARCH[1]]
