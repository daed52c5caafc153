"""Every word that is said to a language model, one file each, rendered by name."""

from __future__ import annotations

from importlib.resources import files
from string import Template


def render(name: str, **values: str) -> str:
    """The prompt in `prompts/{name}.md` with `$name` places filled; a place without a value raises KeyError."""
    return Template(files("prompts").joinpath(f"{name}.md").read_text(encoding="utf-8")).substitute(values)
