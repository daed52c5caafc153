"""A small real chat completions server on loopback, which can also fail in every way that one can."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ChatServer(ThreadingHTTPServer):
    """Streams `reply` (a text, or a function of the request) in small pieces, or fails as `failure` says.

    `schema`: whether it takes a response_format. `asked`: the requests so far. `let_go`: set when a client went away.
    """

    daemon_threads = True
    reply: str | Callable[[dict[str, Any]], str] = ""
    failure = ""
    schema = False
    drops = 0  # requests that are dropped before anything is sent

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.let_go = threading.Event()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def prompts(self) -> list[str]:
        return [request["messages"][0]["content"] for request in self.asked]

    def handle_error(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving() -> Iterator[ChatServer]:
    server = ChatServer()
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/chat/completions"):
            self._send(404, "application/json", "{}")
            return
        server = self.server
        server.asked.append(body)
        if server.drops:
            server.drops -= 1
            return
        failure = server.failure
        if failure.isdigit():
            key = self.headers["Authorization"]
            self._send(int(failure), "application/json", json.dumps({"error": {"message": f"no good: {key}"}}))
        elif failure == "hang":
            server.over.wait(30)
        elif failure == "html":
            self._send(200, "text/html", "<html><body><h1>It works!</h1></body></html>")
        elif "response_format" in body and not server.schema:
            self._send(400, "application/json", '{"error": {"message": "response_format is not supported"}}')
        else:
            try:
                self._stream(server.reply if isinstance(server.reply, str) else server.reply(body), failure)
            except (BrokenPipeError, ConnectionResetError):
                server.let_go.set()

    def _send(self, status: int, kind: str, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def _stream(self, reply: str, failure: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for n in range(0, len(reply), 5):
            self._piece({"role": "assistant", "content": reply[n : n + 5]}, None)
            if n >= 15 and failure == "drop":
                return
            if n >= 15 and failure == "silence":
                self.server.over.wait(30)
                return
            if n >= 15 and failure == "broken json":
                self.wfile.write(b'data: {"choices": [{"del\n\n')
                return
        while failure == "endless":
            self._piece({"role": "assistant", "content": " more"}, None)
            time.sleep(0.02)
        self._piece({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def _piece(self, delta: dict[str, str], finish: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass
