"""From a specification to a model: what is missing is said in one line, with what mends it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from index.errors import InputError, ModelUnavailable
from qa.models import by_characters, check_spec, load_model
from qa.stream import stream
from tests.chat_server import serving


@pytest.mark.parametrize("spec", ["gpt-4", "openai:", "llama:x", "quotes:", ""])
def test_a_spec_that_is_none_names_those_there_are(spec: str) -> None:
    with pytest.raises(InputError, match=r"Use quotes, openai:NAME, ollama:NAME, anthropic:NAME, gguf:PATH or hf:NAME"):
        check_spec(spec)


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("openai:m", r"^openai:m: no key\. Run `export OPENAI_API_KEY=\.\.\.`"),
        ("anthropic:m", r"^anthropic:m: no key\. Run `export ANTHROPIC_API_KEY=\.\.\.`"),
        ("gguf:/none.gguf", r"no file /none\.gguf"),
        ("hf:/none", r"nothing is downloaded\. Name its folder"),
    ],
)
def test_what_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch, spec: str, line: str) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ModelUnavailable, match=line) as error:
        load_model(spec)
    assert "\n" not in str(error.value)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    with pytest.raises(ModelUnavailable, match=r"Run `pip install 'cable-qa\[gguf\]'`"):
        load_model(f"gguf:{tmp_path / 'm.gguf'}")


@pytest.mark.parametrize("kind", ["openai", "ollama", "anthropic"])
def test_the_extra_of_a_server_is_named(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv(f"{kind.upper()}_API_KEY", "key")
    monkeypatch.setitem(sys.modules, "llama_index.llms.openai_like", None)

    with pytest.raises(ModelUnavailable, match=rf"Run `pip install 'cable-qa\[{kind}\]'`"):
        load_model(f"{kind}:m")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("box", "http://box:11434/v1"),
        ("box:9000", "http://box:9000/v1"),
        ("http://box:9000/", "http://box:9000/v1"),
        ("https://box/ollama", "https://box/ollama/v1"),
        ("[::]", "http://[::1]:11434/v1"),
    ],
)
def test_where_ollama_is_as_ollama_reads_it(monkeypatch: pytest.MonkeyPatch, host: str, url: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)

    assert load_model("ollama:m").mend.startswith(f"No server at {url}. ")


def test_an_address_without_a_scheme_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "localhost:1234/v1")

    with pytest.raises(ModelUnavailable, match=r"'localhost:1234/v1', which is no address\. Write http://HOST:PORT/v1"):
        load_model("openai:m")


@pytest.mark.parametrize(
    ("name", "value", "spec"),
    [
        ("OPENAI_BASE_URL", "http://localhost:PORT/v1", "openai:m"),
        ("OLLAMA_HOST", "box:abc", "ollama:m"),
        ("OLLAMA_HOST", "::1", "ollama:m"),
    ],
)
def test_what_is_no_address_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, spec: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ModelUnavailable, match=r"is no address\. Write .*HOST:PORT"):
        load_model(spec)


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with serving() as server:
        server.reply = "Yes."
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)

        assert "".join(stream(load_model("openai:m"), "Say yes.")) == "Yes."


def test_a_file_that_is_no_gguf_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"no weights")

    with pytest.raises(ModelUnavailable, match=r"llama\.cpp cannot load .*m\.gguf"):
        load_model(f"gguf:{tmp_path / 'm.gguf'}")


def test_servers_are_found_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        server.reply = "Good day."
        monkeypatch.setenv("OLLAMA_HOST", server.url.removeprefix("http://").removesuffix("/v1"))
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url.removesuffix("/v1"))
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        models = [load_model(f"{kind}:m") for kind in ("ollama", "anthropic", "openai")]

        assert ["".join(stream(model, "Hello")) for model in models] == ["Good day."] * 3
        assert [model.takes_schema for model in models] == [True, False, True]
        assert models[2].count_tokens("x" * 30) == by_characters("x" * 30)  # this server has no /tokenize


def test_no_server_is_one_line_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")

    with pytest.raises(ModelUnavailable, match=r"No server at http://127\.0\.0\.1:9/v1\. Run `ollama serve`"):
        list(stream(load_model("ollama:m"), "Hello"))


def test_serve_stays_up_without_its_model_and_ask_ends_in_one_line(sample_index: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    call = [sys.executable, "-m", "qa.cli"]
    at = ["--index", str(sample_index), "--model", "openai:m"]
    served = subprocess.Popen(
        [*call, "serve", *at, "--port", str(port)], stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        asked = subprocess.run(
            [*call, "ask", "Who?", *at], capture_output=True, text=True, env=environment, check=False
        )
        assert (asked.returncode, asked.stdout) == (2, "")
        assert asked.stderr == (
            "cable-qa: openai:m: no key. Run `export OPENAI_API_KEY=...`, or set OPENAI_BASE_URL for a server without keys.\n"
        )
        for _ in range(120):
            with contextlib.suppress(OSError):
                page = urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).read().decode()
                break
            time.sleep(0.5)
        assert "Until then answers are quotes." in page
    finally:
        served.terminate()
        _, said = served.communicate(timeout=20)
    assert "openai:m: no key." in said
    assert "Traceback" not in said
