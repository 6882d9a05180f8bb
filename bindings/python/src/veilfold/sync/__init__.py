"""The blocking twin, for scripts and tests: the same calls without ``await``.

    with veilfold.sync.open("alice.db") as alice:
        items = alice.create_space("Groceries").collection("items")
        items.put("milk", {"title": "Milk", "qty": 1})

Every call waits in its own thread while the asynchronous one runs in a thread of this module, so it may
be used from any thread, also beside a running event loop (which it would block).
"""

from ._client import Client, open
from ._collection import Collection, Receipt, Text
from ._space import Space, Transacted
from ._testing import HostileRelay, relay
from ._waiting import Stream

__all__ = [
    "Client",
    "Collection",
    "HostileRelay",
    "Receipt",
    "Space",
    "Stream",
    "Text",
    "Transacted",
    "open",
    "relay",
]
