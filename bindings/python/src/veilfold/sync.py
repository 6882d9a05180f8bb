"""The blocking twin, for scripts and tests: the same calls without ``await``.

    with veilfold.sync.open("alice.db") as alice:
        items = alice.create_space("Groceries").collection("items")
        items.put("milk", {"title": "Milk", "qty": 1})

Every call waits in its own thread while the asynchronous one runs in a thread of this module, so it may
be used from any thread, also beside a running event loop (which it would block).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, overload

from . import _calls, _client, testing
from . import _collection as _async_collection
from . import _fates as _async_fates
from . import _native, _process
from . import _space as _async_space
from ._actions import Splice
from ._client import ClientStatus, Durability, Event, KeyStore
from ._collection import ListElement
from ._calls import answered, told
from ._errors import Invalid
from ._fates import Fate, Settled, SettledFate
from ._json import Path, Row
from ._live_query import Change
from ._mutators import Mutator
from ._pulled import Pulled
from ._resolvers import Module, Resolver
from ._space import Member, Role, Status
from ._transaction import Transaction, check

T = TypeVar("T")
Args = TypeVar("Args")

_TOO_LONG = "it takes longer than it was given"


class _Loop:
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


_loop = _Loop()
_run = _loop.run


class Receipt:
    """A write, and the way to ask for its fate. See :class:`veilfold.Receipt`."""

    def __init__(self, inner: _async_fates.Receipt) -> None:
        self._inner = inner

    @property
    def tx_id(self) -> str:
        """The write's id."""
        return self._inner.tx_id

    @property
    def elements(self) -> list[str]:
        """Ids of the list elements that the write made."""
        return self._inner.elements

    def fate(self) -> Fate:
        """What became of it so far."""
        return _run(self._inner.fate())

    def attempts(self) -> int:
        """How many transactions were tried for it so far."""
        return _run(self._inner.attempts())

    def settled(self, timeout: float | None = None) -> Settled:
        """Waits until nothing will change the fate any more; ``TimeoutError`` after ``timeout`` seconds."""
        return _run(self._inner.settled(), timeout)


class Transacted(Generic[T]):
    """A committed transaction: what its function returned, and a receipt if it wrote anything."""

    def __init__(self, value: T, receipt: Receipt | None) -> None:
        self.value = value
        self.receipt = receipt


class Stream(Generic[T]):
    """A blocking iterator. Ends by ``close()``, by leaving ``with``, and when the client closes."""

    def __init__(self, inner: Pulled[T]) -> None:
        self._inner = inner
        self._waiting: concurrent.futures.Future[tuple[T] | None] | None = None

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return self.next()

    def next(self, timeout: float | None = None) -> T:
        """The next item; ``TimeoutError`` after ``timeout`` seconds, which loses nothing."""
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
        _run(self._inner.aclose())

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


class Collection:
    """A collection of one space. See :class:`veilfold.Collection`."""

    def __init__(self, inner: _async_collection.Collection) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """Its name."""
        return self._inner.name

    def get(self, id: str) -> dict[str, Any] | None:
        """A document as it is visible."""
        return _run(self._inner.get(id))

    def all(self) -> list[Row]:
        """All documents, by id."""
        return _run(self._inner.all())

    def live(self) -> Stream[Change]:
        """Watches all documents."""
        return Stream(self._inner.live())

    def live_document(self, id: str) -> Stream[dict[str, Any] | None]:
        """Watches one document."""
        return Stream(self._inner.live_document(id))

    def call(self, id: str, name: str, args: Any = None) -> Receipt:
        """Asks the collection's own resolver."""
        return Receipt(_run(self._inner.call(id, name, args)))

    def create(self, id: str, document: Mapping[str, Any]) -> Receipt:
        """Makes a document; rejected when one of that id exists."""
        return Receipt(_run(self._inner.create(id, document)))

    def put(self, id: str, document: Mapping[str, Any]) -> Receipt:
        """Puts a whole document."""
        return Receipt(_run(self._inner.put(id, document)))

    def set(self, id: str, path: Path, value: Any) -> Receipt:
        """Puts a value at a path."""
        return Receipt(_run(self._inner.set(id, path, value)))

    def unset(self, id: str, path: Path) -> Receipt:
        """Removes what is at a path."""
        return Receipt(_run(self._inner.unset(id, path)))

    def merge(self, id: str, fields: Mapping[str, Any], path: Path = "") -> Receipt:
        """Puts fields, leaving others."""
        return Receipt(_run(self._inner.merge(id, fields, path)))

    def increment(self, id: str, path: Path, by: int = 1) -> Receipt:
        """Adds to a whole number."""
        return Receipt(_run(self._inner.increment(id, path, by)))

    def delete(self, id: str) -> Receipt:
        """Deletes a document."""
        return Receipt(_run(self._inner.delete(id)))

    def copy(self, id: str, to: Space | Collection, *, new_id: str | None = None) -> Receipt | None:
        """Copies a document into a space, or into another collection; ``None`` when there is none."""
        receipt = _run(self._inner.copy(id, to._inner, new_id=new_id))
        return None if receipt is None else Receipt(receipt)

    def elements(self, id: str, path: Path) -> list[ListElement]:
        """The elements of a list with their ids."""
        return _run(self._inner.elements(id, path))

    def list_append(self, id: str, path: Path, value: Any) -> Receipt:
        """Adds an element at the end of a list."""
        return Receipt(_run(self._inner.list_append(id, path, value)))

    def list_insert(
        self, id: str, path: Path, value: Any, *, after: str | None = None, before: str | None = None
    ) -> Receipt:
        """Inserts an element beside others."""
        return Receipt(_run(self._inner.list_insert(id, path, value, after=after, before=before)))

    def list_move(
        self, id: str, path: Path, element: str, *, after: str | None = None, before: str | None = None
    ) -> Receipt:
        """Moves an element."""
        return Receipt(_run(self._inner.list_move(id, path, element, after=after, before=before)))

    def list_remove(self, id: str, path: Path, element: str) -> Receipt:
        """Removes an element."""
        return Receipt(_run(self._inner.list_remove(id, path, element)))

    def set_add(self, id: str, path: Path, member: bool | int | str) -> Receipt:
        """Adds to a set."""
        return Receipt(_run(self._inner.set_add(id, path, member)))

    def set_remove(self, id: str, path: Path, member: bool | int | str) -> Receipt:
        """Removes from a set."""
        return Receipt(_run(self._inner.set_remove(id, path, member)))

    def text_create(self, id: str, path: Path, text: str = "") -> Receipt:
        """Puts a new collaborative text at a path."""
        return Receipt(_run(self._inner.text_create(id, path, text)))

    def text_edit(self, id: str, path: Path, splices: Sequence[Splice]) -> Receipt:
        """Edits a collaborative text."""
        return Receipt(_run(self._inner.text_edit(id, path, splices)))


class Space:
    """A space of this device. See :class:`veilfold.Space`."""

    def __init__(self, inner: _async_space.Space) -> None:
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
        receipt = _run(self._inner.enable_resolvers())
        return None if receipt is None else Receipt(receipt)

    def receipt(self, tx_id: str) -> Receipt:
        """The receipt of a write whose id the app kept."""
        return Receipt(self._inner.receipt(tx_id))

    def add_member(self, card: str, role: Role = "writer") -> _async_space.Ticket:
        """Adds the holder of a contact card and gives the ticket for them."""
        return _run(self._inner.add_member(card, role))

    def members(self) -> list[Member]:
        """Who is in the space."""
        return _run(self._inner.members())

    def status(self) -> Status:
        """How it stands."""
        return _run(self._inner.status())

    def status_stream(self) -> Stream[Status]:
        """The status as it changes."""
        return Stream(self._inner.status_stream())

    def state_root(self) -> str:
        """Hash over the whole ordered state."""
        return _run(self._inner.state_root())

    def synced(self, timeout: float | None = None) -> Status:
        """Waits until the order contains all own writes; ``TimeoutError`` after ``timeout`` seconds."""
        return _run(self._inner.synced(), timeout)

    def reached(self, seq: int, timeout: float | None = None) -> Status:
        """Waits for a position of the order; ``TimeoutError`` after ``timeout`` seconds."""
        return _run(self._inner.reached(seq), timeout)


class Client:
    """One device with all its spaces. See :class:`veilfold.Client`."""

    def __init__(self, inner: _client.Client) -> None:
        self._inner = inner

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_space(self, name: str = "") -> Space:
        """Founds a space."""
        return Space(_run(self._inner.create_space(name)))

    def spaces(self) -> list[Space]:
        """The spaces of this device."""
        return [Space(space) for space in _run(self._inner.spaces())]

    def space(self, id: str) -> Space:
        """A space of this device."""
        return Space(_run(self._inner.space(id)))

    def contact_card(self, name: str | None = None) -> str:
        """Makes a contact card."""
        return _run(self._inner.contact_card(name))

    def join(self, ticket: str, name: str = "") -> Space:
        """Joins the space that a ticket names."""
        return Space(_run(self._inner.join(ticket, name)))

    def set_relay(self, url: str | None) -> None:
        """Names the relay and connects to it."""
        _run(self._inner.set_relay(url))

    def relay(self) -> str | None:
        """The relay's address."""
        return _run(self._inner.relay())

    def connect(self) -> None:
        """Wants a connection, at once."""
        _run(self._inner.connect())

    def sync_once(self, timeout: float) -> bool:
        """Connects, sends and fetches everything within ``timeout`` seconds, and goes offline again if it
        was before. ``False`` means not everything.
        """
        return _run(self._inner.sync_once(timeout))

    def disconnect(self) -> None:
        """Goes offline."""
        _run(self._inner.disconnect())

    def status(self) -> ClientStatus:
        """How it stands with the relay, and every space."""
        return _run(self._inner.status())

    def events(self) -> Stream[list[Event]]:
        """What happens that no call waits for."""
        return Stream(self._inner.events())

    def close(self) -> None:
        """Closes the client."""
        _run(self._inner.close())


def open(
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
    """Opens a device. See :func:`veilfold.open`. Mutators are run again in threads of this module."""
    opening = _client.open(
        path,
        relay=relay,
        name=name,
        durability=durability,
        key_store=key_store,
        mutators=mutators,
        resolvers=resolvers,
        app_version=app_version,
    )
    return Client(_run(opening))


@contextmanager
def relay() -> Iterator[testing.Relay]:
    """A real relay in this process, for tests: ``with veilfold.sync.relay() as relay: …``"""
    native = _run(_start_relay())
    try:
        yield testing.Relay(native)
    finally:
        _run(_stop_relay(native))


async def _start_relay() -> _native.TestRelay:
    return await answered(_calls.TEST_RELAY, _native.start_test_relay)


async def _stop_relay(native: _native.TestRelay) -> None:
    await answered(_calls.DONE, native.stop)


def _until_committed(
    begin: Callable[[], _native.TransactionBuilder], function: Callable[[Transaction], T]
) -> Transacted[T]:
    """As the asynchronous one, in the caller's thread."""
    while True:
        native = told(begin)
        try:
            value = function(Transaction(native))
        except Exception:
            if _run(_is_current(native)):
                raise
            continue
        outcome = _run(_commit(native))
        if outcome is not None:
            receipt = outcome.receipt
            return Transacted(value, None if receipt is None else Receipt(_async_fates.Receipt(receipt)))


async def _is_current(native: _native.TransactionBuilder) -> bool:
    return await answered(_calls.FLAG, native.is_current)


async def _commit(native: _native.TransactionBuilder) -> _native.Outcome | None:
    return await answered(_calls.OUTCOME_OR_NONE, native.commit)
