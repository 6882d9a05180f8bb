"""Resolvers of the app: pure functions that decide what a call makes of a document, on every device alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Optional, cast

from . import _native, _process
from ._calls import told
from ._errors import Invalid
from ._fates import Position
from ._json import dumps, is_whole, loads
from ._transaction import check

State = Optional[Mapping[str, Any]]
Function = Callable[[Optional[dict[str, Any]], "Call"], State]
Migrate = Callable[[int, dict[str, Any]], Mapping[str, Any]]

_DEPTH_MAX = 32


@dataclass(frozen=True)
class Call:
    """What somebody asks of a document, as its resolver sees it."""

    document: str
    """The document's id."""
    name: str
    """What to do, in the app's words."""
    args: Any
    """With what; JSON."""
    version: int
    """The resolver version that its writer wrote it for; at most this resolver's own."""
    author: int
    """The number of the member who wrote it."""
    position: Position | None
    """Its place in the order, ``None`` while it is only pending on this device."""
    time_ms: int
    """The writer's clock in milliseconds since 1970, as claimed."""


class Refusal(Exception):
    """A resolver's own no, with a text for whoever made the call. It rejects the whole transaction."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Resolver:
    """One version of the function that governs a collection. Made by :func:`resolver`."""

    def __init__(self, collection: str, version: int, function: Function, migrate: Migrate | None) -> None:
        check(function)
        check(migrate)
        self.collection = collection
        self.version = version
        self._function = function
        self._migrate = migrate
        self.__doc__ = function.__doc__

    def __call__(self, state: dict[str, Any] | None, call: Call) -> State:
        """Calls the function, for instance in a test of it."""
        return self._function(state, call)

    def __repr__(self) -> str:
        return f"Resolver({self.collection!r}, version={self.version})"

    def _resolve(self, state: dict[str, Any] | None, format: int, call: Call) -> dict[str, Any] | None:
        before = _plain_document(state)
        if before is not None and format < self.version:
            before = self._migrated(format, before)
        return _plain_document(self._function(before, call))

    def _migrated(self, format: int, state: dict[str, Any]) -> dict[str, Any]:
        migrated = _plain_document(state if self._migrate is None else self._migrate(format, state))
        if migrated is None:
            raise TypeError("a document is migrated to a document")
        return migrated


def resolver(
    collection: str, version: int = 1, migrate: Migrate | None = None
) -> Callable[[Function], Resolver]:
    """Makes a function the resolver of a collection: from then on only its calls change documents there.

        @veilfold.resolver("gigs")
        def gigs(state, call):
            gig = state or {"left": 100}
            if gig["left"] < call.args:
                raise veilfold.Refusal("sold out")
            return {**gig, "left": gig["left"] - call.args}

        client = await veilfold.open("alice.db", resolvers=[gigs])
        receipt = await space.collection("gigs").call("tonight", "buy", 2)

    The function gets the document (``None`` when there is none) and the call, and gives the document after
    it (``None`` deletes it). It is run by every device, so it must give equal output for equal input, on
    every platform and for ever: it looks at nothing else, no clock, no random numbers, no network and no
    other document, and it never calls the client. It runs in a thread of Veilfold's own, with five
    seconds for an answer; after that the space holds, and it is asked again. Raising :class:`Refusal`
    rejects the call with its text, any other exception as ``resolver_failed``.

    A space accepts the versions that ``space.enable_resolvers()`` raised it to. A newer version has to
    understand calls of older ones, and old versions stay in the list given to ``open``. ``migrate(format,
    state)`` turns a document of an older version into one of this; version 0 is what the built-in
    operations wrote.
    """
    return lambda function: Resolver(collection, version, function, migrate)


@dataclass(frozen=True)
class Module:
    """One version of a resolver that is compiled to WebAssembly, and so the same on every platform.

        gigs = veilfold.Module("gigs", Path("gigs.wasm").read_bytes(), version=2)
        client = await veilfold.open("alice.db", resolvers=[gigs])

    The space pins it by its bytes: a device that has other bytes of a version holds (``update_required``).
    ``open`` raises ``Invalid`` for bytes that are no resolver (``bad_module``), and where the package was
    built without WebAssembly (``no_wasm``).
    """

    collection: str
    """What it governs."""
    wasm: bytes = field(repr=False)
    """The module."""
    version: int = 1
    """From 1; old versions stay in the list given to ``open``."""


def resolver_set(resolvers: Iterable[Resolver | Module]) -> _native.ResolverSet | None:
    """What the native client takes."""
    found: dict[tuple[str, int], Resolver | Module] = {}
    for each in resolvers:
        if found.setdefault((each.collection, each.version), each) is not each:
            raise Invalid("resolver_twice", "two resolvers have one collection and version")
    if not found:
        return None
    made = told(_native.ResolverSet.empty)
    for each in found.values():
        _add(made, each)
    return made


def _add(made: _native.ResolverSet, resolver: Resolver | Module) -> None:
    if isinstance(resolver, Module):
        module = resolver
        return told(lambda: made.add_module(module.collection, module.version, module.wasm))
    told(lambda: made.add(resolver.collection, resolver.version, _Foreign(resolver)))


class _Foreign(_native.ForeignResolver):
    """Many calls in one crossing. What an app's function does wrong is an answer; no answer is for what says
    nothing about it, such as a lack of memory, which other devices may not have.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def run(self, version: int, runs: bytes) -> bytes:
        return self._answer(lambda: [self._run(each) for each in loads(runs)])

    def migrate(self, version: int, states: bytes) -> bytes:
        return self._answer(lambda: [self._migrated(each) for each in loads(states)])

    def _answer(self, work: Callable[[], list[Any]]) -> bytes:
        try:
            with _process.resolving():
                return dumps(work())
        except BaseException:
            raise _native.ResolverError.NoAnswer() from None

    def _run(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        state, format, outcomes = run["state"], run["format"], list[dict[str, Any]]()
        for each in run["calls"]:
            seq, index = each.pop("seq"), each.pop("index")
            call = Call(**each, position=None if seq is None else Position(seq, index))
            try:
                state = self._resolver._resolve(state, format, call)
            except Refusal as refusal:
                outcomes.append({"refused": _text(refusal.text)})
            except (MemoryError, RecursionError):
                raise
            except Exception:
                outcomes.append({"failed": True})
            else:
                format = self._resolver.version
                outcomes.append({"state": state})
        return outcomes

    def _migrated(self, each: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return self._resolver._migrated(each["format"], each["state"])
        except (MemoryError, RecursionError):
            raise
        except Exception:
            return None


def _text(text: object) -> str:
    return str(text).encode(errors="replace").decode()


def _plain_document(state: State) -> dict[str, Any] | None:
    if state is None:
        return None
    if not isinstance(state, Mapping):
        raise TypeError("a document is a dict or None")
    made: dict[str, Any] = _plain(state, _DEPTH_MAX)
    return made


def _plain(value: Any, depth: int) -> Any:
    """A copy as it would come back from the native side, so that a call sees the same whether it is asked for
    alone or with others. Raises for what could not be stored.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        value.encode()
        return str.__str__(value)
    if isinstance(value, int) and is_whole(value):
        return int.__int__(value)
    if isinstance(value, float) and isfinite(value):
        return float.__float__(value)
    if depth > 0 and isinstance(value, (list, tuple)):
        return [_plain(each, depth - 1) for each in cast("Sequence[object]", value)]
    if depth > 0 and isinstance(value, Mapping):
        fields = cast("Mapping[Any, object]", value)
        if all(isinstance(key, str) for key in fields):
            return {_plain(key, 0): _plain(fields[key], depth - 1) for key in sorted(fields)}
    raise TypeError("this cannot be stored")
