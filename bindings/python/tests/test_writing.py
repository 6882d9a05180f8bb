"""What one client does with its own documents, without any relay."""

import asyncio
import math
import struct
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
import veilfold
from conftest import run, store
from veilfold import Element, Pending


class Grade(IntEnum):
    LOW = 1
    HIGH = 2**62
    TOO_HIGH = 2**64


def test_every_kind_of_write_is_visible_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space(name="Groceries")
            assert space.name == "Groceries" and len(space.id) == 64
            items = space.collection("items")
            await items.create("milk", {"qty": 1, "tags": ["a"]})
            await items.increment("milk", "qty", 2)
            await items.set("milk", "price.net", 1.0)
            await items.set("milk", ["price", "net.eu"], True)
            await items.merge("milk", {"gross": 2}, "price")
            await items.merge("milk", {"title": "Milk"})
            await items.set_add("milk", "labels", "cold")
            note = items.text("milk", "note")
            await note.create("fresh milk")
            await note.insert(5, "est 🥛")
            await note.delete(8, 2)
            assert await note.read() == "freshest milk"
            receipt = await items.list_append("milk", "tags", {"name": "b"})
            first, second = await items.elements("milk", "tags")
            assert receipt.elements == [second.id] and second.value == {"name": "b"}
            await items.set("milk", ["tags", Element(second.id), "name"], "B")
            await items.set("milk", f"tags.#{second.id}.n", 1)
            await items.list_move("milk", "tags", first.id, after=second.id)
            await items.list_insert("milk", "tags", "start")
            assert await items.get("milk") == {
                "qty": 3,
                "title": "Milk",
                "price": {"net": 1.0, "net.eu": True, "gross": 2},
                "labels": ["cold"],
                "note": "freshest milk",
                "tags": ["start", {"name": "B", "n": 1}, "a"],
            }
            await items.list_remove("milk", "tags", second.id)
            await items.set_remove("milk", "labels", "cold")
            await items.unset("milk", "price")
            await items.put("bread", {})
            rows = await items.all()
            assert [row.id for row in rows] == ["bread", "milk"]
            assert rows[1]["tags"] == ["start", "a"] and "price" not in rows[1]
            await items.delete("milk")
            assert await items.get("milk") is None
            assert await receipt.fate() == Pending()

    run(story())


def test_numbers_keep_type_and_bits(tmp_path: Path) -> None:
    numbers: list[Any] = [1.0, 2**53 + 1, -0.0, 1e300, 1, 0.1, 5e-324, -(2**63), 2**63 - 1, True]

    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            c = (await alice.create_space()).collection("c")
            await c.put("n", {"numbers": numbers})
            got = await c.get("n")
            assert got is not None
            for sent, read in zip(numbers, got["numbers"], strict=True):
                assert type(read) is type(sent)
                if isinstance(sent, float):
                    assert struct.pack("d", read) == struct.pack("d", sent)
                else:
                    assert read == sent
            for bad in (math.nan, math.inf, b"bytes", object(), {"deep": "\ud800"}):
                with pytest.raises(veilfold.Invalid) as caught:
                    await c.put("bad", {"value": bad})
                assert caught.value.code == "bad_json"
            assert await c.get("bad") is None

    run(story())


@pytest.mark.parametrize(
    "bad",
    [2**63, 2**64, -(2**63) - 1, -(2**64), 10**400, Grade.TOO_HIGH],
    ids=lambda bad: f"{type(bad).__name__} of {bad.bit_length()} bits",
)
def test_a_whole_number_that_does_not_fit_is_refused(tmp_path: Path, bad: int) -> None:
    """One of 65 bits and more would be read as a float."""

    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            c = (await alice.create_space()).collection("c")
            await c.put("d", {"n": 0})
            calls = [c.put("bad", {"n": [bad]}), c.set("d", "n", bad), c.increment("d", "n", bad)]
            for call in calls:
                with pytest.raises(veilfold.Invalid) as caught:
                    await call
                assert caught.value.code == "bad_json"
                assert caught.value.detail == "whole numbers must fit in 64 signed bits"
            assert (await c.get("bad"), await c.get("d")) == (None, {"n": 0})

    run(story())


@pytest.mark.parametrize("bad", [{1: "x"}, {1: "x", "1": "y"}, {None: 1}, {True: 1}, {1.5: 1}, {("a",): 1}])
def test_a_key_that_is_no_string_is_refused(tmp_path: Path, bad: dict[Any, Any]) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            c = (await alice.create_space()).collection("c")
            for call in (c.put("bad", bad), c.merge("bad", {"deep": [bad]}), c.set("bad", "a", (bad,))):
                with pytest.raises(veilfold.Invalid) as caught:
                    await call
                assert caught.value.code == "bad_json"
            assert await c.get("bad") is None

    run(story())


def test_subclasses_are_stored_as_what_they_are_kinds_of(tmp_path: Path) -> None:
    class Name(str):
        pass

    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            c = (await alice.create_space()).collection("c")
            await c.put("d", {Name("grade"): Grade.LOW, "high": Grade.HIGH, "name": Name("x"), "list": (1, 2)})
            got = await c.get("d")
            assert got == {"grade": 1, "high": 2**62, "name": "x", "list": [1, 2]}
            assert {type(value) for value in got.values()} == {int, str, list}

    run(story())


def test_a_wrong_call_says_so_and_changes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()
            c = space.collection("c")
            await c.put("a", {"text": "x"})
            calls = [
                (c.set("a", "x..y", 1), "bad_path"),
                (c.increment("a", "text"), "rejected"),
                (c.create("a", {}), "rejected"),
                (c.put("", {}), "bad_action"),
                (c.list_remove("a", "l", "nonsense"), "bad_element"),
                (c.set_add("a", "s", 1.5), "bad_set_member"),  # type: ignore[arg-type]
                (alice.join("nonsense"), "bad_ticket"),
                (alice.space("0" * 64), "unknown_space"),
                (alice.space("nonsense"), "bad_space_id"),
                (alice.set_relay("http://x"), "bad_relay_url"),
                (space.add_member("nonsense"), "bad_card"),
                (space.add_member("x", "king"), "bad_role"),  # type: ignore[arg-type]
                (space.receipt("0" * 16).settled(), "fate_forgotten"),
            ]
            for call, code in calls:
                with pytest.raises(veilfold.Invalid) as caught:
                    await call
                assert caught.value.code == code
                assert "nonsense" not in caught.value.detail
            assert await c.get("a") == {"text": "x"}
            assert len(await c.all()) == 1

    run(story())


def test_many_documents_are_read_page_by_page(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()
            for start in range(0, 1100, 100):

                def fill(tx: veilfold.Transaction, start: int = start) -> None:
                    for n in range(start, start + 100):
                        tx.put("c", f"{n:05}", {"n": n})

                await space.transact(fill)
            rows = await space.collection("c").all()
            assert [row["n"] for row in rows] == list(range(1100))

    run(story())


def test_a_cancelled_write_is_whole_or_not_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()

            def both(tx: veilfold.Transaction) -> None:
                tx.increment("c", "a", "n")
                tx.increment("c", "b", "n")

            for n in range(60):
                task = asyncio.create_task(space.transact(both))
                await asyncio.sleep(n * 0.0001)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            c = space.collection("c")
            assert (await space.transact(both)).receipt is not None
            a, b = await c.get("a"), await c.get("b")
            assert a is not None and a == b and 1 <= a["n"] <= 61
            await c.put("after", {})
            assert await c.get("after") == {}

    run(story())
