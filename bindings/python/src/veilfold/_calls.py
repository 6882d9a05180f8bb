"""Calls of the native layer, and what each kind of them gives.

Generated, all calls that wait are of one class and all answers of another: which answer a call gives is said
here, by its caller, and checked when the answer comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar, cast

from . import _native, _process
from ._errors import NATIVE_ERRORS, Internal, Invalid, translated

T = TypeVar("T")
P = ParamSpec("P")


class Gives(Generic[T]):
    """A kind of answer."""

    def __init__(self, name: str, *, or_none: bool = False) -> None:
        self.name = name
        self.or_none = or_none
        self._class: type[_native.Answer] = getattr(_native.Answer, name)

    def of(self, answer: _native.Answer) -> T:
        """What the answer holds. Raises ``Internal`` for one of another kind."""
        if not isinstance(answer, self._class):
            raise Internal("internal", f"a call that gives {self.name} was answered by {type(answer).__name__}")
        value = None if self._class is _native.Answer.DONE else answer[0]
        if value is None and not self.or_none:
            raise Internal("internal", f"a call that gives {self.name} gave nothing")
        return cast(T, value)


DONE: Gives[None] = Gives("DONE", or_none=True)
FLAG: Gives[bool] = Gives("FLAG")
NUMBER: Gives[int] = Gives("NUMBER")
TEXT: Gives[str] = Gives("TEXT")
TEXT_OR_NONE: Gives[str | None] = Gives("TEXT", or_none=True)
JSON: Gives[bytes] = Gives("JSON")
JSON_OR_NONE: Gives[bytes | None] = Gives("JSON", or_none=True)
CLIENT: Gives[_native.Client] = Gives("CLIENT")
SPACE: Gives[_native.Space] = Gives("SPACE")
SPACES: Gives[list[_native.SpaceEntry]] = Gives("SPACES")
CLIENT_STATUS: Gives[_native.ClientStatus] = Gives("CLIENT_STATUS")
SPACE_STATUS: Gives[_native.SpaceStatus] = Gives("SPACE_STATUS")
SPACE_STATUS_OR_NONE: Gives[_native.SpaceStatus | None] = Gives("SPACE_STATUS", or_none=True)
MEMBERS: Gives[list[_native.Member]] = Gives("MEMBERS")
ADDED: Gives[_native.Added] = Gives("ADDED")
RECEIPT: Gives[_native.Receipt] = Gives("RECEIPT")
RECEIPT_OR_NONE: Gives[_native.Receipt | None] = Gives("RECEIPT", or_none=True)
OUTCOME_OR_NONE: Gives[_native.Outcome | None] = Gives("OUTCOME", or_none=True)
FATE: Gives[_native.Fate] = Gives("FATE")
FATE_BATCH_OR_NONE: Gives[_native.FateBatch | None] = Gives("FATE_BATCH", or_none=True)
EVENT_BATCH_OR_NONE: Gives[_native.EventBatch | None] = Gives("EVENT_BATCH", or_none=True)
RETRY_OR_NONE: Gives[_native.RetryRun | None] = Gives("RETRY", or_none=True)
LIVE: Gives[_native.LiveQuery] = Gives("LIVE")
STATUS_STREAM: Gives[_native.StatusStream] = Gives("STATUS_STREAM")
EVENT_STREAM: Gives[_native.EventStream] = Gives("EVENT_STREAM")
FATE_STREAM: Gives[_native.FateStream] = Gives("FATE_STREAM")
RETRY_STREAM: Gives[_native.RetryStream] = Gives("RETRY_STREAM")
TEST_RELAY: Gives[_native.TestRelay] = Gives("TEST_RELAY")
HOSTILE_RELAY: Gives[_native.HostileRelay] = Gives("HOSTILE_RELAY")


async def answered(
    gives: Gives[T], start: Callable[P, _native.AsyncCall[T]], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Starts a native call that waits, gives its answer and raises this package's errors."""
    over = _process.over()
    if over is not None:
        raise Invalid("process_ending", over)
    waiting = _process.enter()
    try:
        return await answer_of(gives, start(*args, **kwargs))
    except NATIVE_ERRORS as error:
        raise translated(error) from None
    finally:
        _process.leave(waiting)


async def answer_of(gives: Gives[T], call: _native.AsyncCall[T]) -> T:
    """Waits for the answer of a native call."""
    try:
        answer = await call.answer()
    except asyncio.CancelledError:
        # Not left to the garbage collector: a wait or a read ends with who wanted it.
        call.cancel()
        raise
    return gives.of(answer)


def told(call: Callable[[], T]) -> T:
    """Makes a native call that does not wait and raises this package's errors."""
    over = _process.over()
    if over is not None:
        raise Invalid("process_ending", over)
    try:
        return call()
    except NATIVE_ERRORS as error:
        raise translated(error) from None
