"""From judged passages to quotes, with judgements made by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from index.cable import Citation
from index.passage import Passage
from index.store import Store
from qa.read import ALSO, ANSWERS, SEVERAL_ALSO, Reading, differ, merged, read, short_answers, words_of
from qa.read import SURE as ENOUGH
from qa.reader.model import Judgement, Reader, Span
from qa.rerank import AS_MUCH, CALIBRATION, READ, Judged, probability, rerank
from qa.retrieve import Candidate
from tests.stored import HERRING, OUTLINE, make

TEXT = "Catches rose to 2,871 tons. Prices fell. The quota is 900 tons a year, said Birch. Nobody protested."
RISE, QUOTA = TEXT.index("2,871 tons"), TEXT.index("900 tons")  # 16 and 54


def judged(
    chance: float, *spans: tuple[int, int, float], paragraph: str = "1", start: int = 0, text: str = TEXT, cable: str = "09TARN1"
) -> Judged:  # fmt: skip
    """A passage that begins at `start` in its paragraph, with the answers found in it."""
    passage = Passage(Citation(cable, None, paragraph), start, start + len(text), text, "Quotas")
    return Judged(Candidate(passage, 1, 0.0, 0.0), Judgement(0.0, 0.0, tuple(Span(*span) for span in spans)), chance)


def reading(
    start: int, end: int, score: float, words: tuple[int, int], paragraph: str = "1", cable: str = "09TARN1"
) -> Reading:  # fmt: skip
    return Reading(Citation(cable, None, paragraph), start, end, score, *words)


def test_the_whole_sentence_of_the_best_words_is_quoted() -> None:
    (found,) = read([judged(0.9, (QUOTA, QUOTA + 8, 5.0))])
    assert found == reading(41, 82, 0.9, (54, 62))
    assert TEXT[found.start : found.end] == "The quota is 900 tons a year, said Birch."
    assert words_of(found, TEXT[found.start : found.end]) == "900 tons"


def test_offsets_are_those_of_the_paragraph() -> None:
    assert read([judged(0.9, (QUOTA, QUOTA + 8, 5.0), start=1000)]) == [reading(1041, 1082, 0.9, (1054, 1062))]


def test_words_of_two_sentences_bring_both() -> None:
    assert read([judged(0.9, (RISE, 40, 5.0))]) == [reading(0, 40, 0.9, (16, 40))]


def test_where_nothing_answers_nothing_is_quoted() -> None:
    assert read([]) == []
    assert read([judged(ANSWERS - 0.01, (16, 26, 5.0)), judged(0.05, (16, 26, 5.0), paragraph="2")]) == []
    assert read([judged(0.9)]) == []
    assert read([judged(ANSWERS, (16, 26, 5.0))]) == [reading(0, 27, ANSWERS, (16, 26))]


def test_the_first_in_rank_is_quoted_and_others_only_where_they_are_probable() -> None:
    found = read(
        [
            judged(0.6, (16, 26, 1.0), paragraph="1"),
            judged(ALSO - 0.01, (16, 26, 9.0), paragraph="2"),
            judged(0.9, (16, 26, 1.0), paragraph="3"),
            judged(0.7, (16, 26, 1.0), paragraph="4"),
        ]
    )
    assert [(one.citation.paragraph, one.score) for one in found] == [("1", 0.6), ("3", 0.9), ("4", 0.7)]


def test_a_question_that_asks_for_several_things_gets_less_sure_passages_too() -> None:
    found = [judged(0.9, (16, 26, 1.0), paragraph="1"), judged(SEVERAL_ALSO, (16, 26, 1.0), paragraph="2")]
    assert len(read(found)) == 1
    assert [one.part for one in read(found, several=True)] == [0, 1]


def test_what_answers_a_part_says_which() -> None:
    first, second, third = (reading(n, n + 1, 0.9, (n, n + 1)) for n in (0, 10, 20))
    assert [(one.start, one.part) for one in merged([[first, second], [], [third]])] == [(0, 0), (10, 0), (20, 2)]


def test_five_quotes_at_most() -> None:
    found = read([judged(0.9, (16, 26, 1.0), paragraph=str(n)) for n in range(9)])
    assert [one.citation.paragraph for one in found] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("first", "second", "quoted"),
    [
        (7.0, 6.9, 2),
        (9.0, 4.0, 2),
        (9.0, 3.9, 1),  # more than 5 below the best
        (-1.0, -11.0, 2),  # no words are likelier than none
        (-1.0, -11.1, 1),
    ],
)
def test_a_second_answer_in_the_same_passage(first: float, second: float, quoted: int) -> None:
    found = read([judged(0.9, (16, 26, first), (54, 62, second))])
    assert found == [reading(0, 27, 0.9, (16, 26)), reading(41, 82, 0.9, (54, 62))][:quoted]


def test_a_sentence_is_quoted_once() -> None:
    """The second passage is a later window of the same paragraph; its first sentence is the other's third."""
    quota = reading(41, 82, 0.9, (54, 62))
    window = judged(0.8, (13, 21, 5.0), (42, 58, 4.0), start=41, text=TEXT[41:])

    assert read([judged(0.9, (54, 62, 5.0), (76, 81, 4.9))]) == [quota]
    assert read([judged(0.9, (54, 62, 5.0)), window]) == [quota, reading(83, 100, 0.8, (83, 99))]
    assert read([judged(0.9, (54, 62, 5.0)), judged(0.9, (54, 62, 5.0), cable="09TARN2")]) == [
        quota, reading(41, 82, 0.9, (54, 62), cable="09TARN2"),
    ]  # fmt: skip


# --- short answers -------------------------------------------------------------------------------------------

QUOTES = [TEXT[0:27], TEXT[41:82]]
SURE = [reading(0, 27, 0.9, (16, 26)), reading(41, 82, 0.8, (54, 62), paragraph="2")]


def test_sure_and_short_words_stand_alone() -> None:
    assert short_answers("How many?", SURE, QUOTES) == [(0, "2,871 tons"), (1, "900 tons")]
    assert short_answers("How many?", [], []) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(SURE[1], score=ENOUGH - 0.01),
        replace(SURE[1], words_start=None, words_end=None),
        replace(SURE[1], words_start=41, words_end=81),  # all but the whole sentence
    ],
    ids=["not sure", "no words", "too much of the quote"],
)
def test_one_that_cannot_stand_alone_keeps_all_from_it(other: Reading) -> None:
    assert short_answers("How many?", [SURE[0], other], QUOTES) == []


def test_twelve_words_may_stand_alone() -> None:
    quote = " ".join(f"w{n}" for n in range(10, 40))  # each with its space 4 characters
    assert short_answers("What did he say?", [reading(0, len(quote), 0.9, (0, 4 * 12 - 1))], [quote]) == [
        (0, quote[:47])
    ]
    assert short_answers("What did he say?", [reading(0, len(quote), 0.9, (0, 4 * 13 - 1))], [quote]) == []


@pytest.mark.parametrize(
    ("one", "other", "cables", "expected"),
    [
        ("41 tons", "52 tons", ("09TARN1", "09TARN2"), True),
        ("41 tons", "52 tons", ("09TARN1", "09TARN1"), False),
        ("41 tons", "forty or 41 tons", ("09TARN1", "09TARN2"), False),
        ("1,500 tons", "1500", ("09TARN1", "09TARN2"), False),
        ("41 tons", "a great deal", ("09TARN1", "09TARN2"), False),
        ("Halbek", "Varga", ("09TARN1", "09TARN2"), False),
    ],
)
def test_figures_that_differ(one: str, other: str, cables: tuple[str, str], expected: bool) -> None:
    readings = [
        reading(0, len(text), 0.9, (0, len(text)), cable=name) for text, name in zip((one, other), cables, strict=True)
    ]
    assert differ(readings, [one, other]) is expected
    assert differ([readings[0], replace(readings[1], words_start=None, words_end=None)], [one, other]) is False
    assert differ([readings[0], replace(readings[1], part=1)], [one, other]) is False
    unsure = [readings[0], replace(readings[1], score=0.6)]
    assert differ(unsure, [one, other]) is False
    assert differ(unsure, [one, other], asked_to_compare=True) is expected


def test_figures_beside_what_answers_first_do_not_differ() -> None:
    quotes = ["41 tons", "52 tons", "41 tons", "by far the greatest catch of the last 52 years"]
    first, beside, same, long = (
        reading(0, len(text), 0.9, (0, len(text)), cable=name)
        for text, name in zip(quotes, ("09TARN1", "09TARN1", "09TARN2", "09TARN2"), strict=True)
    )

    assert differ([first, beside, same], quotes[:3]) is False
    assert differ([beside, same, first], [quotes[1], quotes[2], quotes[0]]) is True
    assert differ([first, long], [quotes[0], quotes[3]]) is False


# --- the probability and the new order -----------------------------------------------------------------------


def test_the_probability_rises_with_answerability() -> None:
    weight, constant = CALIBRATION

    def of(answers: float) -> float:
        return probability(Judgement(0.0, answers, (Span(0, 1, 1.0),)))

    assert of(-constant / weight) == pytest.approx(0.5)
    assert of(1.0) == pytest.approx(1 / (1 + math.exp(-(weight + constant))))
    assert of(-3) < of(-1) < of(1) < of(3)
    assert probability(Judgement(0.0, 1.0, ())) == of(1.0)


def test_what_is_read_is_ranked_anew_and_comes_before_the_rest(tmp_path: Path) -> None:
    with Store.open(make(tmp_path, HERRING, OUTLINE)) as store:
        of = store.passages(store.passage_ids(["09PORTSELWYN12", "10TARN141"]))
        found = [Candidate(passage, n, -float(rank), 0.5) for rank, (n, passage) in enumerate(sorted(of.items()))]
        reader = Reader()
        read_all, order = rerank("Were dogs trained?", found, store, reader, 6)

        assert [one.candidate for one in read_all] == order[:6]
        assert [one.passage for one in order[6:]] == [one.passage for one in found[6:]]
        assert sorted(c.passage_id for c in order) == sorted(of)
        assert [c.score for c in order] == sorted((c.score for c in order), reverse=True)
        assert all(one.probability == probability(one.judgement) for one in read_all)
        assert order[0].passage.text == "Dogs were trained."
        assert rerank("Were dogs trained?", [], store, reader) == ([], [])


@pytest.mark.parametrize(
    ("probabilities", "most", "read"),
    [
        ([0.1, 0.8, 0.9, 0.9, 0.9, 0.9], None, 2),
        ([0.6, 0.6, 0.1, 0.1, 0.9, 0.9], None, 4),
        ([0.4, 0.4, 0.1, 0.6, 0.9, 0.9], None, 4),
        ([0.4, 0.4, 0.4, 0.4, 0.9, 0.9], None, READ),
        ([0.9, 0.9, 0.9, 0.9, 0.9, 0.9], 5, 5),
    ],
)
def test_passages_are_read_until_one_answers(
    tmp_path: Path, probabilities: list[float], most: int | None, read: int
) -> None:
    weight, constant = CALIBRATION
    answers = iter((math.log(p / (1 - p)) - constant) / weight for p in probabilities)

    class Fixed:
        def judge(self, question: str, passages: list[tuple[str, str]]) -> list[Judgement]:
            return [Judgement(-20.0 * next(of), next(answers), (Span(0, 1, 1.0),)) for _ in passages]

    of = iter(range(READ))
    with Store.open(make(tmp_path, HERRING, OUTLINE)) as store:
        known = store.passages(store.passage_ids(["09PORTSELWYN12", "10TARN141"]))
        found = [Candidate(one, n, -float(rank), -float(rank)) for rank, (n, one) in enumerate(sorted(known.items()))]
        judged, order = rerank("Who?", found, store, Fixed(), most)  # type: ignore[arg-type]

    assert [one.candidate.passage for one in judged] == [one.passage for one in found[:read]]
    assert [one.probability for one in judged] == pytest.approx(probabilities[:read])
    assert [one.passage for one in order] == [one.passage for one in found]
    assert [c.score for c in order] == sorted((c.score for c in order), reverse=True)


def test_what_another_cable_says_of_the_same_is_read_though_one_answers(tmp_path: Path) -> None:
    class Sure:
        def judge(self, question: str, passages: list[tuple[str, str]]) -> list[Judgement]:
            return [Judgement(0.0, 9.0, (Span(0, 1, 1.0),)) for _ in passages]

    with Store.open(make(tmp_path, HERRING, OUTLINE)) as store:
        herring, outline = (store.passage_ids([cable]) for cable in ("09PORTSELWYN12", "10TARN141"))
        known = store.passages([*herring, *outline])
        order = [herring[0], herring[1], herring[2], outline[0], outline[1], herring[3]]
        coverage = [0.8, 0.9, 0.9, 0.9 - AS_MUCH, 0.89 - AS_MUCH, 0.9]
        found = [Candidate(known[n], n, -float(at), of) for at, (n, of) in enumerate(zip(order, coverage, strict=True))]
        judged, after = rerank("Who?", found, store, Sure())  # type: ignore[arg-type]

    assert [one.candidate.passage_id for one in judged] == [herring[0], herring[1], outline[0]]
    assert [one.passage_id for one in after] == [*order[:2], outline[0], herring[2], outline[1], herring[3]]
    assert [c.score for c in after] == sorted((c.score for c in after), reverse=True)


def test_fewer_candidates_than_are_read_at_first_are_all_read(tmp_path: Path) -> None:
    with Store.open(make(tmp_path, HERRING, OUTLINE)) as store:
        known = store.passages(store.passage_ids(["09PORTSELWYN12"]))
        found = [Candidate(passage, n, 0.0, 0.5) for n, passage in sorted(known.items())]
        for few in (1, 3):
            judged, order = rerank("How many tons of copper?", found[:few], store, Reader())
            assert len(judged) == len(order) == few


def test_a_bracket_that_does_not_close_is_left_out_of_the_answering_words() -> None:
    quote = "It cost 480 million crowns ($12 million), says the ministry, and nobody knows why it cost so much more than last year."
    words = (quote.index("480"), quote.index("), says"))

    assert short_answers("How much did it cost?", [reading(0, len(quote), 0.9, words)], [quote]) == [
        (0, "480 million crowns")
    ]


def test_of_a_paragraph_the_first_words_stand_on_top() -> None:
    quotes = [
        "The first of the boats cost 41 million crowns in all.",
        "Another one, the second, cost 52 million crowns in all.",
    ]
    both = [reading(0, len(quotes[0]), 0.9, (28, 46)), reading(100, 100 + len(quotes[1]), 0.9, (129, 147))]

    assert [n for n, _ in short_answers("How much did it cost?", both, quotes)] == [0]
    assert [n for n, _ in short_answers("How much did each cost, and how much both?", both, quotes)] == [0, 1]
