"""Functions that run until what they read still holds."""

import asyncio
from pathlib import Path

import pytest
import veilfold
from conftest import run, store


def test_it_is_run_again_until_what_it_read_holds(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()
            c = space.collection("c")
            await c.put("a", {"n": 1})
            loop, runs = asyncio.get_running_loop(), 0

            def add(tx: veilfold.Transaction) -> int:
                nonlocal runs
                runs += 1
                milk = tx.get("c", "a")
                assert milk is not None
                if runs < 3:
                    asyncio.run_coroutine_threadsafe(c.increment("a", "n"), loop).result()
                tx.set("c", "a", "n", milk["n"] + 10)
                seen = tx.get("c", "a")
                assert seen is not None
                return int(seen["n"])

            done = await space.transact(add)
            assert (runs, done.value) == (3, 13)
            assert done.receipt is not None and await done.receipt.fate() == veilfold.Pending()
            assert await c.get("a") == {"n": 13}

    run(story())


def test_a_whole_collection_is_read_and_a_new_document_is_a_conflict(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()
            bookings = space.collection("bookings")
            for number in range(501):
                await bookings.put(f"{number:04}", {"seats": 1})
            loop, seen = asyncio.get_running_loop(), []

            def book(tx: veilfold.Transaction) -> None:
                seen.append(sum(row["seats"] for row in tx.all("bookings")))
                if len(seen) == 1:
                    asyncio.run_coroutine_threadsafe(bookings.put("late", {"seats": 2}), loop).result()
                tx.put("bookings", "mine", {"seats": 3})
                tx.delete("bookings", "0000")
                ids = [row.id for row in tx.all("bookings")]
                assert ids[0] == "0001" and ids[-1] == "mine"

            await space.transact(book)
            assert seen == [501, 503]

    run(story())


def test_what_raises_writes_nothing_and_comes_out(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()

            def broken(tx: veilfold.Transaction) -> None:
                tx.put("c", "a", {})
                raise KeyError("mine")

            with pytest.raises(KeyError, match="mine"):
                await space.transact(broken)

            async def wrong(tx: veilfold.Transaction) -> None: ...

            with pytest.raises(veilfold.Invalid) as caught:
                await space.transact(wrong)
            assert caught.value.code == "not_a_function"

            def hopeful(tx: veilfold.Transaction) -> None:
                tx.expect("c", "a", condition="exists")
                tx.put("c", "b", {})

            with pytest.raises(veilfold.Invalid) as caught:
                await space.transact(hopeful)
            assert caught.value.code == "rejected"

            kept = []

            def nothing(tx: veilfold.Transaction) -> str:
                kept.append(tx)
                return "idle"

            done = await space.transact(nothing)
            assert (done.value, done.receipt) == ("idle", None)
            with pytest.raises(veilfold.Invalid) as caught:
                kept[0].put("c", "late", {})
            assert caught.value.code == "transaction_over"
            assert await space.collection("c").all() == []

    run(story())


def test_many_at_once_lose_no_update(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()

            def add(tx: veilfold.Transaction) -> None:
                found = tx.get("c", "n") or {"n": 0}
                tx.set("c", "n", "n", found["n"] + 1)

            async def many() -> None:
                for _ in range(5):
                    await space.transact(add)

            await asyncio.gather(*(many() for _ in range(6)))
            assert await space.collection("c").get("n") == {"n": 30}

    run(story())


def test_every_operation_works_inside(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()

            def first(tx: veilfold.Transaction) -> None:
                tx.create("c", "a", {"n": 1})
                tx.expect("c", "a", "n", "at_least", 1)
                tx.expect("c", "a", "n", "equals", 1)
                tx.expect("c", "b", condition="missing")
                tx.increment("c", "a", "n")
                tx.merge("c", "a", {"x": 1, "y": 2})
                tx.unset("c", "a", "x")
                tx.set_add("c", "a", "s", "m")
                tx.set_add("c", "a", "s", 7)
                tx.set_remove("c", "a", "s", "m")
                tx.text_create("c", "a", "t", "hello")
                tx.text_edit("c", "a", "t", [(5, 0, "!"), (0, 1, "J")])
                tx.list_append("c", "a", "l", 1)
                tx.list_insert("c", "a", "l", 0)
                tx.put("c", "gone", {})
                tx.delete("c", "gone")

            done = await space.transact(first)
            assert done.receipt is not None and len(done.receipt.elements) == 2

            def second(tx: veilfold.Transaction) -> None:
                zero, one = tx.elements("c", "a", "l")
                assert (zero.value, one.value) == (0, 1)
                tx.list_move("c", "a", "l", zero.id, after=one.id)
                tx.list_remove("c", "a", "l", one.id)

            await space.transact(second)
            c = space.collection("c")
            assert await c.get("a") == {"n": 2, "y": 2, "s": [7], "t": "Jello!", "l": [0]}
            assert await c.get("gone") is None

    run(story())
