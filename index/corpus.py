"""Reads files and folders into cables, in a stable order.

Flows in: paths. Flows out: Cables one by one, and a list of Problems: files and rows that could not be read,
cables that stand in the input twice or in a README. Knows nothing of the index.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from index.cable import Cable
from index.errors import InputError
from index.parse import Problem, parse_html, parse_row, parse_text

SAMPLE = Path(__file__).parent / "sample"  # the invented corpus that ships with the package
_TEXT = {".txt", ".text", ".cable", ""}
_HTML = {".html", ".htm"}
_ABOUT = ("README", "LICENSE")  # how the names of files begin that are on a folder, and hold no cable


class Corpus:
    """The cables of some files and folders.

    Iterating reads the input once, in constant memory but for the reference IDs. A cable that comes twice is
    yielded again only where the later one is fuller; both are in `problems` then, as is what could not be read.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """`paths` are files or folders; raises InputError where one does not exist."""
        for path in paths:
            if not path.exists():
                raise InputError(f"No file or folder {path}. Name the files or folders that hold cables.")
        self.paths = [path.resolve() for path in paths]
        self.roots = [_written(path) for path in self.paths]  # as the cables' `source` has them
        self.problems: list[Problem] = []
        self.cables = 0

    def __iter__(self) -> Iterator[Cable]:
        self.problems.clear()
        seen: dict[str, tuple[int, str]] = {}
        for file in self._files():
            if file not in self.paths and file.name.upper().startswith(_ABOUT):
                if any(isinstance(item, Cable) for item in _read(file)):
                    message = "holds a cable, and is left out for its name; rename the file, or name it by itself"
                    self.problems.append(Problem(_written(file), 1, message))
                continue
            for item in _read(file):
                if isinstance(item, Problem):
                    self.problems.append(item)
                    continue
                size = sum(len(paragraph.text) for paragraph in item.paragraphs)
                earlier = seen.get(item.reference_id)
                if earlier:
                    kept = "the fuller one is kept" if earlier[0] != size else "the first is kept"
                    message = f"{item.reference_id} stands also in {earlier[1]}; {kept}"
                    self.problems.append(Problem(item.source, item.line, message))
                    if size <= earlier[0]:
                        continue
                seen[item.reference_id] = (size, f"{item.source}:{item.line}")
                self.cables = len(seen)
                yield item

    def _files(self) -> Iterator[Path]:
        done: set[Path] = set()
        for path in self.paths:
            found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
            for file in found:
                hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
                if file not in done and not hidden:
                    done.add(file)
                    yield file


def _read(file: Path) -> Iterator[Cable | Problem]:
    source, kind = _written(file), file.suffix.lower()
    if kind == ".csv":
        yield from _read_csv(file)
        return
    if kind not in _TEXT | _HTML:
        yield Problem(source, 1, f"a {kind} file is not read; cables come as text, HTML or csv")
        return
    try:
        data = file.read_bytes()
    except OSError as error:
        yield Problem(source, 1, f"cannot be read: {error.strerror}")
        return
    if b"\0" in data[:4096]:
        yield Problem(source, 1, "is not text")
        return
    text = _decode(data)
    if not text.strip():
        yield Problem(source, 1, "is empty")
    elif kind in _HTML or text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        yield from parse_html(text, source)
    else:
        yield from parse_text(text, source)


def _written(path: Path) -> str:
    """The path as text; what is not UTF-8 in it is shown as `\\xe4`."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _read_csv(file: Path) -> Iterator[Cable | Problem]:
    """The rows of `cablegate.csv`, as a stream."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    source = _written(file)
    with file.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = csv.reader((line.replace("\0", "") for line in stream), escapechar="\\", doublequote=False)
        line = 1
        try:
            for row in rows:
                if row:
                    yield parse_row(row, source, line)
                line = rows.line_num + 1
        except csv.Error as error:
            yield Problem(source, line, f"is not csv: {error}")
