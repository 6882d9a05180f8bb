"""A space: its collections, transactions, members, and how it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, overload

from . import _calls, _native
from ._collection import Collection
from ._calls import answered, told
from ._errors import Invalid
from ._fates import FateStream, Receipt
from ._json import dumps
from ._pulled import Pulled
from ._mutators import Mutator, Registered, of_args, registered
from ._transaction import Transacted, Transaction, transact

T = TypeVar("T")
Args = TypeVar("Args")

Role = Literal["reader", "writer", "admin", "owner"]
Held = Literal["key_missing", "update_required", "resolver_stuck"]
State = Literal["offline", "connecting", "refused", "catching_up", "live", "held", "forked"]

_HELD: dict[str, Held] = {
    "key_missing": "key_missing",
    "update_required": "update_required",
    "resolver_stuck": "resolver_stuck",
}
_ROLES: dict[str, _native.MemberRole] = {
    "reader": _native.MemberRole.READER,
    "writer": _native.MemberRole.WRITER,
    "admin": _native.MemberRole.ADMIN,
    "owner": _native.MemberRole.OWNER,
}
_ROLE_NAMES: dict[_native.MemberRole, Role] = {
    _native.MemberRole.READER: "reader",
    _native.MemberRole.WRITER: "writer",
    _native.MemberRole.ADMIN: "admin",
    _native.MemberRole.OWNER: "owner",
}


@dataclass(frozen=True)
class Member:
    """A member as this device knows it."""

    number: int
    role: Role
    name: str | None
    me: bool


@dataclass(frozen=True)
class Status:
    """How a space stands."""

    state: State
    """``live`` when what is ordered arrives as it is ordered; ``refused`` before this device was added;
    ``held`` while entries are kept and not folded; ``forked`` when the relay was caught."""
    outbox_count: int
    """Own writes that the order does not contain yet."""
    stored_count: int
    """Of these, how many the relay has stored."""
    seq: int
    """Newest position that this device has verified and folded."""
    catching_up: tuple[int, int] | None = None
    """Done and total, in positions."""
    fault: str | None = None
    """What the relay did, when it was caught."""
    held: Held | None = None
    """Why entries are kept and not folded: their key is missing; this version of the app is too old for a
    collection's resolver; or a resolver gives no answer and is asked again. The space stays readable."""


class Ticket(str):
    """What somebody who was added needs to join; a text without secrets. ``receipt`` tells when the
    order contains the addition.
    """

    receipt: Receipt


class StatusStream(Pulled[Status]):
    """An async iterator of :class:`Status`: the present one, then each that is different."""

    def __init__(self, opening: Callable[[], Awaitable[_native.StatusStream]]) -> None:
        super().__init__(opening, _next_status)


async def _next_status(native: _native.StatusStream) -> tuple[Status] | None:
    status = await answered(_calls.SPACE_STATUS_OR_NONE, native.next)
    return None if status is None else (status_of(status),)


class Space:
    """A space of this device."""

    def __init__(self, native: _native.Space, client: _native.Client, mutators: Registered) -> None:
        self._native = native
        self._client = client  # what is closed when the process ends, although the app may not hold it any more
        self._mutators = mutators

    @property
    def id(self) -> str:
        """Its id, 64 hex digits, the same on every device."""
        return told(self._native.id)

    @property
    def name(self) -> str:
        """This device's own name for it; others do not see it."""
        return told(self._native.name)

    def collection(self, name: str) -> Collection:
        """A collection of it. Nothing has to be declared."""
        return Collection(self._native, self._client, name)

    async def transact(self, function: Callable[[Transaction], T]) -> Transacted[T]:
        """Runs ``function(tx)`` and commits what it asked for, all or nothing. Works offline.

        The function is a plain one. It runs in a worker thread, more than once if what it read
        changes meanwhile on this device, so it has no side effects. If somebody else changes what it
        read before the order has it, the receipt's fate is ``Rejected``. When it raises, nothing is
        written and the exception comes out here.
        """
        return await transact(self._native.begin, function)

    @overload
    async def mutate(self, mutator: Mutator[Args], args: Args) -> Receipt | None: ...

    @overload
    async def mutate(self, mutator: str, args: Any) -> Receipt | None: ...

    async def mutate(self, mutator: Mutator[Any] | str, args: Any) -> Receipt | None:
        """Runs a mutator that the client was opened with, as :meth:`transact` runs a function, and again
        by itself whenever the order rejects what it did, up to eight times, also after a restart.

        The receipt settles after the last try: ``Confirmed`` if one held, else ``Rejected``, or ``Refused``
        with ``mutator_missing`` or ``mutator_failed`` when it could not be run again. ``None`` when the
        mutator asked for nothing. ``args`` are JSON.

        Raises ``Invalid`` with ``mutator_missing`` when the client was opened without it, and what the
        mutator raises in this first run.
        """
        name, called = self._mutation(mutator, args)
        return (await transact(lambda: self._native.begin_mutation(*name), called)).receipt

    def _mutation(
        self, mutator: Mutator[Any] | str, args: Any
    ) -> tuple[tuple[str, bytes], Callable[[Transaction], object]]:
        found, json = registered(self._mutators, mutator), dumps(args)
        return (found.name, json), of_args(found, json)

    def fates(self) -> FateStream:
        """What became of this device's writes, from the first that nobody has taken yet, also those of
        earlier runs of the process: ``async for settled in space.fates()``.
        """
        return FateStream(lambda: answered(_calls.FATE_STREAM, self._native.fates))

    async def enable_resolvers(self) -> Receipt | None:
        """Has the space accept the newest version of every resolver that the client was opened with, for
        ever. ``None`` when it accepts all of them already, as a space does that this client has founded.

        Devices whose app does not know them hold (``update_required``) until it is updated. Raises
        ``NotAllowed`` for who is no admin.
        """
        receipt = await answered(_calls.RECEIPT_OR_NONE, self._native.enable_resolvers)
        return None if receipt is None else Receipt(receipt)

    def receipt(self, tx_id: str) -> Receipt:
        """The receipt of a write whose id the app kept, also from an earlier run of the process."""
        return Receipt(told(lambda: self._native.receipt(tx_id)))

    async def add_member(self, card: str, role: Role = "writer") -> Ticket:
        """Adds the holder of a contact card and gives the ticket for them. Works offline.

        Raises ``NotAllowed`` when this device's role may not give that role, ``Invalid`` for what is
        no card and for one that was added before.
        """
        added = await answered(_calls.ADDED, self._native.add_member, card, role_of(role))
        ticket = Ticket(added.ticket)
        ticket.receipt = Receipt(added.receipt)
        return ticket

    async def members(self) -> list[Member]:
        """Who is in the space, as far as this device has folded the order."""
        return [member_of(member) for member in await answered(_calls.MEMBERS, self._native.members)]

    async def status(self) -> Status:
        """How it stands with the relay, and how much waits in the outbox."""
        return status_of(await answered(_calls.SPACE_STATUS, self._native.status))

    def status_stream(self) -> StatusStream:
        """The status as it changes: ``async for status in space.status_stream()``."""
        return StatusStream(lambda: answered(_calls.STATUS_STREAM, self._native.status_stream))

    async def state_root(self) -> str:
        """Hash over the whole ordered state, 64 hex digits: equal on all devices at one position.

        Raises ``Invalid`` with ``not_folded`` while something ordered cannot be opened yet.
        """
        return await answered(_calls.TEXT, self._native.state_root)

    async def synced(self) -> Status:
        """Waits until the order contains all own writes and this device has caught up.

        Raises ``Offline`` when no relay is named, ``RelayMisbehaved`` when the relay was caught.
        """
        return status_of(await answered(_calls.SPACE_STATUS, self._native.synced))

    async def reached(self, seq: int) -> Status:
        """Waits until this device has folded the order up to a position. Raises as :meth:`synced`."""
        return status_of(await answered(_calls.SPACE_STATUS, self._native.reached, seq))

    def __repr__(self) -> str:
        return f"Space({self.id[:8]}…)"


def role_of(role: str) -> _native.MemberRole:
    """The role of the generated layer."""
    native = _ROLES.get(role)
    if native is None:
        raise Invalid("bad_role", f"a role is one of {', '.join(_ROLES)}")
    return native


def member_of(native: _native.Member) -> Member:
    """The member of this package."""
    return Member(native.number, _ROLE_NAMES[native.role], native.name, native.me)


def status_of(native: _native.SpaceStatus) -> Status:
    """The status of this package."""
    status = _status_of(native)
    return status if native.held is None else replace(status, held=_HELD.get(native.held))


def _status_of(native: _native.SpaceStatus) -> Status:
    state = native.state
    counts = (native.outbox_count, native.stored_count, native.seq)
    if isinstance(state, _native.SyncState.CATCHING_UP):
        return Status("catching_up", *counts, catching_up=(state.done, state.total))
    if isinstance(state, _native.SyncState.FORKED):
        return Status("forked", *counts, fault=state.fault)
    if isinstance(state, _native.SyncState.OFFLINE):
        return Status("offline", *counts)
    if isinstance(state, _native.SyncState.CONNECTING):
        return Status("connecting", *counts)
    if isinstance(state, _native.SyncState.REFUSED):
        return Status("refused", *counts)
    if isinstance(state, _native.SyncState.HELD):
        return Status("held", *counts)
    return Status("live", *counts)
