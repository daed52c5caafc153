"""What the reader's network starts from: the published encoder, and what is left of its vocabulary."""

from __future__ import annotations

import json

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import DebertaV2Config, DebertaV2Model

from qa.reader import net
from qa.reader.deberta import Deberta
from qa.reader.encode import PairEncoder
from qa.reader.net import ReaderNet
from qa.reader.start import SPECIAL, needed, start_net, trimmed


@pytest.mark.parametrize("tokens", [3, 40, 300, 700])
def test_the_encoder_does_what_the_published_one_does(tokens: int) -> None:
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, type_vocab_size=0,
        max_position_embeddings=512, layer_norm_eps=1e-7, relative_attention=True, position_buckets=256, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, initializer_range=0.5,
    )  # fmt: skip
    published, ours = DebertaV2Model(config).eval(), Deberta(50, 32, 2, 4).eval()
    ours.load_state_dict(published.state_dict())
    ids = torch.randint(4, 50, (2, tokens))
    mask = torch.ones_like(ids)
    mask[1, 2 * tokens // 3 :] = 0

    with torch.inference_mode():
        expected = published(input_ids=ids, attention_mask=mask).last_hidden_state[mask.bool()]
        found = ours(ids, mask)[mask.bool()]
        ours.settle(tokens + 5)
        settled = ours(ids, mask)[mask.bool()]
        alone = ours(ids[:1], mask[:1])[0]

    assert expected.std() > 0.1
    assert torch.allclose(found, expected, atol=1e-4)
    assert torch.allclose(settled, expected, atol=1e-4)
    assert torch.allclose(alone, expected[:tokens], atol=1e-4)


def test_tokens_take_in_the_space_before_them() -> None:
    """So the first token of the text begins in what joins it to its context."""
    tokenizer = vocabulary()
    tokenizer["normalizer"] = {"type": "Replace", "pattern": {"String": "\n"}, "content": " "}
    encode = PairEncoder(json.dumps(tokenizer))

    (pair,) = encode("the ship", [("the harbour", "the ferry")])

    assert [span for span in pair.spans if span] == [(0, 3), (3, 9)]
    assert pair.spans[: len(pair.spans) - 2] == (None,) * (len(pair.spans) - 2)


def vocabulary() -> dict[str, object]:
    """A tokenizer of pieces: letters, and words of which the later are the rarer."""
    words = ["▁the", "▁ferry", "▁ship", "▁море", "▁harbour", "▁zymurgy"]
    letters = [*"▁abcdefghijklmnopqrstuvwxyz", *"море"]
    pieces = [*((piece, 0.0) for piece in SPECIAL), *((piece, -3.0 - n) for n, piece in enumerate(words))]
    whole = Tokenizer(models.Unigram([*pieces, *((letter, -20.0) for letter in letters)], 3))
    whole.pre_tokenizer = pre_tokenizers.Metaspace()
    whole.add_special_tokens(list(SPECIAL))
    found: dict[str, object] = json.loads(whole.to_str())
    return found


def test_of_the_vocabulary_is_left_what_is_likely_or_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.reader.start.LIKELIEST", 2)
    monkeypatch.setattr("qa.reader.start.SEEN", 2)
    tokenizer = vocabulary()

    kept = needed(tokenizer, ["the harbour", "harbour", "ship"])
    small = Tokenizer.from_str(json.dumps(trimmed(tokenizer, kept)))

    pieces = set(small.get_vocab())
    assert {*SPECIAL, "▁the", "▁ferry", "▁harbour", "a", "z"} <= pieces
    assert not {"▁ship", "▁море", "▁zymurgy", "м"} & pieces
    assert [small.token_to_id(piece) for piece in SPECIAL] == [0, 1, 2, 3]
    assert small.encode("the ship", add_special_tokens=False).tokens == ["▁the", "▁", *"ship"]
    whole = Tokenizer.from_str(json.dumps(tokenizer))
    for piece, at in small.get_vocab().items():
        assert whole.token_to_id(piece) == kept[at]


@pytest.mark.usefixtures("small")
def test_the_start_says_what_the_published_network_says() -> None:
    given = ReaderNet(7).state_dict()
    state = {name: torch.randn_like(value) for name, value in given.items() if name.startswith("deberta.")}
    state |= {"pooler.dense.weight": torch.randn(384, 384), "pooler.dense.bias": torch.randn(384)}
    state |= {"classifier.weight": torch.randn(2, 384), "classifier.bias": torch.randn(2)}

    made = start_net(state, [0, 1, 2, 3, 6])

    assert torch.equal(made.deberta.embeddings["word_embeddings"].weight, state[net.WORDS][[0, 1, 2, 3, 6]])
    pooled = torch.randn(384)
    supported, _, _, contradicted = made.support(pooled)
    expected = state["classifier.weight"] @ pooled + state["classifier.bias"]
    assert torch.allclose(torch.stack([supported, contradicted]), expected, atol=1e-4)
    del state["deberta.encoder.LayerNorm.bias"]
    with pytest.raises(ValueError, match="has other parts"):
        start_net(state, [0])
