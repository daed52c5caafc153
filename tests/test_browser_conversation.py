"""Conversations in real Chromium: stopped, reloaded, in two tabs, filtered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from qa.answer import CableQA
from tests.test_browser import address, ask, browser, page, pytestmark  # noqa: F401
from ui_look import KEPT

FERRY = "How many people died in the ferry disaster?"
CUSTOMS = "Who heads the Customs Directorate?"


@pytest.fixture
def slow(sample_qa: CableQA, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An answer takes longer than any of these tests waits, in one step."""
    over = threading.Event()

    def stream(*_: Any) -> Iterator[str]:
        over.wait(30)
        yield "Too late"

    monkeypatch.setattr(sample_qa, "stream", stream)
    yield
    over.set()


def say(page: Page, question: str) -> None:  # noqa: F811
    page.locator("#question textarea").fill(question)
    page.locator("#ask").click()
    expect(page.locator("#chat .question").last).to_have_text(question, timeout=2_000)
    expect(page.locator("#chat .waiting")).to_be_visible()


def is_kept(page: Page, words: str) -> None:  # noqa: F811
    page.wait_for_function(f"words => ({KEPT})().includes(words)", arg=words)


@pytest.mark.parametrize("button", ["#stop", "#new"])
@pytest.mark.usefixtures("slow")
def test_one_can_ask_again_at_once_after_leaving_an_answer(page: Page, address: str, button: str) -> None:  # noqa: F811
    page.goto(address)
    say(page, FERRY)
    page.locator(button).click()
    expect(page.locator("#chat .waiting")).to_have_count(0, timeout=2_000)
    say(page, CUSTOMS)
    expect(page.locator("#chat .turn")).to_have_count(2 if button == "#stop" else 1)


def test_while_an_answer_is_read_the_evidence_of_the_one_before_opens_with_its_marks(
    page: Page,  # noqa: F811
    address: str,  # noqa: F811
    request: pytest.FixtureRequest,
) -> None:
    page.goto(address)
    ask(page, FERRY)
    request.getfixturevalue("slow")
    say(page, CUSTOMS)
    page.locator("#evidence .cite").first.click()
    expect(page.locator("#cable .target mark").first).to_be_visible()
    page.locator("#stop").click()
    expect(page.locator("#chat .answer").last).to_have_text("Stopped.")
    expect(page.locator("#evidence mark")).to_have_count(0)  # the evidence is that of the last question


@pytest.mark.usefixtures("slow")
def test_a_reload_keeps_the_question_that_is_being_answered(page: Page, address: str) -> None:  # noqa: F811
    page.goto(address)
    say(page, FERRY)
    is_kept(page, FERRY)
    page.reload()

    expect(page.locator("#chat .question")).to_have_text(FERRY)
    expect(page.locator("#chat .answer")).to_have_text("Stopped.")


def test_each_tab_has_a_conversation_of_its_own(browser: Browser, address: str) -> None:  # noqa: F811
    context = browser.new_context()
    one, other = context.new_page(), context.new_page()
    for tab, question in ((one, FERRY), (other, CUSTOMS)):
        tab.goto(address)
        expect(tab.locator("#chat .hint")).to_be_visible()
        ask(tab, question)
        is_kept(tab, '"verdict"')
    for tab, question in ((one, FERRY), (other, CUSTOMS)):
        tab.reload()
        expect(tab.locator("#chat .question")).to_have_text(question)
    context.close()


def test_filters_that_are_on_are_said(page: Page, address: str) -> None:  # noqa: F811
    page.goto(address)
    label = page.locator("#filters > button")
    expect(label).to_contain_text("Filters")
    label.click()
    page.wait_for_timeout(500)  # its fields are made as it opens, and empty what was filled in before
    page.get_by_label("Origin").click()
    page.get_by_role("option", name="Consulate Tarn").click()
    page.get_by_label("Sent from (YYYY-MM-DD)").fill("2009-01-01")
    expect(label).to_contain_text("Filters on: origin Consulate Tarn, sent from 2009-01-01")
    label.click()
    expect(label).to_contain_text("Filters on: origin Consulate Tarn, sent from 2009-01-01")

    ask(page, "Who won the lottery on Mars?")
    said = page.locator("#chat .note", has_text="Asked with filters: origin Consulate Tarn, sent from 2009-01-01")
    expect(said).to_be_visible()
    expect(page.locator("#judge-right")).to_be_visible()
    expect(page.locator("#judge-silent")).to_be_hidden()
    is_kept(page, "Consulate Tarn, sent from")
    page.reload()
    expect(said).to_be_visible()
    expect(label).not_to_contain_text("on:")
    ask(page, FERRY)
    expect(page.locator("#judge-silent")).to_be_visible()
