"""Live queries: consistent states, and what is different in each."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from . import _calls, _native
from ._calls import answered
from ._json import Row, loads
from ._pulled import Pulled

_BATCH = 500


@dataclass(frozen=True)
class Change:
    """One consistent state, and what is different from the one before."""

    rows: list[Row]
    """All documents, by id."""
    inserted: list[Row]
    """Documents that are new."""
    updated: list[Row]
    """Documents that were there and may have changed."""
    removed: list[str]
    """Ids of documents that are gone."""


class LiveQuery(Pulled[Change]):
    """An async iterator of :class:`Change`."""

    def __init__(self, opening: Callable[[], Awaitable[_native.LiveQuery]]) -> None:
        super().__init__(opening, _Rows().pull)


class _Rows:
    """What a live query shows so far."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._ids: list[str] = []
        self._change = _Assembly()

    async def pull(self, native: _native.LiveQuery) -> tuple[Change] | None:
        while True:
            batch = await answered(_calls.JSON_OR_NONE, native.next_batch, _BATCH)
            if batch is None:
                return None
            got = loads(batch)
            self._change.add(got)
            if got["complete"]:
                break
        change, self._change = self._change, _Assembly()
        for id, row in change.inserted.items():
            if id not in self._rows:
                insort(self._ids, id)
            self._rows[id] = row
        self._rows.update(change.updated)
        for id in change.removed:
            if self._rows.pop(id, None) is not None:
                del self._ids[bisect_left(self._ids, id)]
        rows = [self._rows[id] for id in self._ids]
        inserted, updated = list(change.inserted.values()), list(change.updated.values())
        return (Change(rows, inserted, updated, sorted(change.removed)),)


class _Assembly:
    """Batches of one state, put together."""

    def __init__(self) -> None:
        self.inserted: dict[str, Row] = {}
        self.updated: dict[str, Row] = {}
        self.removed: set[str] = set()

    def add(self, batch: dict[str, Any]) -> None:
        for id, fields in batch["inserted"]:
            into = self.updated if id in self.removed else self.inserted
            self.removed.discard(id)
            into[id] = Row(id, fields)
        for id, fields in batch["updated"]:
            into = self.inserted if id in self.inserted else self.updated
            into[id] = Row(id, fields)
        for id in batch["removed"]:
            self.updated.pop(id, None)
            if self.inserted.pop(id, None) is None:
                self.removed.add(id)


class LiveDocument(Pulled["dict[str, Any] | None"]):
    """An async iterator of one document's states: a ``dict``, or ``None`` while there is none."""

    def __init__(self, opening: Callable[[], Awaitable[_native.LiveQuery]]) -> None:
        super().__init__(opening, _next_state)


async def _next_state(native: _native.LiveQuery) -> tuple[dict[str, Any] | None] | None:
    batch = await answered(_calls.JSON_OR_NONE, native.next_batch, _BATCH)
    if batch is None:
        return None
    got = loads(batch)
    rows = got["inserted"] + got["updated"]
    return (rows[0][1] if rows else None,)
