"""What several test files need: the real archive's files where they lie, an index of the sample corpus, the models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# the same examples in each run; `--hypothesis-profile default` draws others
settings.register_profile("same", derandomize=True)
settings.load_profile("same")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["ANONYMIZED_TELEMETRY"] = "False"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_corpus() -> Path:
    """The folder of real cables; they hold private people's data and are not part of the project."""
    folder = Path(os.environ.get("CABLE_QA_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip(f"no real corpus in {folder}; set CABLE_QA_CORPUS")
    return folder


@pytest.fixture(scope="session")
def embedder():
    from index.embed import Embedder

    return Embedder()


@pytest.fixture(scope="session")
def encode():
    """Encodes pairs with the tokenizer of the embedding model, whose pieces are known words."""
    from index.embed import _wheel_folder
    from qa.reader.encode import PairEncoder

    return PairEncoder((_wheel_folder() / "tokenizer.json").read_text(encoding="utf-8"))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of two layers."""
    import torch

    monkeypatch.setattr("qa.reader.net.LAYERS", 2)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def reader():
    from qa.reader.model import shipped

    return shipped()


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample corpus, made by the command itself."""
    from index.corpus import SAMPLE
    from qa.opening import build_index

    folder = tmp_path_factory.mktemp("sample") / "index"
    build_index([SAMPLE], folder)
    return folder


@pytest.fixture(scope="session")
def sample_qa(sample_index: Path):
    from qa.answer import open_qa

    return open_qa(sample_index)


@pytest.fixture(scope="session")
def index_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the cables of `tests.stored`."""
    from tests.stored import ALL, make

    return make(tmp_path_factory.mktemp("store") / "made" / "index", *ALL)


@pytest.fixture
def store(index_folder: Path):
    from index.store import Store

    with Store.open(index_folder) as opened:
        yield opened
