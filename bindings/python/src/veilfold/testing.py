"""For tests of apps: a real relay in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from . import _native
from ._errors import answered, told


class Relay:
    """A running relay on a free port of this machine, with its entries in memory."""

    def __init__(self, native: _native.TestRelay) -> None:
        self._native = native

    @property
    def url(self) -> str:
        """Its address, for ``veilfold.open(path, relay=relay.url)``."""
        return told(self._native.url)


@asynccontextmanager
async def relay() -> AsyncIterator[Relay]:
    """``async with veilfold.testing.relay() as relay: …``"""
    native = await answered(_native.TestRelay.start())
    try:
        yield Relay(native)
    finally:
        await answered(native.stop())
