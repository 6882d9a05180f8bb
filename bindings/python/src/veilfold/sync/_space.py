"""Spaces and transactions, blocking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from .. import _calls, _fates, _native, _space
from .._calls import answered, told
from .._fates import SettledFate
from .._mutators import Mutator
from .._space import Member, Role, Status
from .._transaction import Transaction, check
from ._collection import Collection, Receipt
from ._waiting import Stream, run

T = TypeVar("T")
Args = TypeVar("Args")


class Transacted(Generic[T]):
    """A committed transaction: what its function returned, and a receipt if it wrote anything."""

    def __init__(self, value: T, receipt: Receipt | None) -> None:
        self.value = value
        self.receipt = receipt


class Space:
    """A space of this device. See :class:`veilfold.Space`."""

    def __init__(self, inner: _space.Space) -> None:
        self._inner = inner

    @property
    def id(self) -> str:
        """Its id."""
        return self._inner.id

    @property
    def name(self) -> str:
        """This device's own name for it."""
        return self._inner.name

    def collection(self, name: str) -> Collection:
        """A collection of it."""
        return Collection(self._inner.collection(name))

    def transact(self, function: Callable[[Transaction], T]) -> Transacted[T]:
        """Runs ``function(tx)`` in the caller's thread and commits what it asked for, all or nothing.
        See :meth:`veilfold.Space.transact`.
        """
        check(function)
        return _until_committed(self._inner._native.begin, function)

    @overload
    def mutate(self, mutator: Mutator[Args], args: Args) -> Receipt | None: ...

    @overload
    def mutate(self, mutator: str, args: Any) -> Receipt | None: ...

    def mutate(self, mutator: Mutator[Any] | str, args: Any) -> Receipt | None:
        """Runs a mutator in the caller's thread, and again by itself in another one whenever the order
        rejects what it did. See :meth:`veilfold.Space.mutate`.
        """
        name, called = self._inner._mutation(mutator, args)
        return _until_committed(lambda: self._inner._native.begin_mutation(*name), called).receipt

    def fates(self) -> Stream[SettledFate]:
        """What became of this device's writes. Each comes at least once; use one reader."""
        return Stream(self._inner.fates())

    def enable_resolvers(self) -> Receipt | None:
        """Has the space accept the newest version of every resolver that the client was opened with."""
        receipt = run(self._inner.enable_resolvers())
        return None if receipt is None else Receipt(receipt)

    def receipt(self, tx_id: str) -> Receipt:
        """The receipt of a write whose id the app kept."""
        return Receipt(self._inner.receipt(tx_id))

    def add_member(self, card: str, role: Role = "writer") -> _space.Ticket:
        """Adds the holder of a contact card and gives the ticket for them."""
        return run(self._inner.add_member(card, role))

    def members(self) -> list[Member]:
        """Who is in the space."""
        return run(self._inner.members())

    def status(self) -> Status:
        """How it stands."""
        return run(self._inner.status())

    def status_stream(self) -> Stream[Status]:
        """The status as it changes."""
        return Stream(self._inner.status_stream())

    def state_root(self) -> str:
        """Hash over the whole ordered state."""
        return run(self._inner.state_root())

    def synced(self, timeout: float | None = None) -> Status:
        """Waits until the order contains all own writes; ``TimeoutError`` after ``timeout`` seconds."""
        return run(self._inner.synced(), timeout)

    def reached(self, seq: int, timeout: float | None = None) -> Status:
        """Waits for a position of the order; ``TimeoutError`` after ``timeout`` seconds."""
        return run(self._inner.reached(seq), timeout)


def _until_committed(
    begin: Callable[[], _native.TransactionBuilder], function: Callable[[Transaction], T]
) -> Transacted[T]:
    """As the asynchronous one, in the caller's thread."""
    while True:
        native = told(begin)
        try:
            value = function(Transaction(native))
        except Exception:
            if run(_is_current(native)):
                raise
            continue
        outcome = run(_commit(native))
        if outcome is not None:
            receipt = outcome.receipt
            return Transacted(value, None if receipt is None else Receipt(_fates.Receipt(receipt)))


async def _is_current(native: _native.TransactionBuilder) -> bool:
    return await answered(_calls.FLAG, native.is_current)


async def _commit(native: _native.TransactionBuilder) -> _native.Outcome | None:
    return await answered(_calls.OUTCOME_OR_NONE, native.commit)
