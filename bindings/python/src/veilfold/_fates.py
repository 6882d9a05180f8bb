"""What became of a write."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Union

from . import _calls, _native
from ._calls import answered, told
from ._pulled import Pulled

_BATCH = 100


@dataclass(frozen=True)
class Position:
    """A place in the order: the entry's number from 1, and the write's place in that entry."""

    seq: int
    index: int


@dataclass(frozen=True)
class Pending:
    """The order does not contain it yet."""


@dataclass(frozen=True)
class Confirmed:
    """Every device has it, at this position."""

    position: Position


@dataclass(frozen=True)
class Rejected:
    """Every device left it out. The reason is a stable code, for instance ``read_changed``."""

    reason: str
    detail: str = ""
    position: Position = Position(0, 0)
    document: tuple[str, str] | None = None
    """Collection and id of the document that it is about, if it is about one."""


@dataclass(frozen=True)
class Refused:
    """It never entered the order. The reason is a stable code, for instance ``not_allowed``."""

    reason: str
    detail: str = ""


Fate = Union[Pending, Confirmed, Rejected, Refused]
Settled = Union[Confirmed, Rejected, Refused]


class Receipt:
    """A write that this device keeps, and the way to ask for its fate.

    Asking takes nothing away; dropping it changes nothing.
    """

    def __init__(self, native: _native.Receipt) -> None:
        self._native = native

    @property
    def tx_id(self) -> str:
        """The write's id. Kept by the app, it finds the fate again: ``space.receipt(tx_id)``."""
        return told(self._native.tx_id)

    @property
    def elements(self) -> list[str]:
        """Ids of the list elements that the write made, in the order in which it made them."""
        return told(self._native.elements)

    async def fate(self) -> Fate:
        """What became of it so far.

        Raises ``Invalid`` with ``fate_forgotten`` when it is unknown here or was settled more than
        10,000 writes ago.
        """
        return fate_of(await answered(_calls.FATE, self._native.fate))

    async def attempts(self) -> int:
        """How many transactions were tried for it so far; more than 1 only for a mutator. Raises as
        :meth:`fate`.
        """
        return await answered(_calls.NUMBER, self._native.attempts)

    async def settled(self) -> Settled:
        """Waits until nothing will change the fate any more, which may take as long as the device is
        offline. Cancelling ends the waiting and nothing else. Raises as :meth:`fate`.
        """
        return settled_of(await answered(_calls.FATE, self._native.settled))

    def __repr__(self) -> str:
        return f"Receipt({self.tx_id})"


@dataclass(frozen=True)
class SettledFate:
    """A write's fate, as :class:`FateStream` tells it."""

    tx_id: str
    """The id on its receipt."""
    fate: Settled
    attempts: int
    """How many transactions were tried for it; more than 1 only for a mutator."""
    mutator: str | None
    """The name of the mutator that made it, if one did."""
    missed: int
    """How many fates before this one were forgotten, because nobody had taken them and 10,000 newer
    ones came."""


class FateStream(Pulled[SettledFate]):
    """An async iterator of :class:`SettledFate`, in the order in which they were settled.

    The device keeps its place, so that what happened while the app was not running is told too. Asking
    for more takes what was given, up to a hundred at a time; whoever is stopped before that gets those
    again, so each comes at least once. A space has one such place: use one reader.
    """

    def __init__(self, opening: Callable[[], Awaitable[_native.FateStream]]) -> None:
        super().__init__(opening, _Given().pull)


class _Given:
    """Fates that were given together."""

    def __init__(self) -> None:
        self._given: deque[SettledFate] = deque()

    async def pull(self, native: _native.FateStream) -> tuple[SettledFate] | None:
        if not self._given:
            batch = await answered(_calls.FATE_BATCH_OR_NONE, native.next_batch, _BATCH)
            if batch is None:
                return None
            missed = batch.missed
            for each in batch.fates:
                fate = settled_of(each.fate)
                self._given.append(SettledFate(each.tx_id, fate, each.attempts, each.mutator, missed))
                missed = 0
        return (self._given.popleft(),)


def settled_of(native: _native.Fate) -> Settled:
    """The same for one that nothing will change any more."""
    fate = fate_of(native)
    assert not isinstance(fate, Pending), "a settled fate is not pending"
    return fate


def fate_of(native: _native.Fate) -> Fate:
    """The fate of this package for one of the generated layer."""
    if isinstance(native, _native.Fate.CONFIRMED):
        return Confirmed(Position(native.seq, native.index))
    if isinstance(native, _native.Fate.REJECTED):
        about = (native.collection, native.document)
        document = (about[0], about[1]) if about[0] is not None and about[1] is not None else None
        return Rejected(native.code, native.detail, Position(native.seq, native.index), document)
    if isinstance(native, _native.Fate.REFUSED):
        return Refused(native.code, native.detail)
    return Pending()
