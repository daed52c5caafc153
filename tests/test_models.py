"""Answers written by a language model: a real OpenAI-compatible server on loopback, streamed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from index.embed import Embedder
from index.errors import InputError
from index.store import Store
from qa.answer import CableQA
from qa.cli import build_index
from qa.models import load_model
from qa.reader.model import Reader
from qa.result import Answer
from qa.write import CANNOT_ANSWER, cited_sentences
from tests.test_cli import GRID, HERRING, TELEGRAM


class Server(ThreadingHTTPServer):
    """Speaks just enough of the chat completions API: streams `reply` word by word, or fails with `status`."""

    reply = ""
    status = 200
    asked: list[str]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body["messages"][0]["content"])
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/event-stream" if self.server.status == 200 else "application/json")
        self.end_headers()
        if self.server.status != 200:
            self.wfile.write(b'{"error": {"message": "no such key"}}')
            return
        for word in self.server.reply.split(" "):
            delta = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                     "choices": [{"index": 0, "delta": {"role": "assistant", "content": word + " "}}]}  # fmt: skip
            self.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("models")
    for number, body in ((270, HERRING), (271, GRID)):
        text = TELEGRAM.format(
            number=number, sent="260805Z FEB 10", tags="EFIS", subject="X", body=body, signature="OKAFOR"
        )
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    build_index([folder], Path(folder) / ".index")
    with Store.open(folder / ".index") as store:
        yield store


def ask(store: Store, embedder: Embedder, reader: Reader, question: str) -> tuple[list[str], Answer]:
    *pieces, answer = CableQA(store, embedder, reader, "openai:m").stream(question)
    assert isinstance(answer, Answer)
    return [str(piece) for piece in pieces], answer


def test_a_draft_is_streamed_cited_and_verified(
    server: Server, store: Store, embedder: Embedder, reader: Reader
) -> None:
    server.reply = "The herring quota falls to 41,200 tons in 2010 [1]. It was 99,000 tons in 2009 [1][9]."

    pieces, answer = ask(store, embedder, reader, "How large is the herring quota for 2010?")

    assert len(pieces) > 5
    assert "How large is the herring quota for 2010?" in server.asked[0]
    assert [(s.text, s.citations, s.verdict, s.problems) for s in answer.statements] == [
        ("The herring quota falls to 41,200 tons in 2010.", (1,), "supported", ()),
        ("It was 99,000 tons in 2009.", (1,), "unsupported", ("figure 99,000", "figure 2009")),
    ]
    assert answer.rejected_citations[0][0] == "[9]"
    text = store.paragraph(answer.citations[0].citation).text
    assert text[answer.citations[0].start : answer.citations[0].end] == answer.citations[0].quote
    assert answer.timings_ms["generate"] > 0


def test_a_model_may_say_that_the_cables_do_not_answer(
    server: Server, store: Store, embedder: Embedder, reader: Reader
) -> None:
    server.reply = CANNOT_ANSWER

    _, answer = ask(store, embedder, reader, "How large is the herring quota for 2010?")

    assert (answer.abstained, answer.answer, answer.citations) == (True, CANNOT_ANSWER, ())


def test_a_failing_server_gives_one_line_and_quotes(
    server: Server, store: Store, embedder: Embedder, reader: Reader
) -> None:
    server.status = 401

    pieces, answer = ask(store, embedder, reader, "How large is the herring quota for 2010?")

    assert "m did not answer" in pieces[0]
    assert answer.citations[0].quote in answer.answer


def test_missing_key_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    with pytest.raises(InputError, match=r"^No OPENAI_API_KEY in the environment"):
        load_model("openai:m")


def test_markers() -> None:
    assert cited_sentences("One [1]. Two.[2] Three [1,3] is so.") == [
        ("One.", [1]),
        ("Two.", [2]),
        ("Three is so.", [1, 3]),
    ]
