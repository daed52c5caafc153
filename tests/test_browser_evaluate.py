"""The Evaluate tab and the judging of answers, in real Chromium over the sample corpus."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from qa.answer import CableQA
from tests.test_browser import address, browser, page, pytestmark  # noqa: F401
from tests.test_evaluate import few
from ui_evaluate import folder

QUESTION = "When was 09PORTSELWYN702 sent?"


@pytest.fixture(autouse=True)
def clean(sample_qa: CableQA) -> Iterator[None]:
    yield
    shutil.rmtree(folder(sample_qa), ignore_errors=True)


def ask(page: Page, question: str) -> None:  # noqa: F811
    page.locator("#question textarea").fill(question)
    page.locator("#question textarea").press("Enter")
    expect(page.locator("#chat .turn").last.locator(".cite").first).to_be_visible(timeout=20_000)


def own(qa: CableQA) -> list[dict[str, object]]:
    path = folder(qa) / "golden.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def open_tab(page: Page) -> None:  # noqa: F811
    page.get_by_role("tab", name="Evaluate").click()
    expect(page.locator("#run")).to_be_visible()


def load(page: Page, path: Path) -> None:  # noqa: F811
    with page.expect_file_chooser() as chooser:
        page.locator("#upload").click()
    chooser.value.set_files(str(path))


def test_a_set_is_run_stopped_gone_on_with_and_compared(
    page: Page,  # noqa: F811
    address: str,  # noqa: F811
    sample_qa: CableQA,
    tmp_path: Path,
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    open_tab(page)
    load(page, few(tmp_path))
    expect(page.locator("#run-state")).to_contain_text("Loaded as few.jsonl; press Run.")
    page.locator("#run").click()
    expect(page.locator("#run-state progress")).to_be_visible(timeout=20_000)
    page.locator("#stop-run").click()
    expect(page.locator("#run-state")).to_contain_text("of 6 questions. Run goes on from there.")
    rows = next((folder(sample_qa) / "runs").glob("*/rows.jsonl"))
    page.locator("#run").click()
    expect(page.locator("#run-state")).to_contain_text("of 6 right.", timeout=30_000)
    assert len(rows.read_text(encoding="utf-8").splitlines()) == 6

    report = page.frame_locator("#report iframe")
    expect(report.locator("h1")).to_contain_text("Golden run: few.jsonl, quotes")
    expect(report.locator("#shown")).to_have_text("6 of 6")
    report.locator("[name=type]").select_option("unanswerable")
    expect(report.locator("#shown")).to_have_text("1 of 6")
    with page.expect_download() as downloaded:
        page.locator("#download-report").click()
    assert "<h1>Golden run" in Path(downloaded.value.path()).read_text(encoding="utf-8")

    page.locator("#compare").click()
    expect(page.locator("#report .abstained")).to_contain_text("Choose a run, and an earlier one")
    page.locator("#earlier input").click()
    page.get_by_role("option").first.click()
    page.locator("#compare").click()
    expect(report.locator("h2").nth(2)).to_have_text("Got better: 0")
    assert errors == []


def test_a_wrong_file_is_one_line(page: Page, address: str, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "bad.jsonl").write_text('{"id": 1}', encoding="utf-8")
    page.goto(address)
    open_tab(page)
    load(page, tmp_path / "bad.jsonl")

    expect(page.locator("#run-state .abstained")).to_have_text("bad.jsonl:1: field 'id' is missing or not a string.")
    (tmp_path / "set.csv").write_text("id,question", encoding="utf-8")
    load(page, tmp_path / "set.csv")
    expect(page.locator(".toast-body")).to_contain_text("Invalid file type: set.csv. Only .jsonl allowed.")


def test_judging_an_answer_makes_a_row_that_can_be_edited(
    page: Page,  # noqa: F811
    address: str,  # noqa: F811
    sample_qa: CableQA,
) -> None:
    page.goto(address)
    expect(page.locator("#judging")).to_be_hidden()
    ask(page, QUESTION)
    page.locator("#judge-right").click()
    expect(page.locator("#judged")).to_contain_text("1 in my golden set")
    ask(page, "And who signed it?")
    expect(page.locator("#judged")).not_to_contain_text("in my golden set")
    page.locator("#judge-wrong").click()
    page.locator("#judge-save").click()
    expect(page.locator("#judged .abstained")).to_contain_text("Pick the paragraph")
    page.locator("#judge-places input").click()
    page.get_by_role("option", name="09PORTSELWYN702 ¶2", exact=True).click()
    page.locator("#judge-answer textarea").fill("Nobody <b>did</b>")
    page.locator("#judge-save").click()
    expect(page.locator("#judged")).to_contain_text("2 in my golden set")
    right, wrong = own(sample_qa)
    assert (right["question"], right["judged"], right["history"], right["answerable"]) == (QUESTION, "right", [], True)
    assert [part["paragraph"] for part in right["evidence"]] == ["header"]  # type: ignore[attr-defined]
    assert [turn["question"] for turn in wrong["history"]] == [QUESTION]  # type: ignore[attr-defined]
    assert [part["paragraph"] for part in wrong["evidence"]] == ["2"]  # type: ignore[attr-defined]
    assert wrong["answer"] == "Nobody <b>did</b>"
    page.locator("#judge-silent").click()
    expect(page.locator("#judged")).to_contain_text("“should have abstained”: 2 in my golden set")
    assert (own(sample_qa)[1]["answerable"], own(sample_qa)[1]["evidence"]) == (False, [])

    open_tab(page)
    page.locator("#own").get_by_text("My golden set").click()
    cell = page.get_by_role("gridcell", name=str(right["id"]))
    expect(cell).to_be_visible()
    cell.dblclick()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("ferry-date")
    page.keyboard.press("Enter")
    page.locator("#own-save").click()
    expect(page.locator("#own-state")).to_contain_text("2 rows saved.")
    assert own(sample_qa)[0] == right | {"id": "ferry-date"} | {"judged": "right"}
    with page.expect_download() as downloaded:
        page.locator("#own-download").click()
    assert len(Path(downloaded.value.path()).read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows(browser: Browser, address: str, width: int, scheme: str) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # noqa: F811
    page.goto(address)
    open_tab(page)
    page.locator("#own").get_by_text("My golden set").click()
    expect(page.locator("#own-table")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
