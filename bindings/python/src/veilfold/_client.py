"""The client: one device with all its spaces."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from . import _calls, _mutators, _native, _process
from ._calls import answered
from ._errors import Invalid
from ._mutators import Mutator, Registered
from ._pulled import Pulled
from ._resolvers import Module, Resolver, resolver_set
from ._space import Space, Status, status_of

_BATCH = 256

Durability = Literal["process", "power"]


class KeyStore(Protocol):
    """Where the device's root key lies, when it is not to be a file beside the store.

    Called once while a client opens, in a thread of Veilfold's own; may block. ``id`` names the
    store. What it raises becomes ``Corrupt`` at :func:`open`.
    """

    def load_root(self, id: str) -> bytes | None:
        """The 32 bytes of that id, ``None`` when none were stored."""

    def store_root(self, id: str, root: bytes) -> None:
        """Stores them; they survive a power cut then."""

    def delete_root(self, id: str) -> None:
        """Deletes them if they are there."""


@dataclass(frozen=True)
class Event:
    """Something noteworthy that no call was waiting for."""

    kind: Literal[
        "relay_misbehaved",
        "device_cloned",
        "admitted",
        "store_failed",
        "held",
        "resolver_failed",
        "diverged",
        "healed",
        "disconnected",
        "missed",
    ]
    space: str | None = None
    """Id of the space that it is about, if it is about one."""
    detail: str = ""
    """For ``held`` why, as in ``status.held``."""
    collection: str | None = None
    """Whose resolver it is about, if it is about one."""
    version: int | None = None
    """Which version of it."""
    seq: int | None = None
    """Position of a write that every device rejects because the resolver raised; where the states differ; up to
    where the log was folded again."""
    author: int | None = None
    """Number of the member whose documents differ from the ones here, although these are what this device's own
    verified log makes of them. Told once, and again when the bucket and the documents are found."""
    bucket: int | None = None
    """The bucket of the state root in which they differ, once it is known."""
    documents: tuple[tuple[str, str], ...] = ()
    """Collection and id of the documents that differ, or of the first that were wrong here and are mended now."""
    count: int | None = None
    """How many were mended; for ``missed`` how many events before the next one are lost, because nobody had
    read them and newer ones came."""


@dataclass(frozen=True)
class ClientStatus:
    """How a client stands."""

    relay: str | None
    """The relay that it was told to use."""
    wants_connection: bool
    """True while it connects, is connected, or waits to try again."""
    spaces: dict[str, Status]
    """Every space by its id; whether the relay is there is told by their states."""


class EventStream(Pulled["list[Event]"]):
    """An async iterator of lists of :class:`Event`, each list with what came since the last."""

    def __init__(self, opening: Callable[[], Awaitable[_native.EventStream]]) -> None:
        super().__init__(opening, _next_events)


async def _next_events(native: _native.EventStream) -> tuple[list[Event]] | None:
    batch = await answered(_calls.EVENT_BATCH_OR_NONE, native.next_batch, _BATCH)
    if batch is None:
        return None
    missed = [Event("missed", count=batch.missed)] if batch.missed else []
    return (missed + [event_of(event) for event in batch.events],)


class Client:
    """One device with all its spaces, over one store and at most one connection.

    Everything is kept and shown on this device first; the relay is only needed for others to see it.
    Usable from any event loop and several at once; streams belong to the loop that reads them.
    """

    def __init__(
        self, native: _native.Client, name: str, mutators: Registered, again: asyncio.Task[None]
    ) -> None:
        self._native = native
        self._name = name
        self._mutators = mutators
        self._again = again
        _process.opened(native)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def create_space(self, name: str = "") -> Space:
        """Founds a space whose only member is this device. Works offline. The name is this device's
        own.
        """
        return self._space(await answered(_calls.SPACE, self._native.create_space, name))

    async def spaces(self) -> list[Space]:
        """The spaces of this device."""
        return [await self.space(entry.id) for entry in await answered(_calls.SPACES, self._native.spaces)]

    async def space(self, id: str) -> Space:
        """A space of this device. Raises ``Invalid`` for one that it does not have."""
        return self._space(await answered(_calls.SPACE, self._native.space, id))

    def _space(self, native: _native.Space) -> Space:
        return Space(native, self._native, self._mutators)

    async def contact_card(self, name: str | None = None) -> str:
        """Makes a contact card: a text to be handed to a member, who adds it to one space. ``name`` is
        what members will see, by default the client's.
        """
        return await answered(_calls.TEXT, self._native.contact_card, self._name if name is None else name)

    async def join(self, ticket: str, name: str = "") -> Space:
        """Joins the space that a ticket names, under a name of this device's own. Works offline; the
        documents come with the connection.
        """
        return self._space(await answered(_calls.SPACE, self._native.join, ticket, name))

    async def set_relay(self, url: str | None) -> None:
        """Names the relay and connects to it; ``None`` goes offline. Everything written so far syncs."""
        await answered(_calls.DONE, self._native.set_relay, url)

    async def relay(self) -> str | None:
        """The relay's address."""
        return await answered(_calls.TEXT_OR_NONE, self._native.relay)

    async def connect(self) -> None:
        """Wants a connection, at once instead of at the next attempt. Returns before it is up."""
        await answered(_calls.DONE, self._native.connect)

    async def disconnect(self) -> None:
        """Goes offline until :meth:`connect`."""
        await answered(_calls.DONE, self._native.disconnect)

    async def sync_once(self, timeout: float) -> bool:
        """Connects, waits at most ``timeout`` seconds until every space has sent and fetched everything,
        and goes offline again if it was before. ``False`` means not everything, and it goes on with the
        next connection. For scripts and background tasks.

        Raises ``Offline`` without a relay, ``RelayMisbehaved`` when the relay was caught.
        """
        return await answered(_calls.FLAG, self._native.sync_once, max(0, int(timeout * 1000)))

    async def status(self) -> ClientStatus:
        """How it stands with the relay, and every space. Does not wait for the relay."""
        native = await answered(_calls.CLIENT_STATUS, self._native.status)
        spaces = {entry.id: status_of(entry.status) for entry in native.spaces}
        return ClientStatus(native.relay, native.wants_connection, spaces)

    def events(self) -> EventStream:
        """What happens that no call waits for: a relay that misbehaves, lost connections, a full disk.

        The first stream begins with what happened since the client was opened, a later one when it is read.
        Of what nobody reads, the newest 256 are kept, and an event ``missed`` says how many were not.
        """
        return EventStream(lambda: answered(_calls.EVENT_STREAM, self._native.events))

    async def close(self) -> None:
        """Closes the client: streams end, waiting calls raise ``Invalid`` with ``closed``, the store is
        released. What the relay does not have yet is sent after the next opening. Closing twice is no
        error.
        """
        await answered(_calls.DONE, self._native.close)
        _process.closed(self._native)
        await _mutators.ended(self._again)


async def open(
    path: str | os.PathLike[str],
    *,
    relay: str | None = None,
    name: str = "",
    durability: Durability = "process",
    key_store: KeyStore | None = None,
    mutators: Iterable[Mutator[Any]] = (),
    resolvers: Iterable[Resolver | Module] = (),
    app_version: str = "",
) -> Client:
    """Opens the device whose store is the file ``path``, or makes a new one there.

    With a relay (``wss://…`` or ``ws://…``) it starts to connect and goes on trying; being offline is
    no error. ``name`` is what other members see in spaces that it founds. ``durability`` says what a
    write has survived when its call returns: a killed process, or a power cut. ``mutators`` are those that
    ``space.mutate`` may name; they are run again by a task of the event loop that opens the client, so keep
    that loop running. ``resolvers`` are the app's own for its collections, in all their versions. When another
    writer's documents differ from this device's, each ``app_version`` folds the log again at most once.

    Raises ``Invalid`` when the store is open already, here or in another process (``store_in_use``),
    ``NewerVersion``, and ``Corrupt`` for a damaged store or a lost key (``keys_lost``).
    """
    if durability not in ("process", "power"):
        raise Invalid("bad_durability", "durability is 'process' or 'power'")
    config = _native.ClientConfig(
        relay=relay,
        name=name,
        power_safe=durability == "power",
        key_id=None,
        app_version=app_version,
    )
    store = None if key_store is None else _KeyStore(key_store)
    known = _mutators.by_name(mutators)
    brought = resolver_set(resolvers)
    client = await answered(_calls.CLIENT, _native.open_client, os.fspath(path), config, store, brought)
    again = _mutators.start(await answered(_calls.RETRY_STREAM, client.retries), known)
    return Client(client, name, known, again)


class _KeyStore(_native.KeyStore):
    """An app's key store behind a net: what it raises may hold anything and is not passed on."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    def load_root(self, id: str) -> bytes | None:
        return _safely(lambda: self._store.load_root(id))

    def store_root(self, id: str, root: bytes) -> None:
        _safely(lambda: self._store.store_root(id, root))

    def delete_root(self, id: str) -> None:
        _safely(lambda: self._store.delete_root(id))


def _safely(call: Callable[[], bytes | None]) -> bytes | None:
    try:
        return call()
    except BaseException as error:
        raise _native.KeyStoreError.Failed(type(error).__name__) from None


def _names(documents: list[_native.DocumentName]) -> tuple[tuple[str, str], ...]:
    return tuple((name.collection, name.id) for name in documents)


def event_of(native: _native.Event) -> Event:
    """The event of this package."""
    if isinstance(native, _native.Event.RELAY_MISBEHAVED):
        return Event("relay_misbehaved", native.space, native.fault)
    if isinstance(native, _native.Event.DEVICE_CLONED):
        return Event("device_cloned", native.space)
    if isinstance(native, _native.Event.ADMITTED):
        return Event("admitted", native.space)
    if isinstance(native, _native.Event.STORE_FAILED):
        return Event("store_failed", None, native.detail)
    if isinstance(native, _native.Event.HELD):
        return Event("held", native.space, native.why, native.collection, native.version)
    if isinstance(native, _native.Event.RESOLVER_FAILED):
        return Event("resolver_failed", native.space, collection=native.collection, seq=native.seq)
    if isinstance(native, _native.Event.DIVERGED):
        return Event(
            "diverged",
            native.space,
            seq=native.seq,
            author=native.author,
            bucket=native.bucket,
            documents=_names(native.documents),
        )
    if isinstance(native, _native.Event.HEALED):
        return Event(
            "healed",
            native.space,
            seq=native.seq,
            bucket=native.bucket,
            documents=_names(native.documents),
            count=native.count,
        )
    assert isinstance(native, _native.Event.DISCONNECTED)
    return Event("disconnected", None, native.detail)
