"""The Python player: drives the package by orders on standard input, one JSON object a line.

``tests/scenarios/README.md`` says what each order means. ``tests/players`` starts this program and
those of the other languages and gives all of them the same scripts.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import veilfold
from veilfold._json import dumps, loads

Order = dict[str, Any]


def typed(value: Any) -> Any:
    """A value of the package with type and bits written out."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"s": value}
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"f": struct.pack(">d", value).hex()}
    if isinstance(value, list):
        return {"l": [typed(item) for item in value]}
    return {"o": {key: typed(item) for key, item in value.items()}}


def plain(value: Any) -> Any:
    """The value of the package for a written-out one."""
    if not isinstance(value, dict):
        return value
    ((tag, inner),) = value.items()
    if tag == "i":
        return int(inner)
    if tag == "f":
        return struct.unpack(">d", bytes.fromhex(inner))[0]
    if tag == "l":
        return [plain(item) for item in inner]
    if tag == "o":
        return {key: plain(item) for key, item in inner.items()}
    return inner


def write(target: Any, order: Order, *key: str) -> Any:
    """A write on a collection, or with ``key`` on a transaction."""
    call, args = order["call"], list(key)
    args.append(order["id"])
    if call in ("create", "put"):
        args.append(plain(order["document"]))
    elif call == "merge":
        args += [plain(order["document"]), order.get("path", "")]
    elif call != "delete":
        args.append(order["path"])
    if call in ("set", "list_append", "list_insert", "set_add", "set_remove"):
        args.append(plain(order["value"]))
    if call in ("list_move", "list_remove"):
        args.append(order["element"])
    for name in ("by", "text", "splices"):
        if name in order:
            args.append(order[name])
    sides = {side: order[side] for side in ("after", "before") if side in order}
    return getattr(target, call)(*args, **sides)


class Watch:
    """A live query that is read all the time."""

    def __init__(self, collection: veilfold.Collection) -> None:
        self._rows: dict[str, Any] = {}
        self._moved = asyncio.Condition()
        self._task = asyncio.ensure_future(self._read(collection))

    async def _read(self, collection: veilfold.Collection) -> None:
        async for change in collection.live():
            async with self._moved:
                self._rows = {row.id: typed(dict(row)) for row in change.rows}
                self._moved.notify_all()

    async def shown(self, order: Order) -> Any:
        """Waits until it shows what the order says."""

        def is_shown() -> bool:
            if "rows" in order:
                return len(self._rows) == int(order["rows"])
            value = self._rows.get(order["id"])
            for part in order["path"].split("."):
                value = value["o"].get(part) if value else None
            return bool(value == order["value"])

        async with self._moved:
            await self._moved.wait_for(is_shown)
        return {"rows": [list(row) for row in sorted(self._rows.items())]} if "rows" in order else None

    async def cancel(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Counted:
    """A resolver that adds, and counts how often it is called."""

    def __init__(self) -> None:
        self.calls = 0
        self.resolver = veilfold.resolver("counted")(self._add)

    def _add(self, state: dict[str, Any] | None, call: veilfold.Call) -> dict[str, Any]:
        self.calls += 1
        fields = state or {"n": 0}
        return {**fields, "n": fields["n"] + call.args}


class Device:
    """One client, its only space, and what it watches."""

    def __init__(self, client: veilfold.Client, counted: Counted) -> None:
        self.client = client
        self._counted = counted
        self._space: veilfold.Space | None = None
        self._last: veilfold.Receipt | None = None
        self._watches: dict[str, Watch] = {}

    @classmethod
    async def open(cls, order: Order) -> Device:
        counted = Counted()
        resolvers = [counted.resolver] if order.get("resolver") else []
        client = await veilfold.open(
            order["path"], relay=order["relay"], name=order["name"], resolvers=resolvers
        )
        device = cls(client, counted)
        for space in await device.client.spaces():
            device._space = space
        return device

    @property
    def space(self) -> veilfold.Space:
        assert self._space is not None, "there is no space yet"
        return self._space

    async def create_space(self, order: Order) -> Any:
        self._space = await self.client.create_space(order["name"])
        return {"space": self.space.id}

    async def contact_card(self, order: Order) -> Any:
        return {"card": await self.client.contact_card(order["name"])}

    async def add_member(self, order: Order) -> Any:
        ticket = await self.space.add_member(order["card"], order["role"])
        await ticket.receipt.settled()
        return {"ticket": ticket}

    async def join(self, order: Order) -> Any:
        self._space = await self.client.join(order["ticket"], order["name"])
        return {"space": self.space.id}

    async def write(self, order: Order) -> Any:
        self._last = await write(self.space.collection(order["collection"]), order)
        return {"elements": self._last.elements}

    async def transact(self, order: Order) -> Any:
        def function(tx: veilfold.Transaction) -> Any:
            read = tx.get(*order["get"]) if "get" in order else None
            if "expect" in order:
                expect = order["expect"]
                collection, id = order["get"]
                tx.expect(collection, id, expect.get("path", ""), expect["is"], plain(expect.get("value")))
            for one in order["writes"]:
                write(tx, one, one["collection"])
            return read

        done = await self.space.transact(function)
        self._last = done.receipt
        return {"read": typed(done.value)}

    async def settled(self, _: Order) -> Any:
        assert self._last is not None, "nothing was written"
        fate = await self._last.settled()
        return {"fate": type(fate).__name__.lower(), "code": getattr(fate, "reason", None)}

    async def get(self, order: Order) -> Any:
        return typed(await self.space.collection(order["collection"]).get(order["id"]))

    async def all(self, order: Order) -> Any:
        rows = await self.space.collection(order["collection"]).all()
        return {"rows": [[row.id, typed(dict(row))] for row in rows]}

    async def elements(self, order: Order) -> Any:
        elements = await self.space.collection(order["collection"]).elements(order["id"], order["path"])
        return {"elements": [[element.id, typed(element.value)] for element in elements]}

    async def watch(self, order: Order) -> Any:
        self._watches[order["collection"]] = Watch(self.space.collection(order["collection"]))

    async def watched(self, order: Order) -> Any:
        return await self._watches[order["collection"]].shown(order)

    async def unwatch(self, order: Order) -> Any:
        await self._watches.pop(order["collection"]).cancel()

    async def repeat(self, order: Order) -> Any:
        collection, call, times = self.space.collection("crossing"), order["call"], order["times"]
        started = time.perf_counter()
        for index in range(times):
            if call == "id":
                self.space.id  # noqa: B018
            elif call == "get":
                await collection.get("0")
            elif call == "put":
                key = str(index % 10_000)
                await collection.put(key, {"n": index % 10_000, "title": "a title", "done": False})
            elif call == "call":
                await self.space.collection("counted").call(str(index % 100), "add", 1)
            elif call == "rows":
                async with collection.live() as changes:
                    await anext(changes)
            else:
                async with collection.live_document("0") as states:
                    await anext(states)
        return {"seconds": time.perf_counter() - started}

    async def resolved(self, _: Order) -> Any:
        return {"calls": self._counted.calls, "crossings": None}

    async def connect(self, _: Order) -> Any:
        await self.client.connect()

    async def disconnect(self, _: Order) -> Any:
        await self.client.disconnect()

    async def synced(self, _: Order) -> Any:
        return {"seq": (await self.space.synced()).seq}

    async def reached(self, order: Order) -> Any:
        return {"seq": (await self.space.reached(order["seq"])).seq}

    async def root(self, _: Order) -> Any:
        return {"root": await self.space.state_root()}

    async def status(self, _: Order) -> Any:
        status = await self.space.status()
        return {"outbox": status.outbox_count, "seq": status.seq}

    async def members(self, _: Order) -> Any:
        members = await self.space.members()
        return {"members": [[member.name, member.role, member.me] for member in members]}

    async def close(self, _: Order) -> Any:
        await self.client.close()


async def obey(devices: dict[str, Device], order: Order) -> Any:
    if order["do"] == "codec":
        value = loads(order["json"].encode())
        return {"typed": typed(value), "json": dumps(value).decode()}
    if order["do"] == "open":
        devices[order["as"]] = await Device.open(order)
        return None
    call: Callable[[Order], Awaitable[Any]] = getattr(devices[order["as"]], order["do"])
    return await call(order)


async def main() -> None:
    devices: dict[str, Device] = {}
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer = {"ok": await obey(devices, json.loads(line))}
        except veilfold.VeilfoldError as error:
            kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
            answer = {"error": {"kind": kind, "code": error.code}}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
