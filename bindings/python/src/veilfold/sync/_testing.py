"""Relays for tests, blocking."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from .. import testing
from ._waiting import run


@contextmanager
def relay() -> Generator[testing.Relay, None, None]:
    """A real relay in this process, for tests: ``with veilfold.sync.relay() as relay: …``"""
    inner = testing.relay()
    started = run(inner.__aenter__())
    try:
        yield started
    finally:
        run(inner.__aexit__(None, None, None))


class HostileRelay:
    """A relay with two doors. See :class:`veilfold.testing.HostileRelay`.

        with veilfold.sync.HostileRelay() as relay:
            with veilfold.sync.open(path, relay=relay.lying_url) as bob:
                ...
                relay.lie("omits")
    """

    def __init__(self) -> None:
        self._inner = testing.HostileRelay()

    def __enter__(self) -> HostileRelay:
        run(self._inner.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        run(self._inner.__aexit__())

    @property
    def url(self) -> str:
        """The door at which it tells the truth."""
        return self._inner.url

    @property
    def lying_url(self) -> str:
        """The door at which it lies."""
        return self._inner.lying_url

    def lie(self, kind: testing.Lie | None) -> None:
        """Lies like this from now on; ``None`` tells the truth again."""
        run(self._inner.lie(kind))
