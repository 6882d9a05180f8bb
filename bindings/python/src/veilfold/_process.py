"""The end of the process, and forks: when the interpreter goes, no native thread may still call it.

A native thread that calls into an interpreter which is being torn down ends the process with SIGABRT.
So before that happens clients are closed, native threads are ended, and nothing new is started.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import os
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from . import _loops, _native

_loops.mend()

_CLOSING_MS = 2000
_DRAINING_S = 0.5

_over: str | None = None
_pending: dict[object, asyncio.Task[Any] | None] = {}
_resolving: set[int] = set()
background: set[asyncio.Task[None]] = set()
"""Tasks of Veilfold's own, which nobody else holds and no end waits for."""
_clients: weakref.WeakSet[_native.Client] = weakref.WeakSet()
_before: list[Callable[[], None]] = []


def over() -> str | None:
    """Why no call can be made any more, or ``None``."""
    return _over


def enter() -> object:
    """Notes a call that waits, and the task that it waits in."""
    token = object()
    _pending[token] = asyncio.current_task()
    return token


def leave(token: object) -> None:
    """Its end."""
    _pending.pop(token, None)


@contextmanager
def resolving() -> Generator[None, None, None]:
    """Around a function of the app that a native thread runs. Refused when the process ends."""
    if _over is not None:
        raise SystemExit
    thread = threading.get_ident()
    _resolving.add(thread)
    try:
        yield
    finally:
        _resolving.discard(thread)


def opened(client: _native.Client) -> None:
    """Notes a client that is to be closed."""
    _clients.add(client)


def closed(client: _native.Client) -> None:
    """Its end."""
    _clients.discard(client)


def before_end(call: Callable[[], None]) -> None:
    """Calls this first at the end of the process."""
    _before.append(call)


@atexit.register
def _end() -> None:
    global _over
    _leave_handles()
    if _over is not None:
        return
    _over = "the process is ending"
    for call in _before:
        call()
    _end_resolvers()
    for client in list(_clients):
        try:
            client.close_blocking(_CLOSING_MS)
        except (_native.VeilfoldError, _native.InternalError):
            pass  # there is nobody left to tell
    _native.end_runtime(_CLOSING_MS)
    # Threads of the app hear that their calls have ended; one of them could be in a native call.
    until = time.monotonic() + _DRAINING_S
    while (_resolving or any(_goes_on(task) for task in list(_pending.values()))) and time.monotonic() < until:
        time.sleep(0.002)


def _goes_on(task: asyncio.Task[Any] | None) -> bool:
    """Whether it can hear that its call has ended."""
    return task is None or task.get_loop().is_running()


def _end_resolvers() -> None:
    """One that never ends would be in the interpreter when that goes."""
    for thread in list(_resolving):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(SystemExit))


def _leave_handles() -> None:
    """What is not freed by now goes with the process: the module that would free it may go first."""
    for thing in vars(_native).values():
        if isinstance(thing, type) and "__del__" in vars(thing):
            setattr(thing, "__del__", _nothing)


def _nothing(_: object) -> None: ...


def _forked() -> None:
    """The threads stayed with the parent, so nothing of Veilfold works in a forked child."""
    global _over
    _over = "this process was forked from one that uses veilfold; start it with 'spawn', or import later"
    _clients.clear()
    # Their loops are gone, and destroying them would end their calls by native code that waits for nobody.
    # With one reference too many they are left alone, also when the interpreter goes.
    for task in (*_pending.values(), *background):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(task))
    _pending.clear()
    _resolving.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
