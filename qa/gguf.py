"""A GGUF file, run by llama.cpp in this process.

Flows in: a path. Flows out: where the model can be asked. llama.cpp's own server listens on loopback, on a port that the
system picks, behind a key that only this process knows; so that a model in this process is asked, streamed, held to a
schema and stopped exactly as one elsewhere. Needs the extra `gguf`.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from index.errors import ModelUnavailable

CONTEXT = 4096  # tokens: prompt and answer


def start(spec: str, path: str) -> tuple[object, str, str]:
    """(the server, which stops when it is let go; its address; its key). Memory: the file's size and about 200 MB.

    Raises ModelUnavailable where the extra or the file is missing, or llama.cpp cannot load it.
    """
    if not Path(path).is_file():
        raise ModelUnavailable(f"{spec}: no file {path}. Name a .gguf file.")
    try:
        import xllamacpp
    except ImportError:
        raise ModelUnavailable(f"{spec} needs llama.cpp. Run `pip install 'cable-qa[gguf]'`.") from None
    key = secrets.token_hex(16)
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.hostnames = ["127.0.0.1"]
    params.api_keys = [key]
    params.ui = False
    params.verbosity = 0
    try:
        server = xllamacpp.Server(params)
    except RuntimeError:
        raise ModelUnavailable(f"{spec}: llama.cpp cannot load {path}. Is it a whole .gguf file?") from None
    return server, f"{server.listening_address}/v1", key
