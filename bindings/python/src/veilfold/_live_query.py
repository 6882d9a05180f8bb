"""Live queries and other streams, pulled: a slow reader gets the newest state and holds nobody up."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from . import _native
from ._errors import Invalid, answered, told
from ._json import Row, loads

T = TypeVar("T")
Native = TypeVar("Native", bound="Cancellable")
Stream = TypeVar("Stream", bound="Pulled[Any, Any]")

_BATCH = 500


class Cancellable(Protocol):
    """What every native stream has."""

    def cancel(self) -> None: ...


class Pulled(Generic[Native, T]):
    """A native stream behind an async iterator of one event loop.

    Cancelling a wait, also by ``asyncio.wait_for``, loses nothing: the next wait goes on with it.
    Ends by ``aclose()``, by leaving ``async with``, when it is garbage, and when the client closes.
    """

    def __init__(self, opening: Callable[[], _native.AsyncCall[Native]]) -> None:
        self._opening = opening
        self._native: Native | None = None
        self._wait: asyncio.Task[tuple[T] | None] | None = None
        self._ended = False

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._ended:
            if self._wait is None:
                self._wait = asyncio.ensure_future(self._step())
            wait = self._wait
            try:
                got = await asyncio.shield(wait)
            except BaseException:
                # A wait that has something keeps it for whoever asks next.
                if wait.done() and (wait.cancelled() or wait.exception() is not None):
                    self._wait = None
                raise
            if self._wait is not wait:
                continue  # another task that asked at the same time took it
            self._wait = None
            if got is None:
                self._ended = True
                break
            return got[0]
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Ends it; a wait ends as if there was nothing more."""
        self._ended = True
        if self._native is not None:
            told(self._native.cancel)
        if self._wait is not None:
            await asyncio.gather(self._wait, return_exceptions=True)
            self._wait = None

    async def __aenter__(self: Stream) -> Stream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _step(self) -> tuple[T] | None:
        try:
            if self._native is None:
                self._native = await answered(self._opening)
            if self._ended:
                told(self._native.cancel)
                return None
            return await self._pull(self._native)
        except Invalid as error:
            # The end of the process ends streams as the end of their client does.
            if error.code == "process_ending":
                return None
            raise

    async def _pull(self, native: Native) -> tuple[T] | None:
        """Waits for the next item; ``None`` at the end."""
        raise NotImplementedError


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


class LiveQuery(Pulled[_native.LiveQuery, Change]):
    """An async iterator of :class:`Change`."""

    def __init__(self, opening: Callable[[], _native.AsyncCall[_native.LiveQuery]]) -> None:
        super().__init__(opening)
        self._rows: dict[str, Row] = {}
        self._ids: list[str] = []
        self._change = _Assembly()

    async def _pull(self, native: _native.LiveQuery) -> tuple[Change] | None:
        while True:
            batch = await answered(native.next_batch, _BATCH)
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


class LiveDocument(Pulled[_native.LiveQuery, "dict[str, Any] | None"]):
    """An async iterator of one document's states: a ``dict``, or ``None`` while there is none."""

    async def _pull(self, native: _native.LiveQuery) -> tuple[dict[str, Any] | None] | None:
        batch = await answered(native.next_batch, _BATCH)
        if batch is None:
            return None
        got = loads(batch)
        rows = got["inserted"] + got["updated"]
        return (rows[0][1] if rows else None,)
