"""A language model's reply as it arrives: what of it can be shown, and the statements in it.

Flows in: pieces of JSON (`{"cannot_answer": false, "statements": [{"text", "keys"}]}`, fenced or cut off) or of text with
markers, whichever the model writes. Flows out: text with markers `[1]`, complete ones only; `Said`. Knows nothing of verdicts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.passage import sentences
from qa.abstain import CANNOT_ANSWER

_NUMBERS = r"\d{1,3}(?:\s*(?:[,;&]|and|-|–|to)\s*\d{1,3})*"
_SQUARE = rf"[\[【]\s*(?:passages?|sources?|nos?\.?|[#^¶])?\s*({_NUMBERS})(?:[†:|][^\]】\n]{{0,30}})?\s*[\]】]"
_MARKER = re.compile(_SQUARE, re.IGNORECASE)
_ROUND = re.compile(r"\s\(\s*(\d{1,2}(?:\s*(?:[,;]|-)\s*\d{1,2})*)\s*\)")
_OPEN = re.compile(r"[\[【][^\]】\n]{0,40}$")
_AFTER_STOP = re.compile(rf"([.!?][\"”]?)((?:\s*{_SQUARE})+)", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
_THOUGHT = re.compile(r"^\s*<think>.*?(?:</think>|$)", re.DOTALL)
_FENCE = re.compile(r"^\s*(?:```\w*\s*)?")
_BEGINS = re.compile(r'[{\[]\s*(?:\{\s*)?"(?:cannot_answer|statements|text|statement|sentence|answer|claim)"\s*:')
_TEXT = re.compile(r'"(?:text|statement|sentence|answer|claim)"\s*:\s*"((?:[^"\\]|\\.)*)("?)', re.DOTALL)
_KEYS = re.compile(r'\s*,\s*"(?:keys?|citations?|sources?|passages?)"\s*:\s*\[?([^\]}]*)([\]}]?)')
_CANNOT = re.compile(r'"cannot_answer"\s*:\s*true')
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?$|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?$")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of a model without its markers, the keys of passages that it cites, and its markers that name none."""

    text: str
    keys: tuple[int, ...]
    wrong: tuple[str, ...] = ()


class Draft:
    """The reply of a model that was shown passages 1 to `passages`."""

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self._raw = ""
        self._shown = ""

    def feed(self, piece: str) -> str:
        """What can be shown once `piece` has arrived; markers wait until they are complete, JSON is not shown at all."""
        self._raw += piece
        text = self._text
        if self._is_json is None:
            return ""
        whole = self._from_json(text) if self._is_json else self._resolved(_OPEN.sub("", text))
        new = whole[len(self._shown) :] if whole.startswith(self._shown) else ""
        self._shown += new
        return new

    @property
    def cannot_answer(self) -> bool:
        """Whether the model says that the passages do not answer, and cites nothing."""
        said = self.statements()
        if self._is_json and _CANNOT.search(self._text):
            return not any(one.keys for one in said)
        phrase = CANNOT_ANSWER.rstrip(".").lower()
        return any(phrase in one.text.lower() for one in said) and not any(
            one.keys for one in said if phrase not in one.text.lower()
        )

    def statements(self) -> list[Said]:
        """The sentences so far, in order. A marker alone belongs to the sentence before it."""
        if not self._is_json:
            return list(self._split(self._text))
        found = []
        for text, keys, _, _ in _rows(self._text):
            good, wrong = self._sorted(_integers(keys))
            for said in self._split(text):
                found.append(
                    Said(
                        said.text,
                        tuple(dict.fromkeys((*good, *said.keys))),
                        tuple(dict.fromkeys((*wrong, *said.wrong))),
                    )
                )
        return found

    @property
    def _text(self) -> str:
        return _THOUGHT.sub("", self._raw)

    @property
    def _is_json(self) -> bool | None:
        """None where it cannot be told yet."""
        bare = _FENCE.sub("", self._text)
        if not bare or "<think>".startswith(bare) or re.fullmatch(r"\s*`{1,3}\w*", self._text):
            return None
        if not bare.strip("[ \n\t"):
            return None
        return re.match(r"\{|\[\s*\{", bare) is not None or _BEGINS.search(bare) is not None

    def _from_json(self, text: str) -> str:
        parts = []
        for words, keys, ended, closed in _rows(text):
            resolved = self._resolved(words if ended else _OPEN.sub("", words))
            marks = "".join(f"[{key}]" for key in self._sorted(_integers(keys))[0]) if closed else ""
            parts.append(f"{resolved} {marks}" if marks else resolved)
        return " ".join(parts)

    def _resolved(self, text: str) -> str:
        """The text with each marker as `[1][2]`, those that name no passage taken out."""
        return _MARKER.sub(
            lambda match: "".join(f"[{key}]" for key in _numbers(match[1]) if 1 <= key <= self._passages), text
        )

    def _split(self, text: str) -> Iterator[Said]:
        marker = _MARKER if _MARKER.search(text) else _ROUND
        moved = _AFTER_STOP.sub(r"\2\1", text)  # `so. [1]` -> `so [1].`: a marker belongs to the sentence before it
        found: list[tuple[str, list[str]]] = []
        for start, end in sentences(moved):
            part = moved[start:end]
            own = [match[1] for match in marker.finditer(part) if marker is _MARKER or self._known(match[1])]
            bare = marker.sub(lambda match: "" if marker is _MARKER or self._known(match[1]) else match[0], part)
            plain = re.sub(r"\s+([.,;!?])(?!\[)", r"\1", " ".join(_BULLET.sub("", bare).replace("**", "").split()))
            if re.search(r"\w", plain):
                found.append((plain, own))
            elif found:
                found[-1][1].extend(own)
        for plain, own in found:
            yield Said(plain, *self._sorted([key for numbers in own for key in _numbers(numbers)]))

    def _sorted(self, keys: Sequence[int]) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """The keys that name a passage, and the others as markers; each once."""
        good = tuple(dict.fromkeys(key for key in keys if 1 <= key <= self._passages))
        return good, tuple(dict.fromkeys(f"[{key}]" for key in keys if key not in good))

    def _known(self, numbers: str) -> bool:
        """Round brackets are a marker only where all of their numbers are passages."""
        return all(1 <= key <= self._passages for key in _numbers(numbers))


def _numbers(text: str) -> list[int]:
    """The numbers of a marker in order, ranges written out: `1, 3-5` -> 1, 3, 4, 5; a range over 20 only by its ends."""
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?:\s*(?:-|–|to)\s*(\d+))?", text):
        low, high = int(first), int(last or first)
        found += range(low, high + 1) if low <= high <= low + 20 else [low, high]
    return found


def _integers(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"-?\d+", text)]


def _rows(text: str) -> Iterator[tuple[str, str, bool, bool]]:
    """(words, keys, whether the words have ended, whether the keys have) of each statement in JSON that may be cut off."""
    for match in _TEXT.finditer(text):
        keys = _KEYS.match(text, match.end())
        try:
            words = json.loads(f'"{_CUT_ESCAPE.sub("", match[1]) if not match[2] else match[1]}"', strict=False)
        except json.JSONDecodeError:
            continue
        words = words.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair
        yield words, keys[1] if keys else "", bool(match[2]), bool(keys and keys[2])
