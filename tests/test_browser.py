"""The page in real Chromium, served on loopback over the sample corpus."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from qa.answer import CableQA
from qa.bundle import problems
from tests.chat_server import serving

CHROMIUM = Path(os.environ.get("CABLE_QA_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# the least contrast of the text of elements to what lies behind it, from 1 to 21 (WCAG 2.2, 1.4.3, asks 4.5)
CONTRAST = """selector => {
  const parts = (color) => { if (!/^rgba?\\(/.test(color)) throw color; return color.match(/[\\d.]+/g).map(Number); };
  const light = (color) => parts(color).slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
  const behind = (element) => { const own = getComputedStyle(element).backgroundColor;
    return element === document.documentElement || (parts(own)[3] ?? 1) > .99 ? own : behind(element.parentElement); };
  if (!document.querySelector(selector)) throw selector;
  return Math.min(...[...document.querySelectorAll(selector)].map((element) => {
    const pair = [light(getComputedStyle(element).color), light(behind(element))];
    return (Math.max(...pair) + .05) / (Math.min(...pair) + .05); }));
}"""

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}; install it or set CABLE_QA_CHROMIUM"
)


@pytest.fixture(scope="module")
def address(sample_qa: CableQA) -> Iterator[str]:
    from app import launch

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = launch(sample_qa, "127.0.0.1", port)
    address = f"http://127.0.0.1:{port}"
    assert urllib.request.urlopen(address, timeout=30).status == 200
    yield address
    served.close(verbose=False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    yield page
    page.close()


def first_subject(qa: CableQA) -> str:
    return f"What is {qa.store.cables()[0].reference_id} about?"


def ask(page: Page, question: str) -> None:
    box = page.locator("#question textarea")
    turns = page.locator("#chat .turn").count()
    box.fill(question)
    box.press("Enter")
    expect(page.locator("#chat .turn")).to_have_count(turns + 1, timeout=20_000)
    expect(page.locator("#chat .turn").last.locator(".cite").first).to_be_visible(timeout=20_000)


def test_ask_check_and_open(page: Page, address: str, sample_qa: CableQA) -> None:
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    ask(page, first_subject(sample_qa))

    expect(page.locator("#evidence .card mark").first).to_be_visible()
    page.locator("#chat .cite").first.click()
    expect(page.locator("#cable .target mark").first).to_be_visible()
    expect(page.locator("#cable .target")).to_be_in_viewport()
    assert f"?cable={sample_qa.store.cables()[0].reference_id}&paragraph=" in page.url
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert errors == []


def test_a_follow_up_and_a_new_conversation(page: Page, address: str, sample_qa: CableQA) -> None:
    page.goto(address)
    ask(page, first_subject(sample_qa))
    page.locator("#question textarea").fill("And who signed it?")
    page.locator("#ask").click()
    expect(page.locator("#chat .turn")).to_have_count(2)
    expect(page.locator("#chat .turn").last.locator(".cite").first).to_contain_text("header", timeout=20_000)
    page.locator("#new").click()
    expect(page.locator("#chat .turn")).to_have_count(0)


def test_a_conversation_survives_a_reload_and_is_exported(page: Page, address: str, sample_qa: CableQA) -> None:
    page.goto(address)
    page.locator("#export").click()
    expect(page.locator(".toast-body")).to_contain_text("no answer to export")
    ask(page, first_subject(sample_qa))
    ask(page, "And who signed it?")
    said = page.locator("#chat").inner_text()
    page.wait_for_timeout(800)  # until the browser has kept it

    page.reload()
    expect(page.locator("#chat .turn")).to_have_count(2)
    assert page.locator("#chat").inner_text() == said
    expect(page.locator("#evidence .card").first).to_be_visible()
    ask(page, "And when was it sent?")
    expect(page.locator("#chat .turn")).to_have_count(3)

    page.locator("#export").click()
    links = page.locator("#exported a[download]")
    expect(links).to_have_count(2, timeout=10_000)
    with page.expect_download() as download:
        links.last.click()
    made = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [row["answer"]["question"] for row in made["exchanges"]][1] == "And who signed it?"
    assert problems(made, sample_qa.verifier, sample_qa.store) == []

    page.locator("#new").click()
    expect(page.locator("#chat .turn")).to_have_count(0)
    page.wait_for_timeout(800)
    with page.expect_response(lambda response: "/queue/data" in response.url):
        page.reload()
    page.wait_for_timeout(2000)  # long enough for the reload above to have brought two exchanges back
    expect(page.locator("#chat .turn")).to_have_count(0)


def test_a_direct_link_opens_the_paragraph(page: Page, address: str, sample_qa: CableQA) -> None:
    cable = next(
        c for row in sample_qa.store.cables() if len((c := sample_qa.store.cable(row.reference_id)).paragraphs) > 5
    )
    page.goto(f"{address}/?cable={cable.reference_id}&paragraph={cable.paragraphs[4].paragraph}")

    expect(page.locator("#cable .target")).to_contain_text(cable.paragraphs[4].text.split("\n")[0][:60])
    expect(page.locator("#cable .target")).to_be_in_viewport()
    page.goto(f"{address}/?cable=99NOWHERE1&paragraph=1")
    expect(page.locator("#cable .abstained")).to_contain_text("99NOWHERE1")


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_and_dark_is_dark(
    browser: Browser, address: str, sample_qa: CableQA, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address)
    ask(page, first_subject(sample_qa))
    page.locator("#chat .cite").first.click()
    expect(page.locator("#cable .target")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    brightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    assert (sum(brightness) < 3 * 128) is (scheme == "dark")
    for text in ("#evidence header", "#cable dt", "#chat p"):
        assert page.evaluate(CONTRAST, text) >= 4.5, text
    page.close()


def test_by_keyboard_alone(page: Page, address: str, sample_qa: CableQA) -> None:
    page.goto(address)
    page.locator("#question textarea").focus()
    page.keyboard.type(first_subject(sample_qa))
    page.keyboard.press("Enter")
    expect(page.locator("#chat .cite").first).to_be_visible(timeout=20_000)
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('#chat a.cite')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#cable .target")).to_be_visible()


def test_markup_in_a_question_is_text(page: Page, address: str) -> None:
    page.goto(address)
    ask(page, "<img src=x onerror=\"document.title='owned'\"> who heads the port?")

    expect(page.locator("#chat .question")).to_contain_text("<img src=x")
    assert page.locator("#chat img").count() == 0
    assert page.title() == "cable-qa"


def test_a_bad_date_is_one_line_and_the_page_stays_up(page: Page, address: str, sample_qa: CableQA) -> None:
    page.goto(address)
    page.get_by_text("Filters").click()
    page.wait_for_timeout(500)  # its fields are made as it opens, and empty what was filled in before
    page.get_by_label("Sent from (YYYY-MM-DD)").fill("soon")
    page.get_by_label("Sent from (YYYY-MM-DD)").blur()
    page.locator("#question textarea").fill("Who heads the port?")
    page.locator("#ask").click()
    expect(page.locator("#chat .abstained")).to_contain_text("'soon' is no day")
    page.get_by_label("Sent from (YYYY-MM-DD)").fill("")
    ask(page, first_subject(sample_qa))


def test_the_api_answers_with_the_answer_json_and_takes_filters(address: str, sample_qa: CableQA) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(address, verbose=False)
    answer = client.predict("How many people died?", [], ["cable=09PORTSELWYN702"], api_name="/answer")

    assert {row["reference_id"] for row in answer["retrieved"]} == {"09PORTSELWYN702"}
    assert answer["citations"][0]["quote"] in answer["answer"]
    with pytest.raises(AppError, match=r"^history is not a list of"):
        client.predict("Who?", [{"question": "Why?"}], [], api_name="/answer")


def test_stop_reaches_the_model_server_and_a_missing_model_is_said(
    page: Page, sample_qa: CableQA, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import launch

    with serving() as server, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        server.reply, server.failure, server.schema = "The ferry", "endless", True
        qa = CableQA(sample_qa.store, sample_qa.embedder, sample_qa.reader, "openai:m")
        served = launch(qa, "127.0.0.1", port, missing="No <key>. Until then answers are quotes.")
        page.goto(f"http://127.0.0.1:{port}")
        expect(page.locator("#missing")).to_contain_text("No <key>. Until then")
        page.locator("#question textarea").fill("How many people died in the ferry disaster?")
        page.locator("#ask").click()
        expect(page.locator("#chat .answer").last).to_contain_text("more more", timeout=20_000)
        assert not server.let_go.is_set()
        page.locator("#stop").click()

        assert server.let_go.wait(10)
        served.close(verbose=False)
