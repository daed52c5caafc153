"""The checker: its network against the published one, its file, and how its training draws, groups and goes on."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import DebertaV2Config, DebertaV2Model

from index.embed import wheel_file
from index.errors import IndexMismatch
from qa.reader import checker, train_checker
from qa.reader.checker import CheckerNet, load_checker, save_checker
from qa.reader.deberta import Deberta
from qa.reader.encode import PairEncoder, batch
from qa.reader.model import CHECKER, WEIGHTS, Reader, shipped
from qa.reader.net import Heads
from qa.reader.pairs import Asked, Read, Stated
from qa.reader.plan import Sources, collate
from qa.reader.start_checker import SPECIAL, needed, start_net, trimmed
from qa.reader.train import wrong_loss
from qa.reader.train_checker import FIRST, FURTHER, average_with, batches, drawn, example

FERRY = Read("", "The ferry at Elsby carries 214 cars.", ())
MAYOR = Read("", "The mayor of Skarn resigned on Monday.", ())


@pytest.fixture(scope="module")
def encode() -> PairEncoder:
    return PairEncoder(wheel_file("tokenizer.json").read_text(encoding="utf-8"), passage_first=True)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of two layers."""
    monkeypatch.setattr(checker, "LAYERS", 2)
    torch.manual_seed(0)


def stated(text: str, read: Read, label: str, wrong: tuple[tuple[int, int], ...] | None = None) -> Stated:
    return Stated(text, read, label, "g", wrong)


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
        ours.settle()
        settled = ours(ids, mask)[mask.bool()]

    assert expected.std() > 0.1
    assert torch.allclose(found, expected, atol=1e-4)
    assert torch.allclose(settled, expected, atol=1e-4)


def test_the_passage_may_stand_first(encode: PairEncoder) -> None:
    usual = PairEncoder(wheel_file("tokenizer.json").read_text(encoding="utf-8"))
    (turned,), (own,) = (one("It carries cars.", [("Ferries", FERRY.text)]) for one in (encode, usual))

    cls, sep = own.ids[0], own.ids[-1]
    question, passage = own.ids[1 : own.first - 1], own.ids[own.first : -1]
    assert turned.ids == (cls, *passage, sep, *question, sep)
    assert (turned.first, turned.asked_at) == (1, len(passage) + 2)
    assert (turned.spans, turned.asked) == (own.spans, own.asked)
    for pair, (ids, types, mask, inside) in ((turned, batch([turned, own])), (own, batch([own, turned]))):
        of_passage = range(pair.first, pair.first + len(passage) + 1)
        assert [n for n, kind in enumerate(types[0]) if kind] == list(of_passage)
        assert [n for n, able in enumerate(inside[0]) if able] == [
            0,
            *(n for n in of_passage[:-1] if pair.spans[n - pair.first]),
        ]
        assert int(mask[0].sum()) == len(pair.ids) == ids.shape[1]


def test_only_a_statements_own_tokens_may_be_wrong(encode: PairEncoder) -> None:
    pairs = [*encode("It sank.", [("", FERRY.text)]), *encode("The ferry sank on Monday.", [("", "A ferry.")])]
    ids, types, mask, inside = batch(pairs)

    wrong = Heads(8).scores(torch.zeros(*ids.shape, 8), torch.zeros(2, 8), types, mask, inside).wrong

    for row, pair in zip(wrong, pairs, strict=True):
        assert [n for n, logit in enumerate(row) if logit > -1e3] == [pair.asked_at + n for n in range(len(pair.asked))]
    made = collate([[example(stated("The ferry carries 300 cars.", FERRY, "contradicted", ((18, 21),)), encode)]])
    tokens = encode("The ferry carries 300 cars.", [("", FERRY.text)])[0]
    assert made.wrong[0].tolist().index(1) == tokens.asked_at + tokens.asked.index((18, 21))


@pytest.mark.usefixtures("small")
def test_what_is_written_is_read_again_with_its_tokenizer(tmp_path: Path, encode: PairEncoder) -> None:
    net = CheckerNet(60)

    digest = save_checker(net, tmp_path / "checker", encode.tokenizer_json)
    found, again = load_checker(tmp_path / "checker")

    assert digest == sha256((tmp_path / "checker").read_bytes()).hexdigest()
    for name, value in net.state_dict().items():
        step = value.abs().amax(dim=-1, keepdim=True) / 127 if value.ndim == 2 else torch.zeros(1)
        assert ((found.state_dict()[name] - value).abs() <= 0.51 * step).all(), name
    assert again("It sank.", [("", FERRY.text)]) == encode("It sank.", [("", FERRY.text)])


@pytest.mark.usefixtures("small")
def test_another_file_is_no_checker(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"broken")

    for file in (tmp_path / "broken", WEIGHTS):
        with pytest.raises(ValueError, match=f"{file.name} is no file of a checker: "):
            load_checker(file)
    with pytest.raises(IndexMismatch, match=r"is no file of a checker: .*\. Reinstall cable-qa\.$"):
        Reader(checker=tmp_path / "broken")
    with pytest.raises(IndexMismatch, match="nowhere cannot be read"):
        Reader(checker=tmp_path / "nowhere")


@pytest.mark.usefixtures("small")
def test_a_reader_checks_statements_with_its_checker(tmp_path: Path, encode: PairEncoder) -> None:
    save_checker(CheckerNet(30_522), tmp_path / "checker", encode.tokenizer_json)
    given, alone = Reader(checker=tmp_path / "checker"), Reader()
    statement, passages = "The ferry carries 300 cars.", [("Ferries", FERRY.text), ("", MAYOR.text)]

    found, first = given.support(statement, passages), given.support(statement, passages[:1])

    assert len(found) == 2
    assert found[0].shares == pytest.approx(first[0].shares, abs=0.02)
    assert found != alone.support(statement, passages)
    for one in found:
        assert sum(one.shares) == pytest.approx(1.0)
        assert all(0 <= start < end <= len(statement) for start, end in one.doubtful)


def test_tokens_take_in_the_space_before_them() -> None:
    """So the first token of the text begins in what joins it to its context."""
    tokenizer = vocabulary()
    tokenizer["normalizer"] = {"type": "Replace", "pattern": {"String": "\n"}, "content": " "}
    encode = PairEncoder(json.dumps(tokenizer), passage_first=True)

    (pair,) = encode("the ship", [("the harbour", "the ferry")])

    assert [span for span in pair.spans if span] == [(0, 3), (3, 9)]
    assert pair.spans[: len(pair.spans) - 2] == (None,) * (len(pair.spans) - 2)


def test_each_file_that_ships_is_at_most_40_megabytes() -> None:
    assert WEIGHTS.stat().st_size <= 40e6
    assert CHECKER.stat().st_size <= 40e6


def test_without_a_checker_the_readers_own_heads_are_used() -> None:
    statement, passages = "The ferry carries 300 cars.", [("", FERRY.text)]

    assert shipped().support(statement, passages) != Reader().support(statement, passages)


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
    monkeypatch.setattr("qa.reader.start_checker.LIKELIEST", 2)
    monkeypatch.setattr("qa.reader.start_checker.SEEN", 2)
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
    given = CheckerNet(7).state_dict()
    state = {name: torch.randn_like(value) for name, value in given.items() if name.startswith("deberta.")}
    state |= {"pooler.dense.weight": torch.randn(384, 384), "pooler.dense.bias": torch.randn(384)}
    state |= {"classifier.weight": torch.randn(2, 384), "classifier.bias": torch.randn(2)}

    net = start_net(state, [0, 1, 2, 3, 6])

    assert torch.equal(net.deberta.embeddings["word_embeddings"].weight, state[checker.WORDS][[0, 1, 2, 3, 6]])
    pooled = torch.randn(384)
    supported, _, _, contradicted = net.support(pooled)
    expected = state["classifier.weight"] @ pooled + state["classifier.bias"]
    assert torch.allclose(torch.stack([supported, contradicted]), expected, atol=1e-4)
    del state["deberta.encoder.LayerNorm.bias"]
    with pytest.raises(ValueError, match="has other parts"):
        start_net(state, [0])


def test_every_statement_is_seen_once_and_those_on_a_passage_side_by_side(encode: PairEncoder) -> None:
    reads = [FERRY, MAYOR, *(Read("", f"Nothing happened in month {n}.", ()) for n in range(40))]
    of = [stated(f"Statement {n} says {'so ' * (n % 7)}.", read, "supported") for read in reads for n in range(11)]
    asked = [Asked("What did it carry?", (Read("", FERRY.text, ((27, 35),)), MAYOR), "g")] * 3

    first, again, other = (batches(of, asked, encode, Random(seed)) for seed in (0, 0, 1))

    assert [one.ids.tolist() for one in first] == [one.ids.tolist() for one in again]
    assert [one.ids.tolist() for one in first] != [one.ids.tolist() for one in other]
    said = [one for one in first if (one.label >= 0).all()]
    questions = [one for one in first if (one.label < 0).all()]
    assert len(said) + len(questions) == len(first)
    assert sum(len(one.ids) for one in said) == len(of)
    assert sum(len(one.ids) for one in questions) == 6
    assert len(said) > 1
    sep = encode.id_of("[SEP]")
    for one in said:
        passages = [row[: row.index(sep)] for row in one.ids.tolist()]
        runs = 1 + sum(a != b for a, b in pairwise(passages))
        assert runs <= 2 * len({tuple(passage) for passage in passages})


def test_wrong_tokens_count_only_where_they_are_known() -> None:
    logits = torch.tensor([[0.0, 2.0, -1.0], [5.0, 5.0, 5.0]])
    right = torch.tensor([[-1, 1, 0], [-1, -1, -1]], dtype=torch.int8)
    expected = (4.0 * math.log(1 + math.exp(-2.0)) + math.log(1 + math.exp(-1.0))) / 2

    assert float(wrong_loss(logits, right)) == pytest.approx(expected)
    assert float(wrong_loss(logits, torch.full_like(right, -1))) == 0.0


def test_half_of_what_is_learnt_sooner_is_left_out() -> None:
    labels = ["supported"] * 6 + ["contradicted"] * 5 + ["partly"] * 8 + ["unsupported"] * 4
    own = [Asked(f"Question {n}?", (FERRY, MAYOR), "g") for n in range(10)]
    data = Sources(
        own, own[:4], [stated(f"It holds {n} cars and never sank.", FERRY, label) for n, label in enumerate(labels)], []
    )

    found, asked = drawn(data, FIRST)

    count = {label: sum(one.label == label for one in found if one in data.stated) for label in labels}
    assert count["supported"] == 6
    assert count["contradicted"] == 5
    assert count["partly"] + count["unsupported"] == 6
    assert all(one.label == "contradicted" for one in found if one not in data.stated)
    assert len(asked) == 7


def test_a_further_pass_keeps_pairs_and_follow_ups_and_exchanges_facts() -> None:
    pairs = [stated(f"It holds {n} cars.", FERRY, "contradicted", ((9, 10),)) for n in range(5)]
    others = [stated(f"It never held {n} cars.", FERRY, "contradicted") for n in range(10)]
    two = Read("", "The ferry carries 214 cars, the barge 96.", ())
    true = [stated("The ferry carries 214 cars.", two, "supported")]
    single = [Asked(f"Question {n}?", (FERRY, MAYOR), "g") for n in range(10)]
    again = [Asked(f"And then? (Question {n}? It does.)", (FERRY, MAYOR), "g") for n in range(3)]
    data = Sources(single, [*single, *again], [*true, *pairs, *others], [])

    found, asked = drawn(data, replace(FURTHER, false=0.6, questions=0.3))

    assert all(one in found for one in [*true, *pairs])
    assert sum(one in found for one in others) == 6
    new = [one for one in found if one not in data.stated]
    assert {one.label for one in new} == {"contradicted"}
    assert "The ferry carries 96 cars." in [one.statement for one in new]
    assert sum(one.question.startswith("And then") for one in asked) == 3
    assert len(asked) == 9


@pytest.mark.usefixtures("small")
def test_the_mean_of_two_networks() -> None:
    one, other = CheckerNet(7), CheckerNet(7)
    before = {name: value.clone() for name, value in one.state_dict().items()}

    average_with(one, other)

    for name, value in other.state_dict().items():
        assert torch.allclose(one.state_dict()[name], (before[name] + value) / 2)


@pytest.mark.usefixtures("small")
def test_training_learns_and_goes_on_where_it_stopped(
    encode: PairEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_checker, "AVERAGE", 0.5)
    of = [
        stated("The ferry carries 214 cars.", FERRY, "supported", ()),
        stated("The ferry carries 300 cars.", FERRY, "contradicted", ((18, 21),)),
        stated("The mayor fell ill.", FERRY, "unsupported"),
    ]
    asked = [Asked("How many cars does it carry?", (Read("", FERRY.text, ((27, 35),)), MAYOR), "g")]
    ready = batches(of, asked, encode, Random(0)) * 10
    said = collate([[example(one, encode) for one in of]])

    def net() -> CheckerNet:
        torch.manual_seed(0)
        return CheckerNet(30_522)

    def loss(net: CheckerNet) -> float:
        with torch.inference_mode():
            scores = net.eval()(said.ids.long(), said.types.long(), said.mask.long(), said.inside)
        return float(torch.nn.functional.cross_entropy(scores.support, said.label.long()))

    whole = net()
    train_checker.train(whole, ready, 1e-3, tmp_path / "whole", "these")
    assert loss(whole) < 0.8 * loss(net())
    assert torch.equal(whole.get_parameter(checker.WORDS), net().get_parameter(checker.WORDS))

    part, keep = net(), train_checker.keep

    def stopped(*given: object) -> None:
        keep(*given)  # type: ignore[arg-type]
        if given[-1] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_checker, "keep", stopped)
        with pytest.raises(KeyboardInterrupt):
            train_checker.train(part, ready, 1e-3, tmp_path / "part", "these")
    again = net()
    train_checker.train(again, ready, 1e-3, tmp_path / "part", "these")
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    with pytest.raises(ValueError, match="is of another run"):
        train_checker.train(net(), ready, 1e-3, tmp_path / "part", "others")
