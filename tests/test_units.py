"""What a figure is an amount of, and on which side of a rounded one the true one lies, by hand."""

from __future__ import annotations

import pytest

from qa.facts import as_written, missing
from qa.numbers import numbers
from qa.units import amount

ROCK = "The rock is 38 meters high and stands 18 miles from the coast."
ISLAND = "The island measures 14,000 hectares."
PUMP = "The pump moves 900 cubic meters an hour and burns 3,200 tons a year."
PLANT = "The plant gives 612 megawatts."
HAUL = "Of 163 seizures 97 were of cigarettes."
LAW = "The law says that detention may not exceed 180 days."
STRIKE = "The union counts 640 teachers."
FINES = "Of the 1,130 fined, 470 have paid."


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        (ROCK, "The rock is 38 metres high."), (ROCK, "It stands 18 miles out."), (ROCK, "It stands 29 kilometers off the coast."),
        (ISLAND, "It measures 140 square kilometers."), (PUMP, "The pump moves 900 cubic metres per hour."), (PUMP, "It burns 3,200 tonnes."),
        (PUMP, "The pump burns 3,200,000 kilograms a year."), (PLANT, "The plant has 612-megawatt turbines."),
        (HAUL, "There were 97 seizures of cigarettes."), (LAW, "Nobody is held for more than 180 days."),
        (STRIKE, "There are more than 600 teachers."), (STRIKE, "Fewer than 650 teachers are in it."), (STRIKE, "Roughly 650 teachers are in it."),
        (FINES, "Over two fifths have paid."), (FINES, "Roughly 42 percent of those fined have paid."), ("Rates, percent: 4 in May, 5 in June.", "The rate was 5 percent."),
    ],
)  # fmt: skip
def test_the_same_amount_in_another_form_is_there(text: str, statement: str) -> None:
    assert missing(statement, text) == []


@pytest.mark.parametrize(
    ("text", "statement", "figure"),
    [
        (ROCK, "The rock is 38 feet high.", "38"), (ROCK, "It stands 18 kilometers out.", "18"), (ISLAND, "It measures 14,000 acres.", "14,000"),
        (PUMP, "The pump moves 900 cubic meters a day.", "900"), (PUMP, "It burns 3,200 kilograms.", "3,200"),
        (PLANT, "The plant gives 612 gigawatts.", "612"), (HAUL, "Of the seizures 97 percent were of cigarettes.", "97"),
        (LAW, "Detention lasts at least 180 days.", "180"), (STRIKE, "There are fewer than 600 teachers.", "600"),
        (STRIKE, "There are more than 650 teachers.", "650"), (FINES, "More than half have paid.", "half"),
    ],
)  # fmt: skip
def test_another_amount_is_not(text: str, statement: str, figure: str) -> None:
    assert [str(problem) for problem in missing(statement, text)] == [f"figure {figure}"]


def test_what_is_said_beside_a_number() -> None:
    def said(text: str) -> tuple[object, ...]:
        one = amount(text, next(numbers(text)))
        return one.currency, one.dimension, one.per, one.bound

    assert said("$40 a day") == ("dollar", None, None, None)
    assert said("no more than 40 miles per hour") == (None, "length", "hour", "most")
    assert said("at least 40 square miles") == (None, "area", None, "least")
    assert said("40 megawatt-hours") == (None, "energy", None, None)
    assert said("40 men") == (None, None, None, None)


def test_a_rounded_number_is_shown_as_the_one_that_it_rounds() -> None:
    assert as_written("Well over 600 teachers went.", STRIKE) == "640 teachers went."
    assert as_written("Fewer than 600 teachers went.", STRIKE) == "Fewer than 600 teachers went."
    assert as_written("It cost about $1.9 million.", "It cost $1.94 million.") == "It cost $1.94 million."
