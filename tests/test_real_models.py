"""Real language models through the whole path: llama.cpp's server and llama.cpp in process with SmolLM2, and transformers.

SmolLM2 (135 million parameters) writes nonsense: that is what verification is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.answer import CableQA
from qa.gguf import start
from qa.models import Limits, by_characters, load_model
from qa.result import Answer, Turn
from qa.stream import stream
from tests.weights import smollm2

QUESTIONS = ["Who heads the Customs Directorate?", "How many people died in the ferry disaster?"]


@pytest.fixture(scope="module")
def weights() -> Path:
    return smollm2()


@pytest.fixture(scope="module")
def llama_server(weights: Path) -> Iterator[tuple[str, str]]:
    """llama.cpp's own OpenAI-compatible server on loopback: (address, key)."""
    _server, url, key = start("test", str(weights))
    yield url, key
    del _server


@pytest.fixture(scope="module")
def served(llama_server: tuple[str, str], sample_qa: CableQA) -> CableQA:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", llama_server[0])
        patch.setenv("OPENAI_API_KEY", llama_server[1])
        return CableQA(sample_qa.store, sample_qa.embedder, sample_qa.reader, "openai:smollm2")


def assert_marked(answer: Answer) -> None:
    """Every statement has a verdict and resolves; one that is not supported is marked or stands after quotes that are."""
    numbers = {one.number for one in answer.citations}
    assert answer.abstained or answer.statements
    for statement in answer.statements:
        assert statement.verdict in ("supported", "partly", "unsupported", "contradicted")
        assert set(statement.citations) <= numbers
    assert answer.abstained or any(one.verdict in ("supported", "partly") for one in answer.statements)


def test_through_a_server_streamed(served: CableQA) -> None:
    *pieces, answer = served.stream(QUESTIONS[0])

    assert isinstance(answer, Answer)
    assert "".join(map(str, pieces)).strip()
    assert not any("{" in str(piece) for piece in pieces)
    assert answer.timings_ms["generate"] > 0
    assert_marked(answer)


def test_through_a_server_not_streamed(served: CableQA) -> None:
    assert_marked(served.answer(QUESTIONS[1]))
    assert served._model is not None
    assert served._model.takes_schema  # llama.cpp takes one


def test_the_servers_own_tokenizer_counts(served: CableQA) -> None:
    assert served._model is not None
    text = "The herring quota falls to 41,200 tons. " * 10
    count = served._model.count_tokens(text)

    assert 80 < count < 200
    assert count != by_characters(text)


def test_a_wrong_key_is_one_line(
    llama_server: tuple[str, str], sample_qa: CableQA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", llama_server[0])
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    qa = CableQA(sample_qa.store, sample_qa.embedder, sample_qa.reader, "openai:smollm2")

    assert "refused the key (401)" in qa.answer(QUESTIONS[0]).note


def test_llama_cpp_in_process_with_a_follow_up(weights: Path, sample_qa: CableQA) -> None:
    qa = CableQA(sample_qa.store, sample_qa.embedder, sample_qa.reader, f"gguf:{weights}")
    history = [Turn("Who heads the Customs Directorate?", "Halvard Moen")]

    answer = qa.answer("And since when?", history)

    assert_marked(answer)
    assert answer.rewritten_question.strip()
    assert answer.timings_ms["rewrite"] > 0


def test_llama_cpp_stops_when_nobody_reads(weights: Path) -> None:
    model = load_model(f"gguf:{weights}", Limits(first=60))
    pieces = stream(model, "Write a very long story on herring.")
    while not next(pieces):
        pass
    pieces.close()

    # one answer at a time: a second comes at once only if the first has stopped
    assert any(stream(model, "Say yes."))


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a causal language model of random weights (2 layers) and a real tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from index.embed import _wheel_folder

    folder = tmp_path_factory.mktemp("hf")
    tokenizer = AutoTokenizer.from_pretrained(_wheel_folder())
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=4096, bos_token_id=None, eos_token_id=tokenizer.sep_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_transformers_in_process(random_weights: Path, sample_qa: CableQA) -> None:
    qa = CableQA(sample_qa.store, sample_qa.embedder, sample_qa.reader, f"hf:{random_weights}")
    *pieces, answer = qa.stream(QUESTIONS[0])

    assert isinstance(answer, Answer)
    assert len([piece for piece in pieces if piece]) > 5
    assert answer.note.startswith("Nothing that the language model wrote")
    assert_marked(answer)
    assert qa._model is not None
    assert qa._model.count_tokens("the herring quota") in range(3, 8)


def test_transformers_stop_when_nobody_reads(random_weights: Path) -> None:
    model = load_model(f"hf:{random_weights}")
    for _ in range(2):
        pieces = stream(model, "Write a very long story on herring.")
        while not next(pieces):
            pass
        pieces.close()
    assert any(stream(model, "Say yes."))
