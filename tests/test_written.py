"""Answers written by a language model behind a real server on loopback: streamed, attributed, verified, and replaced by quotes
where it fails."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.embed import Embedder
from index.store import Store
from qa.abstain import CANNOT_ANSWER
from qa.answer import CableQA
from qa.bundle import bundle, problems
from qa.conversation import Exchange
from qa.models import Limits
from qa.opening import build_index
from qa.provenance import made_with
from qa.reader.model import Reader
from qa.result import DOUBT, Answer, Turn
from qa.write import BUDGET, choose
from tests.chat_server import ChatServer, serving
from tests.test_cli import GRID, HERRING, TELEGRAM

QUESTION = "How large is the herring quota for 2010?"
LIMITS = Limits(connect=1, first=0.8, between=0.8, total=2.5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
        yield server


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("models")
    for number, subject, body in ((270, "HERRING QUOTA CUT", HERRING), (271, "WINTER OUTAGES", GRID)):
        text = TELEGRAM.format(
            number=number, sent="260805Z FEB 10", tags="EFIS", subject=subject, body=body, signature="OKAFOR"
        )
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    build_index([folder], Path(folder) / ".index")
    with Store.open(folder / ".index") as store:
        yield store


@pytest.fixture
def qa(server: ChatServer, store: Store, embedder: Embedder, reader: Reader) -> CableQA:
    return CableQA(store, embedder, reader, "openai:m", LIMITS)


def ask(qa: CableQA, question: str = QUESTION, history: list[Turn] | None = None) -> tuple[str, Answer]:
    *pieces, answer = qa.stream(question, history or [])
    assert isinstance(answer, Answer)
    return "".join(map(str, pieces)), answer


def test_a_draft_is_streamed_cited_and_verified(server: ChatServer, qa: CableQA, store: Store) -> None:
    server.reply = "The herring quota falls to 41,200 tons in 2010 [1]. It was 99,000 tons in 2009 [1][9]."

    shown, answer = ask(qa)

    assert shown == "The herring quota falls to 41,200 tons in 2010 [1]. It was 99,000 tons in 2009 [1]."
    assert [(s.text, s.citations, s.verdict == "supported") for s in answer.statements] == [
        ("The herring quota falls to 41,200 tons in 2010.", (1,), True),
        ("It was 99,000 tons in 2009.", (1,), False),
    ]
    assert any("99,000" in problem for problem in answer.statements[1].problems)
    assert answer.answer == "The herring quota falls to 41,200 tons in 2010. [1] It was 99,000 tons in 2009. [1]"
    assert answer.rejected_citations == (("[9]", f"only passages 1 to {passages(server)} were given"),)
    cited = answer.citations[0]
    assert store.paragraph(cited.citation).text[cited.start : cited.end] == cited.quote
    assert answer.timings_ms["generate"] > 0


def test_a_sentence_that_is_repeated_is_verified_once(
    server: ChatServer, qa: CableQA, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    attribute = qa.verifier.attribute
    monkeypatch.setattr(qa.verifier, "attribute", lambda text, *given: checked.append(text) or attribute(text, *given))
    server.reply = "The quota falls to 41,200 tons [1]. " * 3 + "The quota falls to 41,200 tons [4]."

    _, answer = ask(qa)

    assert len(checked) == 2
    assert [one.text for one in answer.statements] == ["The quota falls to 41,200 tons."] * 4
    assert len({(one.citations, one.verdict) for one in answer.statements[:3]}) == 1


def test_a_bundle_of_a_models_answer_holds_verdict_for_verdict(server: ChatServer, qa: CableQA) -> None:
    server.reply = (
        "The herring quota falls to 41,200 tons in 2010 [1]. It was 99,000 tons in 2009 [1]. "
        "See [the site](http://x.example) now [1]."
    )
    _, answer = ask(qa)
    made = json.loads(json.dumps(bundle(qa.store, [Exchange(QUESTION, answer, made_with=made_with(qa))])))

    assert [one.verdict == "supported" for one in answer.statements] == [True, False, False]
    assert problems(made, qa.verifier, qa.store) == []
    assert made["exchanges"][0]["made_with"]["model"] == "openai:m"
    for statement in made["exchanges"][0]["answer"]["statements"][1:]:
        statement["verdict"] = "supported"
    changed, *verdicts = problems(made, qa.verifier, qa.store)
    assert "not the answer that was hashed" in changed
    assert len(verdicts) == 2


def test_a_citation_shows_the_sentence_that_says_what_the_model_wrote(
    server: ChatServer, qa: CableQA, store: Store
) -> None:
    server.reply = "Roake promised the trawler owners nothing [3]. The quota falls to 41,200 tons in 2010 [2]."
    _, answer = ask(qa)
    quotes = {store.paragraph(one.citation).text[one.start : one.end] for one in answer.citations}

    assert "Roake promised nothing." in quotes
    assert any("41,200 tons" in quote for quote in quotes)
    assert all(one.quote in quotes for one in answer.citations)


def passages(server: ChatServer) -> int:
    return sum(line.startswith("[") for line in server.prompts[-1].split("\n"))


def test_the_prompt_names_each_passage(server: ChatServer, qa: CableQA) -> None:
    server.reply = "It is 41,200 tons [1]."
    ask(qa)

    assert QUESTION in server.prompts[-1]
    assert "26 February 2010, Embassy Port Selwyn, HERRING QUOTA CUT" in server.prompts[-1]
    assert "under COUNCIL MEETING\nFisheries Minister Tamsin Roake" in server.prompts[-1]


def test_a_schema_is_asked_for_once_and_markers_from_then_on(server: ChatServer, qa: CableQA) -> None:
    server.reply = "The quota is 41,200 tons in 2010 [1]."
    for _ in range(2):
        assert ask(qa)[1].statements[0].verdict == "supported"

    assert ["response_format" in request for request in server.asked] == [True, False, False]


def test_json_is_shown_as_text_and_read_as_statements(server: ChatServer, qa: CableQA) -> None:
    server.schema = True
    rows = [{"text": "The herring quota for 2010 is 41,200 tons.", "keys": [1]}]
    server.reply = json.dumps({"cannot_answer": False, "statements": rows})

    shown, answer = ask(qa)

    assert shown == "The herring quota for 2010 is 41,200 tons. [1]"
    assert [(s.text, s.citations, s.verdict) for s in answer.statements] == [(rows[0]["text"], (1,), "supported")]
    keys = server.asked[0]["response_format"]["json_schema"]["schema"]["properties"]["statements"]["items"]
    assert keys["properties"]["keys"]["items"]["enum"] == list(range(1, passages(server) + 1))


def test_a_sentence_without_a_marker_or_with_the_wrong_one_finds_its_paragraph(server: ChatServer, qa: CableQA) -> None:
    wrong = []

    def reply(request: dict[str, Any]) -> str:
        lines = request["messages"][0]["content"].split("\n")
        keys = [line for line in lines if line.startswith("[")]
        wrong.append(next(n for n, line in enumerate(keys, 1) if "OUTAGES" in line))
        return f"The herring quota falls to 41,200 tons in 2010 [{wrong[-1]}]. Roake promised nothing."

    server.reply = reply
    _, answer = ask(qa)

    assert [s.verdict for s in answer.statements] == ["supported", "supported"]
    cited = {one.number: one.citation for one in answer.citations}
    assert all(cited[n].reference_id == "10PORTSELWYN270" for s in answer.statements for n in s.citations)
    assert (f"[{wrong[-1]}]", "that passage does not bear out the sentence") in answer.rejected_citations


def test_a_model_may_say_that_the_cables_do_not_answer(server: ChatServer, qa: CableQA) -> None:
    server.reply = CANNOT_ANSWER

    _, answer = ask(qa)

    assert (answer.abstained, answer.answer, answer.citations) == (True, CANNOT_ANSWER, ())


def test_where_nothing_holds_quotes_stand_before_what_the_model_wrote(server: ChatServer, qa: CableQA) -> None:
    server.reply = "Bananas rose to 77 crowns in Oslo [1]."

    _, answer = ask(qa)

    assert answer.note.startswith("Nothing that the language model wrote is borne out")
    assert answer.statements[-1].text == "Bananas rose to 77 crowns in Oslo."
    assert answer.statements[-1].verdict == "unsupported"
    assert {s.verdict for s in answer.statements[:-1]} == {"supported"}
    assert "41,200 tons" in answer.statements[0].text
    numbers = [one.number for one in answer.citations]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(("reply", "first"), [
    ("The herring quota falls to 41,200 tons in 2010 [1].", ""),
    ("Bananas rose to 77 crowns in Oslo [1].", "Nothing that the language model wrote"),
    ("", "openai:m"),
    (CANNOT_ANSWER, None),
])  # fmt: skip
def test_an_answer_that_may_not_answer_says_so(
    server: ChatServer, qa: CableQA, monkeypatch: pytest.MonkeyPatch, reply: str, first: str | None
) -> None:
    server.reply = reply
    sure = ask(qa)[1]
    monkeypatch.setattr("qa.answer.DOUBTFUL", sure.confidence + 0.01)
    answer = ask(qa)[1]

    assert not sure.doubtful
    assert answer.doubtful is (first is not None)
    if first is None:
        assert (answer.answer, answer.note) == (CANNOT_ANSWER, "")
    else:
        assert answer.note.startswith(first or DOUBT)
        assert answer.answer.startswith(answer.note)
        assert answer.answer.count(DOUBT) == 1
        assert {one.text for one in answer.statements} == {one.text for one in sure.statements}


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        ("401", "refused the key (401)"),
        ("404", "does not know the model or the address (404)"),
        ("429", "too many requests"),
        ("500", "the server failed (500)"),
        ("503", "the server failed (503)"),
        ("400", "refused the request (400): "),
        ("hang", "sent nothing for 0.8 seconds"),
        ("silence", "sent nothing for 0.8 seconds"),
        ("endless", "took longer than 2.5"),
        ("drop", "dropped in mid-answer"),
        ("broken json", "not JSON"),
        ("html", "sent no text"),
    ],
)
def test_each_failure_ends_in_one_line_and_quotes_within_its_time(
    server: ChatServer, qa: CableQA, failure: str, line: str
) -> None:
    server.reply, server.schema, server.failure = "The herring quota is 41,200 tons [1].", True, failure
    began = time.monotonic()

    shown, answer = ask(qa)

    assert time.monotonic() - began < LIMITS.total + 3
    assert line in answer.note
    assert "\n" not in answer.note
    assert answer.answer in shown
    assert answer.statements[-1].text == answer.citations[-1].quote
    assert "secret-key" not in shown


def test_no_server_at_all(server: ChatServer, qa: CableQA, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")

    _, answer = ask(CableQA(qa.store, qa.embedder, qa.reader, "openai:m", LIMITS))

    assert "cannot connect. No server at http://127.0.0.1:9/v1" in answer.note
    assert answer.citations


@pytest.mark.parametrize(("drops", "supported"), [(1, True), (2, False)])
def test_a_connection_that_drops_before_anything_came_is_tried_once_more(
    server: ChatServer, qa: CableQA, drops: int, supported: bool
) -> None:
    server.reply, server.schema, server.drops = "The herring quota is 41,200 tons in 2010 [1].", True, drops

    _, answer = ask(qa)

    assert len(server.asked) == 2
    assert ("dropped twice" in answer.note) is not supported
    assert (answer.statements[0].text == "The herring quota is 41,200 tons in 2010.") is supported


def test_whoever_stops_reading_stops_the_server(server: ChatServer, store: Store, qa: CableQA) -> None:
    server.reply, server.schema, server.failure = "The herring quota", True, "endless"
    pieces = CableQA(store, qa.embedder, qa.reader, "openai:m").stream(QUESTION)
    while not next(pieces):
        pass
    pieces.close()

    assert server.let_go.wait(5)


def test_a_silent_server_can_be_left(server: ChatServer, store: Store, qa: CableQA) -> None:
    server.failure = "hang"
    began = time.monotonic()
    pieces = CableQA(store, qa.embedder, qa.reader, "openai:m").stream(QUESTION)
    assert next(pieces) == ""
    pieces.close()

    assert time.monotonic() - began < 5


HISTORY = [Turn("How large is the herring quota for 2010?", "41,200 tons")]


@pytest.mark.parametrize(
    ("rewritten", "taken"),
    [
        ("Who announced the herring quota for 2010?", True),
        ("Who announced the herring quota for 2011?", False),
        ("Who announced the quota of Sundmark?", False),
        ("Certainly! Here is a lovely poem concerning oceans and rivers.", False),
        ("", False),
        ("<b>Who</b> announced the herring quota for 2010?", False),
    ],
)
def test_a_follow_up_is_rewritten_by_the_model_and_never_with_what_nobody_said(
    server: ChatServer, qa: CableQA, rewritten: str, taken: bool
) -> None:
    def reply(request: dict[str, Any]) -> str:
        return rewritten if "Rewritten:" in request["messages"][0]["content"] else "Tamsin Roake [1]."

    server.reply = reply
    citation = ask(qa)[1].citations[0].citation
    history = [Turn(HISTORY[0].question, HISTORY[0].answer, (citation,))]
    server.asked.clear()

    _, answer = ask(qa, "And who announced it?", history)

    assert f"Answer: 41,200 tons ({citation})" in server.prompts[0]
    by_reader = "And who announced it? (How large is the herring quota for 2010? 41,200 tons)"
    assert answer.rewritten_question == (rewritten if taken else by_reader)


def test_a_question_that_stands_alone_is_not_rewritten(server: ChatServer, qa: CableQA) -> None:
    server.reply = "It is 41,200 tons [1]."

    _, answer = ask(qa, QUESTION, HISTORY)

    assert answer.rewritten_question == QUESTION
    assert not any("Rewritten:" in prompt for prompt in server.prompts)


def test_passages_keep_to_the_budget_and_are_whole(store: Store, embedder: Embedder, reader: Reader) -> None:
    qa = CableQA(store, embedder, reader)
    found = [hit.citation for hit in qa.search(QUESTION)]
    whole = choose(store, [], found, lambda text: 100)
    few = choose(store, [], found, lambda text: BUDGET // 2)
    one = choose(store, [], found, lambda text: 100 * len(text))

    assert [shown.citation for shown in whole] == found[:5]
    assert all(shown.text == store.paragraph(shown.citation).text for shown in whole)
    assert len(few) == 2
    assert [shown.citation for shown in one] == found[:1]
    assert len(one[0].text) < len(whole[0].text) or one[0].text == whole[0].text.split(". ")[0].rstrip(".") + "."
