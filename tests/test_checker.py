"""The checker: its file beside the reader's, and how its training groups and weighs statements."""

from __future__ import annotations

import math
import os
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from index.embed import wheel_file
from index.errors import IndexMismatch
from qa.reader import train_checker
from qa.reader.checker import RANK, CheckerNet, load_checker, lower, save_checker, upper
from qa.reader.encode import PairEncoder, batch
from qa.reader.model import CHECKER, WEIGHTS, Reader, shipped
from qa.reader.net import ReaderNet, save_state, save_weights
from qa.reader.pairs import Read, Stated
from qa.reader.plan import Sources
from qa.reader.train import wrong_loss
from qa.reader.train_checker import TOGETHER, batches, drawn, example, states_of

FERRY = Read("", "The ferry at Elsby carries 214 cars.", ())
MAYOR = Read("", "The mayor of Skarn resigned on Monday.", ())


@pytest.fixture(scope="module")
def encode() -> PairEncoder:
    return PairEncoder(wheel_file("tokenizer.json").read_text(encoding="utf-8"))


def small() -> ReaderNet:
    torch.manual_seed(0)
    return ReaderNet().eval()


def stated(text: str, read: Read, label: str, wrong: tuple[tuple[int, int], ...] | None = None) -> Stated:
    return Stated(text, read, label, "g", wrong)


def test_what_is_written_is_read_again_as_far_as_its_rank_goes(tmp_path: Path) -> None:
    reader = small()
    net = CheckerNet(reader)
    start = {name: value.clone() for name, value in net.state_dict().items()}
    with torch.no_grad():
        for value in net.layer.parameters():
            if value.ndim == 2:  # a change of low rank
                value += 0.05 * torch.randn(value.shape[0], 3) @ torch.randn(3, value.shape[1]) / math.sqrt(3)
            else:
                value += 0.1
        net.support.weight += 0.2

    digest = save_checker(net, reader, tmp_path / "checker", "the reader's")
    found = load_checker(tmp_path / "checker", reader, "the reader's").state_dict()

    assert digest == sha256((tmp_path / "checker").read_bytes()).hexdigest()
    for name, value in net.state_dict().items():
        change = (value - start[name]).norm()
        assert (found[name] - value).norm() <= 0.02 * change + 0.01 * value.norm() * (
            value.ndim == 1 or "layer" not in name
        ), name


def test_a_file_is_small_and_fits_no_other_weights(tmp_path: Path) -> None:
    reader = small()
    save_checker(CheckerNet(reader), reader, tmp_path / "checker", "one")

    assert os.path.getsize(tmp_path / "checker") < 4e6
    assert RANK == 64
    with pytest.raises(ValueError, match="was made from weights with sha256 one, not other"):
        load_checker(tmp_path / "checker", reader, "other")
    save_state({"a": torch.ones(2)}, tmp_path / "other", {"reader": "one"})
    with pytest.raises(ValueError, match="other is no file of a checker: it has other parts"):
        load_checker(tmp_path / "other", reader, "one")
    (tmp_path / "broken").write_bytes(b"broken")
    with pytest.raises(ValueError, match="broken is no file of a checker: "):
        load_checker(tmp_path / "broken", reader, "one")
    save_weights(reader, tmp_path / "weights")
    with pytest.raises(
        IndexMismatch, match=r"was made from weights with sha256 one, not [0-9a-f]{64}\. Reinstall cable-qa\.$"
    ):
        Reader(tmp_path / "weights", checker=tmp_path / "checker")
    with pytest.raises(IndexMismatch, match="nowhere cannot be read"):
        Reader(WEIGHTS, checker=tmp_path / "nowhere")


def test_what_ships_is_at_most_40_megabytes() -> None:
    assert WEIGHTS.stat().st_size + CHECKER.stat().st_size <= 40e6


def test_before_it_is_trained_it_says_what_the_reader_says(encode: PairEncoder) -> None:
    reader = small()
    ids, types, mask, inside = batch(
        encode("The ferry carries cars.", [("", FERRY.text), ("", MAYOR.text + " " + FERRY.text)])
    )
    with torch.inference_mode():
        own = reader(ids, types, mask, inside)
        states = lower(reader, ids, types, mask)
        for support, wrong in (upper(reader, states, types, mask), CheckerNet(reader)(states, types, mask)):
            assert torch.allclose(support, own.support, atol=1e-4)
            assert torch.allclose(wrong, own.wrong, atol=1e-3)


def test_without_a_checker_the_readers_own_heads_are_used() -> None:
    statement, passages = "The ferry carries 300 cars.", [("", FERRY.text)]

    assert shipped().support(statement, passages) != Reader().support(statement, passages)


def test_a_pass_sees_every_statement_once_and_those_on_a_passage_side_by_side(encode: PairEncoder) -> None:
    reads = [FERRY, MAYOR, *(Read("", f"Nothing happened in month {n}.", ()) for n in range(40))]
    of = [stated(f"Statement {n} says {'so ' * (n % 7)}.", read, "supported") for read in reads for n in range(11)]
    made = [example(one, encode) for one in of]

    first, again, other = batches(of, made, 0), batches(of, made, 0), batches(of, made, 1)

    assert first == again != other
    assert sorted(row for rows in first for row in rows) == list(range(len(of)))
    assert len(first) > 1
    for rows in first:
        texts = [of[row].passage.text for row in rows]
        runs = 1 + sum(a != b for a, b in pairwise(texts))
        assert runs <= 2 * len(set(texts))
    assert TOGETHER < 11


def test_the_states_are_the_readers_whatever_they_are_beside(encode: PairEncoder) -> None:
    reader = small()
    made = [example(stated("Ferries " * n, FERRY, "supported"), encode) for n in (9, 1, 4)]

    together, alone = states_of(reader, made), [states_of(reader, [one])[0] for one in made]

    for a, b, one in zip(together, alone, made, strict=True):
        assert len(a) == len(one.pair.ids)
        assert torch.allclose(a, b, atol=1e-4)


def test_wrong_tokens_count_only_where_they_are_known() -> None:
    logits = torch.tensor([[0.0, 2.0, -1.0], [5.0, 5.0, 5.0]])
    right = torch.tensor([[-1, 1, 0], [-1, -1, -1]], dtype=torch.int8)
    expected = (4.0 * math.log(1 + math.exp(-2.0)) + math.log(1 + math.exp(-1.0))) / 2

    assert float(wrong_loss(logits, right)) == pytest.approx(expected)
    assert float(wrong_loss(logits, torch.full_like(right, -1))) == 0.0


def test_half_of_what_is_learnt_sooner_is_left_out() -> None:
    labels = ["supported"] * 6 + ["contradicted"] * 5 + ["partly"] * 8 + ["unsupported"] * 4
    data = Sources(
        [], [], [stated(f"It holds {n} cars and never sank.", FERRY, label) for n, label in enumerate(labels)], []
    )

    found = drawn(data, Random(1))

    count = {label: sum(one.label == label for one in found if one in data.stated) for label in labels}
    assert count["supported"] == 6
    assert count["contradicted"] == 5
    assert count["partly"] + count["unsupported"] == 6
    assert all(one.label == "contradicted" for one in found if one not in data.stated)


def test_training_learns_and_goes_on_where_it_stopped(
    encode: PairEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_checker, "PASSES", 6)
    monkeypatch.setattr(train_checker, "AVERAGE", 0.5)
    reader = small()
    of = [
        stated("The ferry carries 214 cars.", FERRY, "supported", ()),
        stated("The ferry carries 300 cars.", FERRY, "contradicted", ((18, 21),)),
        stated("The mayor fell ill.", FERRY, "unsupported"),
    ]
    made = [example(one, encode) for one in of]
    states = states_of(reader, made)
    ids, types, mask, _ = batch([one.pair for one in made])

    def loss(net: CheckerNet) -> float:
        with torch.inference_mode():
            support, _ = net.eval()(lower(reader, ids, types, mask), types, mask)
        return float(torch.nn.functional.cross_entropy(support, torch.tensor([0, 3, 2])))

    def trained(checkpoint: Path) -> CheckerNet:
        net = CheckerNet(reader)
        train_checker.train(net, of, made, states, checkpoint, "these")
        return net

    whole = trained(tmp_path / "whole")
    assert loss(whole) < 0.8 * loss(CheckerNet(reader))

    def stopped(*given: Any) -> list[list[int]]:
        if given[-1] == 3:
            raise KeyboardInterrupt
        return batches(*given)

    with monkeypatch.context() as patch:
        patch.setattr(train_checker, "batches", stopped)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "part")
    assert torch.load(tmp_path / "part")["passes"] == 3
    again = trained(tmp_path / "part")
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    with pytest.raises(ValueError, match="is of another run"):
        train_checker.train(CheckerNet(reader), of, made, states, tmp_path / "part", "others")
