"""For tests of apps: a real relay in this process, one that lies on order, and documents of older versions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

from . import _calls, _native
from ._calls import answered, told
from ._errors import Invalid
from ._schemas import Schemas

__all__ = ["HostileRelay", "Lie", "Relay", "Schemas", "relay"]

Lie = Literal["omits", "reorders", "repeats", "forks", "delays"]

_LIES: dict[Lie, _native.RelayLie] = {
    "omits": _native.RelayLie.OMITS,
    "reorders": _native.RelayLie.REORDERS,
    "repeats": _native.RelayLie.REPEATS,
    "forks": _native.RelayLie.FORKS,
    "delays": _native.RelayLie.DELAYS,
}


class Relay:
    """A running relay on a free port of this machine, with its entries in memory."""

    def __init__(self, native: _native.TestRelay) -> None:
        self._native = native

    @property
    def url(self) -> str:
        """Its address, for ``veilfold.open(path, relay=relay.url)``."""
        return told(self._native.url)


@asynccontextmanager
async def relay() -> AsyncGenerator[Relay, None]:
    """``async with veilfold.testing.relay() as relay: …``"""
    native = await answered(_calls.TEST_RELAY, _native.start_test_relay)
    try:
        yield Relay(native)
    finally:
        await answered(_calls.DONE, native.stop)


class HostileRelay:
    """A relay with two doors: devices at ``url`` hear the truth, those at ``lying_url`` what was ordered.

        async with veilfold.testing.HostileRelay() as relay:
            async with await veilfold.open(path, relay=relay.lying_url) as bob:
                ...
                await relay.lie("omits")

    Both doors lead to one real relay in this process, with its entries in memory. What a lie is told
    about goes on by itself with the truth, unless two logs were shown: that space stays ``forked``.
    """

    def __init__(self) -> None:
        self._started: _native.HostileRelay | None = None

    async def __aenter__(self) -> HostileRelay:
        self._started = await answered(_calls.HOSTILE_RELAY, _native.start_hostile_relay)
        return self

    async def __aexit__(self, *_: object) -> None:
        await answered(_calls.DONE, self._relay.stop)

    @property
    def url(self) -> str:
        """The door at which it tells the truth."""
        return told(self._relay.url)

    @property
    def lying_url(self) -> str:
        """The door at which it lies."""
        return told(self._relay.lying_url)

    async def lie(self, kind: Lie | None) -> None:
        """Lies like this from now on; ``None`` tells the truth again. Connections at the lying door end,
        and devices connect again by themselves.

        ``omits`` leaves an entry out, ``reorders`` swaps two, ``repeats`` gives one a second place;
        ``forks`` shows another log from here on, which comes to light with the truth; ``delays`` holds
        back what is ordered, which no device can tell from a slow network.
        """
        if kind is not None and kind not in _LIES:
            raise Invalid("bad_lie", f"a lie is one of {', '.join(_LIES)}, or None")
        await answered(_calls.DONE, self._relay.lie, None if kind is None else _LIES[kind])

    @property
    def _relay(self) -> _native.HostileRelay:
        if self._started is None:
            raise Invalid("not_started", "use it as: async with veilfold.testing.HostileRelay() as relay")
        return self._started
