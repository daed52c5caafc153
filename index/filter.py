"""Which cables to search: a Filter, and what it is in SQL.

Flows in: a Filter. Flows out: a WHERE clause on `cables c` and its values. This module does not know what is
searched, nor how a filter is written on a command line or in a question.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from index.cable import normalise_reference_id
from index.database import IN_LIST, Database


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cables to search; what is None or empty admits all, and the rest must all hold. Of several values any one will do.

    `origin`: the whole name in any case, or where no cable has it a part of one (`astana`: Embassy Astana).
    `classification`: whole, in any case. `tag`: one of the cable's TAGS, in any case. `sent_from`, `sent_to`: days
    in UTC, both included; a cable without a date is in no such range. `cables`: any of these reference IDs.
    """

    origin: str | tuple[str, ...] | None = None
    classification: str | tuple[str, ...] | None = None
    tag: str | tuple[str, ...] | None = None
    sent_from: date | None = None
    sent_to: date | None = None
    cables: tuple[str, ...] = ()


def condition(database: Database, where: Filter | None) -> tuple[str, list[Any]]:
    """A WHERE clause on `cables c`, empty where all are admitted, and its values."""
    parts: list[str] = []
    values: list[Any] = []
    if where and where.origin:
        origins = [origin for (origin,) in database.all("SELECT DISTINCT origin FROM cables")]
        parts.append(f"c.origin {IN_LIST}")
        values.append(json.dumps([name for each in _several(where.origin) for name in _named(each, origins)]))
    if where and where.classification:
        parts.append("lower(c.classification) IN (SELECT lower(value) FROM json_each(?))")
        values.append(json.dumps(_several(where.classification)))
    if where and where.tag:
        asked = "SELECT upper(value) FROM json_each(?)"
        parts.append(f"EXISTS (SELECT 1 FROM json_each(c.tags) WHERE upper(value) IN ({asked}))")
        values.append(json.dumps(_several(where.tag)))
    for comparison, day in ((">=", where and where.sent_from), ("<=", where and where.sent_to)):
        if day:
            parts.append(f"substr(c.sent, 1, 10) {comparison} ?")
            values.append(f"{day:%Y-%m-%d}")
    if where and where.cables:
        parts.append(f"c.reference_id {IN_LIST}")
        names = (name for each in where.cables for name in (each, each.upper(), normalise_reference_id(each)))
        values.append(json.dumps([name for name in names if name]))
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


def _several(value: str | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _named(asked: str, origins: Sequence[str]) -> list[str]:
    whole = [origin for origin in origins if origin.casefold() == asked.casefold()]
    return whole or [origin for origin in origins if asked.casefold() in origin.casefold()]
