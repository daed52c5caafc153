"""How the reader is trained: how passes draw, group and go on."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
import torch

from qa.reader import net, train
from qa.reader.encode import PairEncoder, batch
from qa.reader.net import ReaderNet
from qa.reader.pairs import Asked, Read, Stated, held_out
from qa.reader.plan import Sources, collate
from qa.reader.train import FIRST, FURTHER, READING, batches, drawn, example, wrong_loss

FERRY = Read("", "The ferry at Elsby carries 214 cars.", ())
MAYOR = Read("", "The mayor of Skarn resigned on Monday.", ())


def stated(text: str, read: Read, label: str, wrong: tuple[tuple[int, int], ...] | None = None) -> Stated:
    return Stated(text, read, label, "g", wrong)


@pytest.mark.usefixtures("small")
def test_only_a_statements_own_tokens_may_be_wrong(encode: PairEncoder) -> None:
    pairs = [*encode("It sank.", [("", FERRY.text)]), *encode("The ferry sank on Monday.", [("", "A ferry.")])]
    ids, types, mask, inside = batch(pairs)

    wrong = ReaderNet(9).scores(torch.zeros(*ids.shape, 384), torch.zeros(2, 384), types, mask, inside).wrong

    for row, pair in zip(wrong, pairs, strict=True):
        assert [n for n, logit in enumerate(row) if logit > -1e3] == [pair.asked_at + n for n in range(len(pair.asked))]
    made = collate([[example(stated("The ferry carries 300 cars.", FERRY, "contradicted", ((18, 21),)), encode)]])
    tokens = encode("The ferry carries 300 cars.", [("", FERRY.text)])[0]
    assert made.wrong[0].tolist().index(1) == tokens.asked_at + tokens.asked.index((18, 21))


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


def test_a_pass_over_questions_draws_the_statements_of_some_passages_and_public_questions() -> None:
    of = [
        Stated(f"It holds {n} cars.", FERRY, label, f"g{n // 3}", ())
        for n in range(60)
        for label in ("supported", "contradicted")
    ]
    public = [Asked(f"Public {n}?", (FERRY, MAYOR), "article") for n in range(10)]
    data = Sources([Asked("Question?", (FERRY, MAYOR), "g0")], [], of, [])

    found, asked = drawn(data, replace(READING, groups=0.5, public=0.4), public)

    groups = {one.group for one in found}
    assert len(groups) == 10
    assert {one.statement for one in found if one in of} == {one.statement for one in of if one.group in groups}
    assert sum(one.question.startswith("Public") for one in asked) == 4
    assert (found, asked) == drawn(data, replace(READING, groups=0.5, public=0.4), public)


@pytest.mark.usefixtures("small")
def test_a_pass_leaves_frozen_layers_and_a_share_of_the_weights_before(tmp_path: Path, encode: PairEncoder) -> None:
    ready = batches([stated("The ferry carries 214 cars.", FERRY, "supported", ())], [], encode, Random(0)) * 10
    before, mixed = ReaderNet(30_522), ReaderNet(30_522)
    mixed.load_state_dict(before.state_dict())

    train.train(mixed, ready, replace(READING, rate=1e-2, frozen=1, before=0.25), tmp_path / "kept", "these")

    average = torch.load(tmp_path / "kept")["average"]
    moved = []
    for name, value in before.state_dict().items():
        after = average[f"module.{name}"]
        assert torch.allclose(mixed.state_dict()[name], 0.25 * value + 0.75 * after, atol=1e-7), name
        moved += [] if torch.equal(value, after) else [name]
    encoder = "deberta.encoder."
    fixed = (f"{encoder}layer.0.", f"{encoder}rel", f"{encoder}LayerNorm", "deberta.embeddings")
    assert any(name.startswith(f"{encoder}layer.1.") for name in moved)
    assert not any(name.startswith(fixed) for name in moved)


def test_the_rate_rises_then_falls_almost_to_nothing() -> None:
    assert [train.rate_at(done) for done in (0.0, 0.06, 0.5, 1.0)] == pytest.approx([0.02, 0.9412, 0.51, 0.02])


@pytest.mark.usefixtures("small")
def test_training_learns_and_goes_on_where_it_stopped(
    encode: PairEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "AVERAGE", 0.5)
    own = replace(FIRST, rate=1e-3, frozen=1, before=0.25)
    of = [
        stated("The ferry carries 214 cars.", FERRY, "supported", ()),
        stated("The ferry carries 300 cars.", FERRY, "contradicted", ((18, 21),)),
        stated("The mayor fell ill.", FERRY, "unsupported"),
    ]
    asked = [Asked("How many cars does it carry?", (Read("", FERRY.text, ((27, 35),)), MAYOR), "g")]
    ready = batches(of, asked, encode, Random(0)) * 10
    said = collate([[example(one, encode) for one in of]])

    def begun() -> ReaderNet:
        torch.manual_seed(0)
        return ReaderNet(30_522)

    def loss(of: ReaderNet) -> float:
        with torch.inference_mode():
            scores = of.eval()(said.ids.long(), said.types.long(), said.mask.long(), said.inside)
        return float(torch.nn.functional.cross_entropy(scores.support, said.label.long()))

    whole = begun()
    train.train(whole, ready, own, tmp_path / "whole", "these")
    assert loss(whole) < 0.8 * loss(begun())
    assert torch.equal(whole.get_parameter(net.WORDS), begun().get_parameter(net.WORDS))

    part, keep = begun(), train.keep

    def stopped(*given: object) -> None:
        keep(*given)  # type: ignore[arg-type]
        if given[-1] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "keep", stopped)
        with pytest.raises(KeyboardInterrupt):
            train.train(part, ready, own, tmp_path / "part", "these")
    again = begun()
    train.train(again, ready, own, tmp_path / "part", "these")
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    with pytest.raises(ValueError, match="is of another run"):
        train.train(begun(), ready, own, tmp_path / "part", "others")


def test_the_command_goes_through_its_passes_and_goes_on_where_it_was_stopped(
    encode: PairEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(net, "LAYERS", 1)
    torch.manual_seed(0)
    passes = tuple(replace(FIRST, seed=seed, rate=1e-3, before=0.5 * seed) for seed in (0, 1))
    monkeypatch.setattr(train, "PASSES", passes)
    for folder in ("reader", "support", "public", "cables", "written"):
        (tmp_path / folder).mkdir()
    names = [name for name in map(str, range(60)) if not held_out(name)][:12]
    rows: dict[str, list[dict[str, object]]] = {
        "reader/passages": [{"id": name, "passage": f"The ferry {name} carries {name} cars."} for name in names],
        "reader/questions": [{"passage_id": name, "question": "Who?", "answerable": False} for name in names],
        "support/statements": [
            {"passage_id": name, "statement": f"Ferry {name} has {name} cars.", "label": "supported"} for name in names
        ],
        "written/questions": [],
        "written/statements": [],
    }
    for name, own in rows.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    net.save_weights(ReaderNet(30_522), tmp_path / "start", encode.tokenizer_json)

    def made(name: str, *given: str) -> bytes:
        folders = [f"--{one}={tmp_path / one}" for one in ("cables", "written")]
        command = ["train", str(tmp_path / "start"), f"--data={tmp_path}", *folders, f"--out={tmp_path / name}", *given]
        monkeypatch.setattr("sys.argv", command)
        train.main()
        return (tmp_path / name).read_bytes()

    whole = made("whole.safetensors")
    keep, kept = train.keep, []

    def stopped(*given: object) -> None:
        keep(*given)  # type: ignore[arg-type]
        kept.append(given)
        if len(kept) == train.PARTS + 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "keep", stopped)
        with pytest.raises(KeyboardInterrupt):
            made("part.safetensors")
    assert sorted(file.name for file in tmp_path.glob("part.*")) == ["part.1.checkpoint", "part.2.checkpoint"]

    assert made("part.safetensors") == whole
    assert [file.name for file in tmp_path.glob("part.*")] == ["part.safetensors"]
    assert made("last.safetensors", "--from=2") != whole
    said = capsys.readouterr().out
    assert said.count("pass 1: ") == 3
    assert said.count("pass 2: ") == 4
