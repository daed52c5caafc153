"""The page's markup: escaping, marks at the right offsets, links."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import ui
from index.cable import Cable, Citation, Paragraph
from index.store import Store
from qa.result import Answer, Cited, Statement

CABLE = Cable(
    "09TARN14", datetime(2009, 3, 1, 8, 0, tzinfo=UTC), "Consulate Tarn", "UNCLASSIFIED", "BOATS <b>&", ("ECON",), ("09STATE1", "09TARN2"),
    (), (), "BRANDT",
    (Paragraph(None, "1", "HARBOR", "U", "<script>alert(1)</script> two boats."), Paragraph(None, "2", "HARBOR", None, "Three.")),
)  # fmt: skip


def test_marks_stand_at_their_offsets_and_text_is_escaped() -> None:
    assert ui.marked("a<b c>d", [(1, 3), (2, 5)]) == "a<mark>&lt;b</mark><mark> c</mark>&gt;d"
    assert ui.marked("plain", []) == "plain"
    assert (
        ui.marked("in 2009, <two> boats", [(9, 20)], [(9, 14)])
        == "in 2009, <mark><strong>&lt;two&gt;</strong> boats</mark>"
    )
    assert ui.marked("in 2009, two boats", [(9, 18)], [(3, 7)]) == "in 2009, <mark>two boats</mark>"


def test_links_carry_the_whole_address() -> None:
    assert (
        ui.link(Citation("10X141", "II.D.TRAINING COURSES", "2"))
        == "?cable=10X141&section=II.D.TRAINING+COURSES&paragraph=2"
    )
    assert ui.link(Citation("10X265")) == "?cable=10X265"


def test_a_cable_shows_its_text_as_text() -> None:
    target = Citation("09TARN14", None, "1")
    cited = Cited(1, target, None, "two boats", 26, 35, 1.0)
    page = ui.cable_view(CABLE, target, {target: [cited]}, {"09TARN2"})

    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <mark>two boats</mark>." in page
    assert "BOATS &lt;b&gt;&amp;" in page
    assert page.count("<h3>") == 1
    assert page.count('class="paragraph target"') == 1
    assert '<a class="cite" href="?cable=09TARN2"' in page
    assert "?cable=09STATE1" not in page


def test_an_answer_has_a_chip_for_each_citation_and_marks_doubt() -> None:
    cited = Cited(1, Citation("09TARN14", None, "2"), None, "Three.", 0, 6, 1.0)
    answer = Answer(
        "How many?", "How many?", "Four <boats>. [1]", False, statements=(Statement("Four <boats>.", (1,), "unsupported", ("figure Four",)),),
        citations=(cited,), rejected_citations=(("[7]", "no such passage"),),
    )  # fmt: skip
    page = ui.answered(answer)

    assert "<p>Four &lt;boats&gt;. <a" in page
    assert "1 · 09TARN14 ¶2</a>" in page
    assert "unsupported: figure Four" in page
    assert "Citation [7] was left out: no such passage." in page
    assert ui.quotes_of(answer) == {Citation("09TARN14", None, "2"): [cited]}


@pytest.mark.parametrize(("written", "label"), [("04", "¶4"), ("¶4", "¶4"), ("¶ 04", "¶4"), ("00", "¶0"), ("4", "¶4")])
def test_a_link_may_write_a_paragraph_loosely(store: Store, written: str, label: str) -> None:
    page = ui.opened(store, "09PORTSELWYN12", None, written, {})

    assert (
        f'<div class="paragraph target" tabindex="-1"><a class="cite number" href="?cable=09PORTSELWYN12&amp;paragraph={label[1:]}"'
        in page
    )
    assert 'class="abstained"' not in page


def test_a_link_to_a_paragraph_that_is_not_there_opens_the_cable_and_says_so(store: Store) -> None:
    page = ui.opened(store, "09PORTSELWYN12", None, "¶07", {})

    assert page.startswith('<p class="abstained" tabindex="-1">09PORTSELWYN12 has no paragraph 7.')
    assert 'class="cable"' in page
