"""Exact facts of a sentence against its cited text."""

from __future__ import annotations

import pytest

from qa.verify import figures, verify

TEXT = 'On March 3 the Coast Guard seized 1,500 crates, worth $1.5 million, said Minister Roake: "the largest haul yet." Two men were held.'


@pytest.mark.parametrize(
    ("sentence", "verdict", "problems"),
    [
        ("On March 3 the Coast Guard seized 1,500 crates, worth $1.5 million, said Minister Roake:", "supported", ()),
        ("The Coast Guard seized 1500 crates worth 1,500,000 dollars [1].", "supported", ()),
        ("The Coast Guard held 2 men after it seized the crates.", "supported", ()),
        ("The Coast Guard seized 1,600 crates.", "unsupported", ("figure 1,600",)),
        ("On the 3rd of April the Coast Guard seized crates.", "unsupported", ("date April",)),
        ("The Coast Guard seized crates, said Minister Roake: \"a small haul\".", "unsupported", ("quotation 'a small haul'",)),
        ("The Coast Guard seized crates worth 1,500 crowns, said Minister Vask.", "partly", ("name Vask",)),
        ("Elections were postponed by parliament.", "unsupported", ()),
    ],
)  # fmt: skip
def test_verdicts(sentence: str, verdict: str, problems: tuple[str, ...]) -> None:
    assert verify(sentence, [TEXT]) == (verdict, problems)


def test_without_a_text_nothing_is_supported() -> None:
    assert verify("Anything.", []) == ("unsupported", ("cites no paragraph",))


def test_figures_by_value() -> None:
    assert set(figures("two million, 1,500, 57.6% and 3 thousand")) == {2e6, 1500.0, 57.6, 3000.0}
