"""The encoder in int8 against itself in float32, on the shipped weights."""

from __future__ import annotations

import pytest
import torch

from qa.reader import int8
from qa.reader.encode import LIMIT, batch
from qa.reader.int8 import KEPT, PRODUCTS, to_int8
from qa.reader.model import WEIGHTS, shipped
from qa.reader.net import Scores, load_weights
from qa.rerank import CALIBRATION

ASKED = ("How much did the tunnel cost?", "Who opened the tunnel?", "The tunnel cost 14 million crowns.")
TEXT = "The tunnel was opened by King Osmund on May 3, 1988, nine years late. It had cost 41 million crowns. "


@pytest.mark.skipif(not int8._has_vnni(), reason="this CPU has no VNNI, where products in int8 may overflow")
def test_scores_differ_less_than_a_threshold_would_notice() -> None:
    def scores() -> list[Scores]:
        with torch.inference_mode():
            return [
                net(*batch([pair])) for asked in ASKED for pair in encode(asked, [("SKARN", TEXT), ("SKARN", TEXT * 9)])
            ]

    net, encode = load_weights(WEIGHTS)
    net.eval().deberta.settle(LIMIT)
    exact = scores()
    to_int8(net.deberta)
    rounded = scores()

    assert [one.start.argmax() for one in rounded] == [one.start.argmax() for one in exact]
    assert [one.support.argmax() for one in rounded] == [one.support.argmax() for one in exact]
    off = torch.tensor([float(one.answers - other.answers) for one, other in zip(rounded, exact, strict=True)])
    assert 0 < off.abs().max() * CALIBRATION[0] / 4 < 0.05  # of the probability, at most


@pytest.mark.parametrize(
    ("dtype", "vnni", "numbers"),
    [(torch.float32, True, "int8"), (torch.float32, False, "float32"), (torch.bfloat16, True, "bfloat16")],
)
def test_int8_is_for_a_cpu_that_is_fast_in_nothing_else(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, vnni: bool, numbers: str
) -> None:
    for module in ("qa.reader.int8", "qa.reader.model"):
        monkeypatch.setattr(f"{module}.compute_dtype", lambda: dtype)
    monkeypatch.setattr("qa.reader.int8._has_vnni", lambda: vnni)

    reader = shipped()

    assert reader.numbers == numbers
    for number, layer in enumerate(reader.net.deberta.encoder.layer):
        exact = numbers != "int8" or number < KEPT
        assert {type(layer.get_submodule(name)) is torch.nn.Linear for name in PRODUCTS} == {exact}
