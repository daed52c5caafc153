"""The encoder's products in int8, for a CPU that has instructions for them (AVX-512 VNNI) and none for bfloat16: three quarters of the time.

Flows in: an encoder in float32. Flows out: the same, most of its layers exchanged. The weights are those of the file, with their scale for
each row; what is multiplied with them is rounded to 255 steps from its least to its greatest number, which are found anew each time.
So that few great ones do not leave the rest a few steps, what comes from a layer norm is first divided by how far each of its
places reaches (Xiao et al. 2023, SmoothQuant), known here from the norm's own weights. Scores then differ from those of float32 as
MODEL_CARD.md counts.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from index.embed import compute_dtype
from qa.reader.deberta import Deberta

DEVIATIONS = 4  # from the mean, within which nearly all lies that a layer norm gives
KEPT = 4  # layers, the first: what is lost in them goes through all others
WIDENING = "intermediate.dense"  # follows a layer norm; without the division most is lost there
PRODUCTS = (
    *(f"attention.self.{name}_proj" for name in ("query", "key", "value")),
    "attention.output.dense", WIDENING, "output.dense",
)  # fmt: skip


def pays() -> bool:
    """Whether products are faster in int8 here than in what the network would compute in."""
    return compute_dtype() is torch.float32 and not torch.cuda.is_available() and _has_vnni()


def to_int8(encoder: Deberta) -> None:
    """Exchanges the products with weights of the layers behind the first `KEPT`."""
    for layer in list(encoder.encoder.layer)[KEPT:]:
        norm = layer.get_submodule("attention.output.LayerNorm")
        reach = DEVIATIONS * norm.get_parameter("weight").detach().abs() + norm.get_parameter("bias").detach().abs()
        for name in PRODUCTS:
            parent, _, own = name.rpartition(".")
            product = _Int8(layer.get_submodule(name), reach / reach.mean() if name == WIDENING else None)
            layer.get_submodule(parent).register_module(own, product)


class _Int8(nn.Module):
    """A linear layer in int8; what comes in is divided by `reach` (in features,) first, and the weights multiplied by it."""

    def __init__(self, layer: nn.Module, reach: Tensor | None) -> None:
        super().__init__()
        weight, bias = (layer.get_parameter(name).detach() for name in ("weight", "bias"))
        weight = weight if reach is None else weight * reach
        scale = weight.abs().amax(1).clamp(min=1e-12) / 127
        rows = (weight / scale[:, None]).round().to(torch.int8)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # tensors of this kind will leave torch; its version is pinned
            zeros = torch.zeros(len(scale), dtype=torch.int64)
            kept = torch._make_per_channel_quantized_tensor(rows, scale.double(), zeros, 0)
        self.packed = torch.ops.quantized.linear_prepack(kept, bias)
        self.shrink = None if reach is None else 1 / reach

    def forward(self, states: Tensor) -> Tensor:
        states = states if self.shrink is None else states * self.shrink
        found: Tensor = torch.ops.quantized.linear_dynamic(states, self.packed, False)
        return found


def _has_vnni() -> bool:
    return bool(torch.cpu.get_capabilities().get("avx512_vnni"))
