"""Statements against the paragraphs that they cite, with the reader that ships."""

from __future__ import annotations

import pytest

from index.cable import Citation
from qa.reader.model import Reader, shipped
from qa.verify import NO_PARAGRAPH, NO_WORDS, SUPPORTED, WHOLE, Source, Verifier, _pieces

HARBOR = Source(
    Citation("09PORTSELWYN12", None, "3"),
    'On March 3 the Coast Guard seized 1,500 crates, worth $1.5 million, said Harbor Minister Ilse Roake: "the largest haul yet." Two men were '
    "held. Opposition leader Tomas Vask denied that his party had owned the ship, and said the minister had ordered the raid to win votes.",
)
FERRY = Source(
    Citation("09PORTSELWYN12", None, "4"),
    "The ferry at Elsby carries 214 cars. It was built in 1988 and sails twice a day.",
)

COLOURS = ("red", "blue", "green", "yellow", "black", "grey", "brown", "white")


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return Verifier(shipped())


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        ("The ferry at Elsby carries 210 cars.", ("figure 210",)),
        ("The Coast Guard seized 1,600 crates.", ("figure 1,600",)),
        ("On the 3rd of April the Coast Guard seized 1,500 crates.", ("date the 3rd of April",)),
        ("The Coast Guard seized crates, which Roake called \"a small haul\".", ('quotation "a small haul"',)),
        ("The crates were seized, as 09PORTSELWYN13 reports.", ("reference 09PORTSELWYN13",)),
    ],
)  # fmt: skip
def test_a_fact_that_does_not_stand_there_is_never_supported(
    verifier: Verifier, statement: str, problems: tuple[str, ...]
) -> None:
    verdict = verifier.check(statement, [HARBOR, FERRY])
    assert verdict.verdict != "supported"
    assert verdict.problems == problems


def test_a_true_paraphrase_is_supported_and_what_is_not_said_is_not(verifier: Verifier) -> None:
    assert verifier.check("The Coast Guard took fifteen hundred crates on 3 March.", [HARBOR]).verdict == "supported"
    assert verifier.check("The ship was later sold to a foreign company.", [HARBOR]).verdict != "supported"


def test_a_reversed_meaning_is_not_supported(verifier: Verifier) -> None:
    assert verifier.check("Vask admitted that his party had owned the ship.", [HARBOR]).verdict != "supported"


def test_what_stands_there_word_for_word_is_supported(verifier: Verifier) -> None:
    verdict = verifier.check("Two men were  held.", [HARBOR])
    assert (verdict.verdict, verdict.score) == ("supported", 1.0)


def test_without_a_paragraph_nothing_is_supported(verifier: Verifier) -> None:
    assert verifier.check("Anything.", []).problems == (NO_PARAGRAPH,)


def test_a_sentence_goes_to_the_paragraph_that_bears_it_out(verifier: Verifier) -> None:
    sources = [HARBOR, FERRY]
    assert verifier.attribute("The ferry at Elsby carries 214 cars.", sources, [0])[0] == (1,)
    assert verifier.attribute("The ferry at Elsby carries 214 cars.", sources, [1])[0] == (1,)
    assert verifier.attribute("The ferry at Elsby carries 300 cars.", sources, [0])[0] == (0,)


def test_the_network_does_not_read_a_paragraph_that_lacks_a_fact_for_a_sentence_that_does_not_cite_it(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier(reader)
    read_: list[str] = []
    support = reader.support
    monkeypatch.setattr(
        reader, "support", lambda said, given: read_.extend(t for _, t in given) or support(said, given)
    )

    assert verifier.attribute("The ferry at Elsby carries 300 cars.", [HARBOR, FERRY], [0])[0] == (0,)
    assert read_ == [HARBOR.text]
    assert verifier.attribute("The Elsby ferry can take 214 cars.", [HARBOR, FERRY], [0])[0] == (1,)
    assert read_[1:] == [HARBOR.text, FERRY.text]


@pytest.mark.parametrize(
    "statement",
    [
        "00 crates",  # the end of 1,500
        "14 cars.",  # of 214
        "The ferry at Elsby carries 2",  # cut in mid-figure
        "his party had owned the ship",  # denied
    ],
)
def test_a_piece_of_a_sentence_does_not_stand_there_word_for_word(verifier: Verifier, statement: str) -> None:
    assert verifier.check(statement, [HARBOR, FERRY]).score < 1.0


def test_sentences_one_after_another_stand_there(verifier: Verifier) -> None:
    assert verifier.check("It was built in 1988 and sails twice a day", [FERRY]).score == 1.0
    assert verifier.check(FERRY.text, [HARBOR, FERRY]).score == 1.0


def test_of_a_long_paragraph_the_evidence_is_read_wherever_it_stands(verifier: Verifier) -> None:
    filler = "The council met again on the matter of the lamps, and put it off. " * 60
    long = Source(FERRY.citation, filler + FERRY.text)

    assert verifier.check("The Elsby ferry can take 214 cars.", [long]).verdict == "supported"
    assert verifier.check("The Elsby ferry can take 214 cars.", [HARBOR, long]).verdict == "supported"


def test_of_several_paragraphs_cited_those_stay_that_bear_the_sentence_out(verifier: Verifier) -> None:
    keys, verdict = verifier.attribute("The Elsby ferry can take 214 cars.", [HARBOR, FERRY], [0, 1])

    assert (keys, verdict.verdict) == ((1,), "supported")


def test_what_shares_no_word_with_the_paragraph_is_not_supported(verifier: Verifier) -> None:
    verdict = verifier.check("The ban is lifted.", [FERRY])

    assert (verdict.verdict, verdict.problems) == ("unsupported", (NO_WORDS,))
    assert verifier.check("It carries vehicles by the hundred.", [FERRY]).problems != (NO_WORDS,)


def test_a_long_sentence_is_read_to_its_end(verifier: Verifier) -> None:
    source = Source(
        Citation("A", None, None),
        " ".join(f"The {name} boat left the port at dawn with {n} men." for n, name in enumerate(COLOURS, 11)),
    )
    true = ", ".join(f"the {name} boat left the port at dawn with {n} men" for n, name in enumerate(COLOURS, 11))
    false = true.replace(
        "the white boat left the port at dawn with 18 men", "the white boat was sold to the museum by its 18 men"
    )

    assert len(true.split()) > WHOLE
    assert [len(piece.split()) <= WHOLE for piece in _pieces(true)] == [True, True]
    assert " ".join(_pieces(true)) == true
    assert verifier.check(true, [source]).verdict == SUPPORTED
    assert verifier.check(false, [source]).verdict != SUPPORTED


def test_a_long_sentence_without_commas_is_cut_at_its_middle() -> None:
    assert [len(piece.split()) for piece in _pieces("so " * 200)] == [50, 50, 50, 50]
