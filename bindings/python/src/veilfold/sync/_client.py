"""The client, blocking."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from .. import _client
from .._client import ClientStatus, Durability, Event, KeyStore
from .._mutators import Mutator
from .._resolvers import Module, Resolver
from ._space import Space
from ._waiting import Stream, run


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
        return Space(run(self._inner.create_space(name)))

    def spaces(self) -> list[Space]:
        """The spaces of this device."""
        return [Space(space) for space in run(self._inner.spaces())]

    def space(self, id: str) -> Space:
        """A space of this device."""
        return Space(run(self._inner.space(id)))

    def contact_card(self, name: str | None = None) -> str:
        """Makes a contact card."""
        return run(self._inner.contact_card(name))

    def join(self, ticket: str, name: str = "") -> Space:
        """Joins the space that a ticket names."""
        return Space(run(self._inner.join(ticket, name)))

    def set_relay(self, url: str | None) -> None:
        """Names the relay and connects to it."""
        run(self._inner.set_relay(url))

    def relay(self) -> str | None:
        """The relay's address."""
        return run(self._inner.relay())

    def connect(self) -> None:
        """Wants a connection, at once."""
        run(self._inner.connect())

    def sync_once(self, timeout: float) -> bool:
        """Connects, sends and fetches everything within ``timeout`` seconds, and goes offline again if it
        was before. ``False`` means not everything.
        """
        return run(self._inner.sync_once(timeout))

    def disconnect(self) -> None:
        """Goes offline."""
        run(self._inner.disconnect())

    def status(self) -> ClientStatus:
        """How it stands with the relay, and every space."""
        return run(self._inner.status())

    def events(self) -> Stream[list[Event]]:
        """What happens that no call waits for."""
        return Stream(self._inner.events())

    def close(self) -> None:
        """Closes the client."""
        run(self._inner.close())


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
    return Client(run(opening))
