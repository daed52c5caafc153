"""Reading cables in real Chromium: links, Back, marks, what a new answer does to an open cable."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.test_browser import address, ask, browser, page, pytestmark  # noqa: F401
from tests.test_browser_conversation import CUSTOMS, FERRY, is_kept


def test_a_citation_of_an_earlier_answer_opens_with_its_marks_and_back_leads_back(page: Page, address: str) -> None:  # noqa: F811
    page.goto(address)
    ask(page, FERRY)
    ask(page, CUSTOMS)
    page.locator("#chat .turn").first.locator(".cite").first.click()
    marks = page.locator("#cable .target mark")
    expect(marks.first).to_be_visible()
    words = marks.first.inner_text()
    opened = page.url

    page.locator("#cable .number").last.click()
    expect(marks).to_have_count(0)
    expect(page.locator("#cable mark").first).to_have_text(words)
    page.go_back()
    expect(marks.first).to_have_text(words)
    assert page.url == opened
    page.go_back()
    expect(page.locator("#cable article")).to_have_count(0)
    assert "cable=" not in page.url


def test_a_new_answer_closes_the_cable_and_shows_its_evidence(page: Page, address: str) -> None:  # noqa: F811
    page.goto(address)
    ask(page, FERRY)
    page.locator("#chat .cite").last.click()
    expect(page.locator("#cable .target")).to_be_in_viewport()
    page.mouse.wheel(0, 5_000)
    ask(page, CUSTOMS)

    expect(page.locator("#cable article")).to_have_count(0)
    expect(page.locator("#evidence h2")).to_be_in_viewport()
    expect(page.locator("#evidence .card").first).to_contain_text("Directorate")
    page.go_back()
    expect(page.locator("#cable .target")).to_be_in_viewport()
    page.locator("#new").click()
    expect(page.locator("#cable article")).to_have_count(0)
    assert "cable=" not in page.url


def test_a_link_to_a_cable_that_is_not_there_is_said_in_view(browser: Browser, address: str) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": 390, "height": 700})  # noqa: F811
    page.goto(address)
    ask(page, FERRY)
    is_kept(page, '"verdict"')
    page.goto(f"{address}/?cable=99NOWHERE1&paragraph=1")
    expect(page.locator("#cable .abstained")).to_be_in_viewport()
    expect(page.locator("#chat .turn")).to_have_count(1)
    page.close()


def test_on_a_telephone_no_button_is_narrower_than_its_words(browser: Browser, address: str) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": 390, "height": 700})  # noqa: F811
    page.goto(address)
    for button in ("#ask", "#stop", "#new", "#export"):
        expect(page.locator(button)).to_be_visible()
        assert page.locator(button).evaluate("button => button.scrollWidth <= button.clientWidth"), button
    page.close()


def test_the_line_under_the_answering_words_lies_on_the_mark(page: Page, address: str) -> None:  # noqa: F811
    page.goto(address)
    ask(page, FERRY)
    words = page.locator("#evidence mark strong").first
    below = words.evaluate(
        """strong => { const style = getComputedStyle(strong.closest('mark'));
        return parseFloat(style.paddingBottom) - 0.1 * parseFloat(style.fontSize); }"""
    )
    assert below > 0
