"""Streams, pulled: a slow reader gets the newest state and holds nobody up."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from . import _process
from ._calls import told
from ._errors import NATIVE_ERRORS, Invalid

T = TypeVar("T")
Native = TypeVar("Native", bound="Cancellable")
Stream = TypeVar("Stream", bound="Pulled[Any]")


class Cancellable(Protocol):
    """What every native stream has."""

    def cancel(self) -> None: ...


class Pulled(Generic[T]):
    """A native stream behind an async iterator of one event loop.

    Cancelling a wait, also by ``asyncio.wait_for``, loses nothing: the next wait goes on with it.
    Ends by ``aclose()``, by leaving ``async with``, when it is garbage, and when the client closes.
    """

    def __init__(
        self,
        opening: Callable[[], Awaitable[Native]],
        pull: Callable[[Native], Awaitable[tuple[T] | None]],
    ) -> None:
        """``pull`` waits for the next item, and gives ``None`` at the end."""
        self._waits: _Waits[Any, T] = _Waits(opening, pull)
        self._abandon = self._waits.abandon
        weakref.finalize(self, self._abandon).atexit = False

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await self._waits.next()

    async def aclose(self) -> None:
        """Ends it; a wait ends as if there was nothing more."""
        await self._waits.close()

    async def __aenter__(self: Stream) -> Stream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Waits(Generic[Native, T]):
    """The waits of a stream, one after the other. One goes on when who asked for it gave up, so it must not
    hold the stream: nothing else would tell that nobody asks again.
    """

    def __init__(
        self,
        opening: Callable[[], Awaitable[Native]],
        pull: Callable[[Native], Awaitable[tuple[T] | None]],
    ) -> None:
        self._opening = opening
        self._pull = pull
        self._native: Native | None = None
        self._task: asyncio.Task[tuple[T] | None] | None = None
        self._ended = False

    async def next(self) -> T:
        """The next item; one of several that ask at the same time gets it."""
        while not self._ended:
            if self._task is None:
                self._task = asyncio.ensure_future(self._step())
                self._task.add_done_callback(_heard)
            task = self._task
            if task.get_loop() is not asyncio.get_running_loop():
                raise Invalid("other_loop", "a wait of this stream is under way in another event loop")
            # Unlike awaiting it, this leaves the task alone when the caller is cancelled.
            await asyncio.wait({task})
            if self._task is not task:
                continue  # another that asked took it
            self._task = None
            got = task.result()
            if got is not None:
                return got[0]
            self._ended = True
        raise StopAsyncIteration

    async def close(self) -> None:
        """Ends them."""
        self._ended = True
        if self._native is not None:
            told(self._native.cancel)
        task = self._task
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait({task})
            self._task = None

    def abandon(self) -> None:
        """Ends them when the stream is garbage, in whatever thread finds that."""
        self._ended = True
        native = self._native
        if native is not None and _process.over() is None:
            try:
                native.cancel()
            except NATIVE_ERRORS:
                pass  # there is nobody to tell

    async def _step(self) -> tuple[T] | None:
        try:
            if self._native is None:
                self._native = await self._opening()
            if self._ended:
                told(self._native.cancel)
                return None
            return await self._pull(self._native)
        except Invalid as error:
            # The end of the process ends streams as the end of their client does.
            if error.code == "process_ending":
                return None
            raise


def _heard(task: asyncio.Task[Any]) -> None:
    """Has asyncio not report what a wait raised that nobody asks for any more."""
    if not task.cancelled():
        task.exception()
