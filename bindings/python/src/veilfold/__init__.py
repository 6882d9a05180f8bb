"""End-to-end encrypted, offline-first shared documents.

    async with await veilfold.open("alice.db", relay="wss://relay.example") as alice:
        space = await alice.create_space(name="Groceries")
        items = space.collection("items")
        await items.put("milk", {"title": "Milk", "qty": 1, "done": False})

Scripts that do not want ``async`` use :mod:`veilfold.sync`; tests of apps use :mod:`veilfold.testing`.
"""

from . import log, testing
from ._actions import Splice
from ._client import Client, ClientStatus, Event, EventStream, KeyStore, open
from ._collection import Collection, ListElement, Text
from ._errors import (
    Corrupt,
    Internal,
    Invalid,
    NewerVersion,
    NotAllowed,
    Offline,
    RelayMisbehaved,
    VeilfoldError,
)
from ._fates import (
    Confirmed,
    Fate,
    FateStream,
    Pending,
    Position,
    Receipt,
    Refused,
    Rejected,
    Settled,
    SettledFate,
)
from ._json import Element, Path, Row
from ._live_query import Change, LiveDocument, LiveQuery
from ._mutators import Mutator, mutator
from ._resolvers import Call, Module, Refusal, Resolver, resolver
from ._space import Member, Role, Space, Status, StatusStream, Ticket
from ._transaction import Transacted, Transaction

__all__ = [
    "Call",
    "Change",
    "Client",
    "ClientStatus",
    "Collection",
    "Confirmed",
    "Corrupt",
    "Element",
    "Event",
    "EventStream",
    "Fate",
    "FateStream",
    "Internal",
    "Invalid",
    "KeyStore",
    "ListElement",
    "LiveDocument",
    "LiveQuery",
    "Member",
    "Module",
    "Mutator",
    "NewerVersion",
    "NotAllowed",
    "Offline",
    "Path",
    "Pending",
    "Position",
    "Receipt",
    "Refusal",
    "Refused",
    "Rejected",
    "RelayMisbehaved",
    "Resolver",
    "Role",
    "Row",
    "Settled",
    "SettledFate",
    "Space",
    "Splice",
    "Status",
    "StatusStream",
    "Text",
    "Ticket",
    "Transacted",
    "Transaction",
    "VeilfoldError",
    "log",
    "mutator",
    "open",
    "resolver",
    "testing",
]
