"""How a thread waits: for a call, and for the items of a stream."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
import weakref
from collections.abc import Coroutine, Iterator
from typing import Any, Generic, TypeVar

from .. import _process
from .._errors import Invalid
from .._pulled import Pulled

T = TypeVar("T")

_TOO_LONG = "it takes longer than it was given"


class Loop:
    """One event loop in a thread that ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Starts the work."""
        over = _process.over()
        if over is not None:
            work.close()
            raise Invalid("process_ending", over)
        return asyncio.run_coroutine_threadsafe(work, self._started())

    def run(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Waits for the work; a ``TimeoutError`` or an interrupt cancels it."""
        future = self.start(work)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise TimeoutError(_TOO_LONG) from None
        except BaseException:
            future.cancel()
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                work = self._loop.run_forever
                self._thread = threading.Thread(target=work, name="veilfold-sync", daemon=True)
                self._thread.start()
                _process.before_end(self._end)
            return self._loop

    def _end(self) -> None:
        """Ends the thread while the interpreter is whole. Daemon threads that wait go with it."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(1)


_loop = Loop()
run = _loop.run


class Stream(Generic[T]):
    """A blocking iterator. Ends by ``close()``, by leaving ``with``, when it is garbage, and when the client
    closes. Of several threads that read it, each gets items of its own.
    """

    def __init__(self, inner: Pulled[T]) -> None:
        self._inner = inner
        self._reading = threading.Lock()
        self._waiting: concurrent.futures.Future[tuple[T] | None] | None = None
        # A wait that was given up holds the inner one, which so is no garbage with this.
        weakref.finalize(self, inner._abandon).atexit = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return self.next()

    def next(self, timeout: float | None = None) -> T:
        """The next item; ``TimeoutError`` after ``timeout`` seconds, which loses nothing."""
        until = None if timeout is None else time.monotonic() + timeout
        longest = -1 if timeout is None else min(max(0, timeout), threading.TIMEOUT_MAX)
        if not self._reading.acquire(timeout=longest):
            raise TimeoutError(_TOO_LONG)
        try:
            return self._next(None if until is None else max(0, until - time.monotonic()))
        finally:
            self._reading.release()

    def _next(self, timeout: float | None) -> T:
        if _process.over() is not None:
            raise StopIteration
        if self._waiting is None:
            self._waiting = _loop.start(_next(self._inner))
        try:
            got = self._waiting.result(timeout)
        except concurrent.futures.TimeoutError:
            raise TimeoutError(_TOO_LONG) from None
        except Exception:
            self._waiting = None
            raise
        self._waiting = None
        if got is None:
            raise StopIteration
        return got[0]

    def close(self) -> None:
        """Ends it."""
        run(self._inner.aclose())

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _next(stream: Pulled[T]) -> tuple[T] | None:
    # A StopAsyncIteration would not pass through a future.
    try:
        return (await stream.__anext__(),)
    except StopAsyncIteration:
        return None
