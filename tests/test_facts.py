"""Exact facts of a statement against the text that it rests on."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from qa.facts import as_written, has_facts, missing
from qa.numbers import figures, numbers

TEXT = (
    "On March 3 the Coast Guard seized 1,500 crates, worth $1.5 million (45 percent of the year's catch), said Harbor Minister Ilse Roake: "
    '"the largest haul yet." Two men were held for 18 months. Exports fell by three quarters in 2007 and the Organization of Island States '
    "(OIS) protested on June 14, 2008. French trawlers were let go; the ban runs from 2005 to 2009. See 08PORTSELWYN112."
)
SENT = datetime(2009, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "statement",
    [
        "The Coast Guard seized fifteen hundred crates on 3 March 2009.",
        "The haul, worth 1,500,000 dollars, was 45% of the catch.",
        "Two men spent a year and a half in custody.",
        "In 2007 exports fell by 75 percent.",
        "According to Minister Roake it was \"the largest haul yet\".",
        "The OIS protested on 14 June 2008.",
        "The Organization of Island States protested in June 2008.",
        "France's trawlers were released.",
        "The ban lasts four years, as 08PORTSELWYN112 reports.",
        "Nearly 1,550 crates were taken.",
        "Both men were held.",
        "Both the Coast Guard and Roake said that it was told twice.",
        "The ban was protested on the fourteenth of that month.",
        "The OIS protested on Saturday, the fourteenth of June 2008.",
        "The largest haul was taken on Tuesday.",
        "He called it '[t]he largest haul yet'.",
        "The Organization of Island States (OIS) protested: see 08PORTSELWYN0112.",
        "Exports fell by USD 1.5 million in the twenty-first century.",
        "The crates were worth one and a half million.",
    ],
)  # fmt: skip
def test_facts_written_otherwise_are_found(statement: str) -> None:
    assert missing(statement, TEXT, SENT) == []


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        ("The Coast Guard seized 1,600 crates.", ["figure 1,600"]),
        ("On the 3rd of April the Coast Guard seized crates.", ["date the 3rd of April"]),
        ("The OIS protested on 14 June 2007.", ["date 14 June 2007"]),
        ("The OIS protested in 2006.", ["date 2006"]),
        ("The crates were worth $15 million.", ["figure 15 million"]),
        ("Exports fell by half.", ["figure half"]),
        ("The haul was worth 1.5 million euros.", ["figure 1.5 million"]),
        ("Exports fell by 1 percent.", ["figure 1"]),
        ("Exports fell by 0.45 percent.", ["figure 0.45"]),
        ("Minister Vask called it \"the largest haul\".", ["name Vask"]),
        ("Roake spoke of \"the smallest haul yet\".", ['quotation "the smallest haul yet"']),
        ("Portuguese trawlers were let go.", []),  # the first word alone is not known to be a name
        ("The Coast Guard let Portuguese trawlers go.", ["name Portuguese"]),
        ("This follows 08PORTSELWYN113.", ["reference 08PORTSELWYN113"]),
        ("The OIS protested on the thirtieth of June.", ["date the thirtieth of June."]),
        ("The OIS protested on a Monday.", ["date Monday"]),
        ("The captain said: 'the very largest haul yet'.", ["quotation 'the very largest haul yet'"]),
        ("Eight crates were let go.", ["figure Eight"]),  # an ID's digits are no figure
        ("It happened in the nineteenth century.", ["figure nineteenth", "figure century"]),
        ("Three men were held.", ["figure Three"]),
    ],
)  # fmt: skip
def test_facts_that_do_not_stand_there_are_named(statement: str, problems: list[str]) -> None:
    assert [str(problem) for problem in missing(statement, TEXT, SENT)] == problems


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("two hundred and fifty", [250.0]),
        ("1.5 million, 2,000 and 57.6%", [1.5e6, 2000.0, 57.6]),
        ("two thirds of them", [2 / 3]),
        ("a dozen ships, four dozen men", [12.0, 48.0]),
        ("1946-47", [1946.0, 1947.0]),
        ("twelve to fourteen thousand pages", [12000.0, 14000.0]),
        ("$4-5 million", [4e6, 5e6]),
        ("$700-800,000", [7e5, 8e5]),
        ("half a million", [5e5]),
        ("its century and a half", [150.0]),
        ("one-fifth was spent", [0.2]),
        ("a quarter of a century", [0.25]),
        ("between three and four thousand", [3000.0, 4000.0]),
        ("two hundred and fifty thousand and three men", [250_003.0]),
        ("two and a half million", [2.5e6]),
        ("half-dozen ships, half dozen men", [6.0, 6.0]),
    ],
)
def test_numbers_by_value(text: str, values: list[float]) -> None:
    assert [number.value for number in numbers(text)] == pytest.approx(values)


@pytest.mark.parametrize(
    ("statement", "source", "stands"),
    [
        ("SEATO met.", "The Southeast Asia Treaty Organization met.", True),
        ("They signed the ABM treaty.", "They signed the Antiballistic Missile Treaty.", True),
        ("They asked the OECD.", "They asked the Organization for Economic Cooperation and Development.", True),
        ("They asked the NATO staff.", "They asked the National Aeronautics Board.", False),
        ("It ran from 14 to 24 January 1943.", "It ran January 14-24, 1943.", True),
        ("It ran from 15 to 24 January 1943.", "It ran January 14-24, 1943.", False),
        ("Less than half of it was paid.", "Of 7,700,000 crowns 3,100,000 were paid.", True),
        ("Half of it was paid.", "Of 7,700,000 crowns 3,100,000 were paid.", False),
        ("Traffic nearly doubled.", "Traffic grew from 64 to 118.", True),
        ("Traffic nearly tripled.", "Traffic grew from 64 to 118.", False),
        ("He wants fifty times what he was offered.", "Offered 40,000, he wants 2,000,000.", True),
        ("He wants sixty times what he was offered.", "Offered 40,000, he wants 2,000,000.", False),
        ("They were freed at 10:05 p.m.", "They were freed at 2205.", True),
        ("They were freed at 10:05.", "They were freed at 22:05 hours.", True),
        ("They were freed at 10:05 a.m.", "They were freed at 22:05.", False),
        ("They were freed at 10:15 p.m.", "They were freed at 2205.", False),
        ("They were freed at 8:05 p.m.", "They were freed in 2005.", False),
        ("They were freed at 8:05 p.m.", "They were freed at 2005 hours.", True),
        ("They were freed at 12:30 a.m.", "They were freed at 0030.", True),
        ("She rang at a quarter to five.", "She rang at 4:45 p.m.", True),
        ("She rang at a quarter to five.", "She rang at 3:15 p.m.", False),
        ("A clerk came on May 8.", "36) May 8: visit of a clerk.", True),
        ("A clerk came on May 9.", "36) May 8: visit of a clerk.", False),
        ("Courses ran from March 5 to 16.", "32) March 5-16: courses.", True),
        ("The forecast is 4.4 million.", "The forecast was, in July 4.4 million.", True),
        ("They met on November 7, 1958.", "1958-Min. of Meeting 11/7/58.", True),
        ("They met on November 8, 1958.", "1958-Min. of Meeting 11/7/58.", False),
        ("He dined there on November 28.", "On November 27 he came, and dined there on the 28th.", True),
        ("He dined there on October 28.", "On November 27 he came, and dined there on the 28th.", False),
        ("He died on March 1, 2004.", "On February 29, 2004, he fell and died the next day.", True),
        ("He died on January 1, 2005.", "On December 29, 2004, he fell. Three days later he died.", True),
        ("He died on March 2, 2004.", "On February 29, 2004, he fell and died the next day.", False),
        ("They struck until the 28th.", "They struck from August 6 to 28.", True),
        ("They struck until the 27th.", "They struck from August 6 to 28.", False),
        ("It fell from January to September 2010.", "It fell in the first nine months of 2010.", True),
        ("It fell from January to October 2010.", "It fell in the first nine months of 2010.", False),
        ("It fell between January and March 2008.", "It fell in the first quarter of 2008.", True),
        ("It fell in the first six months.", "It fell in the first half.", True),
        ("It paid 3.1 million.", "Of 9.4 million it had to pay 4.0, and paid 3.1.", True),
        ("It paid 3.2 million.", "Of 9.4 million it had to pay 4.0, and paid 3.1.", False),
        ("It paid 3.1 million.", "It had to pay 4.0, and paid 3.1.", False),
        ("The Council covers 240,000 pounds.", "Half of its cost of 480,000 pounds is met by the Council.", True),
        ("The Council covers 240,000 pounds.", "All of its cost of 480,000 pounds is met by the Council.", False),
        ("Nearly a century later it was free.", "It was taken in 1888 and free in 1984.", True),
        ("Nearly a century later it was free.", "It was taken in 1888 and free in 1934.", False),
        ("In the following decade it signed.", "It was free in 1981 and signed in 1989.", True),
        ("Six in ten came.", "Of every ten, six came.", True),
        ("Six in ten came.", "Six came.", True),
        ("Six in ten came.", "Of every ten, seven came.", False),
        ("He took 5 million dollars.", "He took 5 trucks and 2 million dollars.", False),
        ("There were 3.1 million people.", "Inflation was 3.1 percent among 9 million people.", False),
        ("Then South Korea objected.", "North Korea (DPRK) objected.", False),
        ("Then South Korea objected.", "North Korea and the ROK objected.", True),
        ("Then North Koreans objected.", "North Korea objected to South Koreans.", True),
        ("This is in 09TARN1.", "See 09TARN12.", False),
        ('He spoke of "art".', "The party began.", False),
        ("They met Ursula Schmidt.", "They met US officers.", False),
        ("They met Minister Porter.", "They met at the port.", False),
        ("They met the Presidential guard.", "They met the president's guard.", True),
        ("He was held for 18 months.", "He was held for 18 days.", False),
        ("There were 50 ships.", "Half of the ships came.", False),
        ("Of the ships 50 percent came.", "Half of the ships came.", True),
        ("Prices rose 45 percent.", "There were 20 men and 25 ships.", False),
        ("It cost 1.5 million euros.", "It cost $500,000, then $1 million.", False),
        ("It cost 1.5 million dollars.", "It cost $500,000, then $1 million.", True),
        ("The crew was cut to five.", "At 17:10 the crew was cut to six.", False),
        ("He gave a quarter to the church.", "He gave a tenth to the church.", False),
        ("Only 100 dollars more was paid in 2005.", "USD a kilo, 2005 (2004): 3,400 (3,300).", True),
        ("Only 100 dollars more was paid in 2005.", "Euros a kilo, 2005 (2004): 3,400 (3,300).", False),
        ("It fell three votes short.", "It had 58 votes, and needed 61.", True),
        ("It fell four votes short.", "It had 58 votes, and needed 61.", False),
        ("The list is five names longer.", "One list has 36 names, the other 41.", True),
        ("Six of the 25 places remained unfilled.", "Of 25 places 19 were filled.", True),
        ("Seven of the 25 places remained unfilled.", "Of 25 places 19 were filled.", False),
        ("All but 15 of the 229 kilometers were agreed.", "They agreed on 214 of 229 kilometers.", True),
        ("Seven in ten live from it.", "It is what 71 percent live from.", True),
        ("Seven in ten live from it.", "It is what 81 percent live from.", False),
        ("The catch lost two thirds.", "The catch fell from 900 to 300 tons.", True),
        ("The catch rose by two thirds.", "The catch was 900, and 300 in the lake.", False),
        (
            "It was signed three years later.",
            "In 1972 it began, and in 1975, after two years of talks, was signed.",
            True,
        ),
        (
            "It was signed four years later.",
            "In 1972 it began, and in 1975, after two years of talks, was signed.",
            False,
        ),
        ("It took more than a decade.", "It began in 1866 and ended in 1878.", True),
        ("It took more than a decade.", "It began in 1866 and ended in 1896.", False),
        ("It leaves 4.7 to go.", "Of 13.6 kilometers, 8.9 are bored.", True),
        ("It leaves 4.8 to go.", "Of 13.6 kilometers, 8.9 are bored.", False),
        ("He cut it by a fifth.", "He cut it by a fifth within two years.", True),
        ("He cut it by a fifth.", "He sent a fifth ship.", False),
        ("It found half of them.", "The true number is double.", True),
        ("They met on March 12.", "They met on March 3 and 12 officers were held.", False),
        ("Then 12 officers were held.", "They met on March 3 and 12 officers were held.", True),
        ("They met on 15 May.", "Between 10 and 15 may have died.", False),
        ("They met in May.", "They met in May.", True),
        ("They left at 3:00 p.m.", "They left with 1500 tons.", False),
        ("He was the tenth victim.", "On March 10 he was the ninth victim.", False),
        ("He died on March 1, 2009.", "On February 28, 2009, he fell and died the next day.", True),
        ("He died on February 29, 2009.", "On February 28, 2009, he fell and died the next day.", False),
        ("It cost $5 million.", "It cost $5m.", True),
        ("It cost 5 million dollars.", "It lies 5m deep and cost dollars.", False),
        ("It ran until 2002.", "It ran 1999-02.", True),
        ("It ended in the First World War.", "It ended in World War I.", True),
        ("It ended in the Second World War.", "It ended in World War I.", False),
    ],
)
def test_what_stands_there_in_another_form(statement: str, source: str, stands: bool) -> None:
    assert (missing(statement, source) == []) is stands


def test_figures_are_the_cardinal_numbers() -> None:
    assert set(figures("two million, 1,500, 57.6% and 3 thousand, the second half")) == {2e6, 1500.0, 57.6, 3000.0}


def test_what_ought_to_be_cited() -> None:
    assert has_facts("The port took in 40 ships.")
    assert not has_facts("This was to be expected.")


def test_the_day_in_a_header_gives_no_other_figures() -> None:
    source = "Date: 2010-02-26 08:05 UTC\nEmbassy Tarn 2010-02-26\nThe quota fell."

    assert missing("It fell on 26 February 2010.", source) == []
    assert [str(one) for one in missing("It fell 26 percent in 2002, to 8 tons.", source)] == [
        "figure 26",
        "date 2002",
        "figure 8",
    ]


def test_countries_of_like_names_are_different() -> None:
    assert [str(one) for one in missing("He went to Austria and Niger.", "He went to Australia and Nigeria.")] == [
        "name Austria",
        "name Niger",
    ]
    assert [str(one) for one in missing("Then North Korea objected.", "South Korea objected.")] == ["name North Korea"]
    assert missing("Then North Korea objected.", "North Korea objected to South Korea.") == []
    assert [str(one) for one in missing("It was Petrenko.", "It was Petrov, not Johnston.")] == ["name Petrenko"]
    assert [str(one) for one in missing("He met Johnson.", "He met Johnston.")] == ["name Johnson"]
    assert missing("It was an Iraqi and a Kazakh.", "Iraq and Kazakhstan signed.") == []


def test_facts_in_the_words_of_the_source() -> None:
    source = "On March 3 the Coast Guard seized 1,500 crates; in 2009 two men were held, and half of them again in June 2010."

    assert (
        as_written("On the 3rd of March they took fifteen hundred crates from 2 men in June of 2010.", source)
        == "On March 3 they took 1,500 crates from two men in June 2010."
    )
    assert (
        as_written("On March 4 they took 1,600 crates, half in 2009.", source)
        == "On March 4 they took 1,600 crates, half in 2009."
    )
    assert (
        as_written("It met from 26 to 28 February and failed.", "It met on 26-28 February.")
        == "It met from 26 to 28 February and failed."
    )
    assert (
        as_written("They took 12,000 crates.", "They took twelve to fourteen thousand crates.")
        == "They took 12,000 crates."
    )
    assert (
        as_written("Two ferries sank, one of them old.", "The second ferry sank first.")
        == "Two ferries sank, one of them old."
    )


def test_a_direction_shared_by_two_names() -> None:
    assert missing("North Korea resumed talks.", "Talks between North and South Korea resumed.") == []
    assert missing("North Korea warned them.", "The DPRK warned South Korea.") == []
    assert missing("The Presidential Administration paid.", "The president's administration paid.") == []


def test_a_count_may_be_reckoned_from_two_that_stand_there() -> None:
    text = "Of 212 requests 190 were granted. A boat takes 24 drums of 200 liters; 1.3 out of 4.2 billion barrels can be had."

    for statement in ("22 requests were refused.", "A boat takes 4,800 liters.", "1.3 billion barrels can be had."):
        assert missing(statement, text) == []
    for statement in ("23 requests were refused.", "A boat takes 4,900 liters.", "Only 12 were refused."):
        assert len(missing(statement, text)) == 1


@pytest.mark.parametrize(
    ("statement", "source"),
    [
        ("They asked NATO.", "SHIPS " * 5000),
        ("They asked ABCDEFG.", "A " * 1500),
        ("They left half a mıllıon.", "It fell in the ſecond half. ſept 5 came."),
        (
            f"He had {'9' * 400} percent.",
            f"On March 3 he had 5 men; {'9' * 400} days later, the first {'9' * 400} months.",
        ),
        ("They met on February 30, 0000.", "On February 30, 0000, he fell; the next day he rose. 99/99/99"),
        ("On " + "March 3 and " * 2000, "On " + "March 3 and " * 2000),
        ("He said: 'a " + "word " * 9000, "A word."),
        ("He said: " + "'a word " * 3000, "A word."),
    ],
)
def test_odd_texts_are_read_within_a_second(statement: str, source: str) -> None:
    began = time.perf_counter()
    missing(statement, source)
    assert time.perf_counter() - began < 1


def test_a_figure_of_too_many_digits_agrees_with_nothing() -> None:
    assert list(numbers("9" * 400)) == []


def test_last_year_is_not_the_next() -> None:
    assert missing("Exports fell in 2008.", "Exports fell last year.", datetime(2009, 5, 1)) == []
    assert [str(one) for one in missing("Exports fell in 2010.", "Exports fell last year.", datetime(2009, 5, 1))] == [
        "date 2010"
    ]


def test_a_month_without_its_year_is_the_last_one() -> None:
    sent = datetime(2005, 3, 22)

    assert missing("He was held in August 2004.", "He was held last August.", sent) == []
    assert missing("He was held on August 3, 2004.", "He was held on August 3.", sent) == []
    for wrong in ("He was held in August 2003.", "He was held in July 2004."):
        assert [one.kind for one in missing(wrong, "He was held last August.", sent)] == ["date"]


def test_a_year_that_the_source_does_not_say_is_not_dropped() -> None:
    said = "On 3 March 2007 the ship sank."
    assert as_written(said, "On March 3 the ship sank. It was built in 2007.") == said
