"""Two clients and a relay: share a space, write offline, converge, be told."""

import asyncio
from pathlib import Path

import pytest
import veilfold
from conftest import RelayUrl, run, share, store
from veilfold import Confirmed, Rejected


def test_two_devices_write_offline_and_converge(relay: RelayUrl, tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            relay() as url,
            await veilfold.open(store(tmp_path, "alice"), relay=url, name="Alice") as alice,
            await veilfold.open(store(tmp_path, "bob"), relay=url, name="Bob") as bob,
        ):
            ours = await alice.create_space(name="Groceries")
            items = ours.collection("items")
            await items.put("milk", {"title": "Milk", "qty": 1})
            theirs = await share(ours, bob)
            changes = theirs.collection("items").live()
            change = await anext(changes)
            if not change.rows:  # the relay may have been faster
                change = await anext(changes)
            assert [row.id for row in change.inserted] == ["milk"] and change.rows == change.inserted
            await ours.synced()
            await theirs.synced()

            await alice.disconnect()
            await bob.disconnect()
            receipts = [await items.increment("milk", "qty", 1) for _ in range(3)]
            receipts += [await theirs.collection("items").increment("milk", "qty", 10) for _ in range(3)]
            status = await ours.status()
            assert (status.state, status.outbox_count) == ("offline", 3)
            await alice.connect()
            await bob.connect()
            last = 0
            for receipt in receipts:
                match await receipt.settled():
                    case Confirmed(position):
                        last = max(last, position.seq)
                    case other:
                        raise AssertionError(other)
            for space in (ours, theirs):
                await space.reached(last)
                assert await space.collection("items").get("milk") == {"title": "Milk", "qty": 34}
            assert await ours.state_root() == await theirs.state_root()
            async for change in changes:
                if change.rows[0]["qty"] == 34:
                    break
                assert [row.id for row in change.updated] == ["milk"]
            members = [(member.name, member.role, member.me) for member in await theirs.members()]
            assert members == [("Alice", "owner", False), ("Bob", "writer", True)]
            await items.delete("milk")
            assert (await anext(changes)).removed == ["milk"]

    run(story())


def test_what_another_changed_is_rejected_by_the_order(relay: RelayUrl, tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            relay() as url,
            await veilfold.open(store(tmp_path, "alice"), relay=url) as alice,
            await veilfold.open(store(tmp_path, "bob"), relay=url) as bob,
        ):
            ours = await alice.create_space()
            await ours.collection("c").put("a", {"n": 1})
            theirs = await share(ours, bob)
            await theirs.reached((await ours.synced()).seq)
            await bob.disconnect()

            def add(tx: veilfold.Transaction) -> None:
                found = tx.get("c", "a")
                assert found is not None
                tx.set("c", "a", "n", found["n"] + 1)

            done = await theirs.transact(add)
            assert done.receipt is not None
            await (await ours.collection("c").increment("a", "n", 5)).settled()
            await bob.connect()
            fate = await done.receipt.settled()
            assert isinstance(fate, Rejected)
            assert (fate.reason, fate.document) == ("read_changed", ("c", "a"))
            assert await theirs.collection("c").get("a") == {"n": 6}

    run(story())


def test_a_relay_named_later_and_a_fate_after_a_restart(relay: RelayUrl, tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space(name="s")
            tx_id = (await space.collection("c").put("a", {})).tx_id
            id = space.id
        async with relay() as url, await veilfold.open(store(tmp_path, "alice")) as alice:
            await alice.set_relay(url)
            assert await alice.relay() is not None
            (space,) = await alice.spaces()
            assert (space.id, space.name) == (id, "s")
            assert isinstance(await space.receipt(tx_id).settled(), Confirmed)
            states = []
            async for status in space.status_stream():
                states.append(status.state)
                if status.state == "live":
                    await alice.set_relay(None)
                if states[-1] == "offline" and len(states) > 1:
                    break
            assert states[-2:] == ["live", "offline"]

    run(story())


def test_syncing_once_goes_offline_again(relay: RelayUrl, tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            relay() as url,
            await veilfold.open(store(tmp_path, "alice"), relay=url) as alice,
            await veilfold.open(store(tmp_path, "bob"), relay=url) as bob,
        ):
            ours = await alice.create_space()
            theirs = await share(ours, bob)
            await bob.disconnect()
            await ours.collection("c").put("a", {"n": 1})
            await ours.synced()
            assert await bob.sync_once(timeout=30)
            assert await theirs.collection("c").get("a") == {"n": 1}
            assert (await theirs.status()).state == "offline"

            # Who was connected stays so; and what takes too long is no error.
            assert await alice.sync_once(timeout=30)
            assert (await ours.status()).state == "live"
            await bob.set_relay("ws://127.0.0.1:1")
            await bob.disconnect()
            assert not await bob.sync_once(timeout=0.2)
            assert (await theirs.status()).state == "offline"
            await bob.set_relay(None)
            with pytest.raises(veilfold.Offline):
                await bob.sync_once(timeout=30)

    run(story())


def test_a_document_is_copied_into_another_space(relay: RelayUrl, tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            relay() as url,
            await veilfold.open(store(tmp_path, "alice"), relay=url) as alice,
            await veilfold.open(store(tmp_path, "bob"), relay=url) as bob,
        ):
            drafts = (await alice.create_space()).collection("notes")
            await drafts.put("plan", {"title": "Plan", "rating": 1.0})
            await drafts.text_create("plan", "body", "Hello")
            await drafts.list_append("plan", "steps", "one")
            await drafts.set_add("plan", "labels", "x")
            ours = await alice.create_space()
            theirs = await share(ours, bob)
            copied = await drafts.copy("plan", ours)
            assert copied is not None and isinstance(await copied.settled(), Confirmed)
            await theirs.reached((await ours.synced()).seq)
            there = theirs.collection("notes")
            assert await there.get("plan") == await drafts.get("plan")

            # It is text and a set there too, and its own.
            await there.text_edit("plan", "body", [(5, 0, ", Bob")])
            await there.set_add("plan", "labels", "x")
            (step,) = await there.elements("plan", "steps")
            await there.list_move("plan", "steps", step.id)
            plan = await there.get("plan")
            assert plan == {
                "title": "Plan", "rating": 1.0, "body": "Hello, Bob", "steps": ["one"], "labels": ["x"]
            }
            await ours.reached((await theirs.synced()).seq)
            assert await ours.collection("notes").get("plan") == plan
            assert await ours.state_root() == await theirs.state_root()
            kept = await drafts.get("plan")
            assert kept is not None and kept["body"] == "Hello"

            with pytest.raises(veilfold.Invalid) as caught:
                await drafts.copy("plan", to=ours)
            assert caught.value.code == "rejected"
            assert await drafts.copy("plan", to=ours.collection("old"), new_id="first") is not None
            assert await ours.collection("old").get("first") == kept
            assert await drafts.copy("none", ours) is None

    run(story())


def test_who_may_not_write_is_told(relay: RelayUrl, tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            relay() as url,
            await veilfold.open(store(tmp_path, "alice"), relay=url) as alice,
            await veilfold.open(store(tmp_path, "bob"), relay=url, name="Bob") as bob,
        ):
            events = bob.events()
            waiting = asyncio.create_task(anext(events))
            ours = await alice.create_space()
            await asyncio.sleep(0)
            theirs = await share(ours, bob, "reader")
            for event in await waiting:
                assert (event.kind, event.space) == ("admitted", ours.id)
            try:
                await theirs.collection("c").put("a", {})
                raise AssertionError("a reader wrote")
            except veilfold.NotAllowed as error:
                assert error.code == "read_only"
            # A reader may still look, and others' cards are not its to add.
            assert await theirs.collection("c").all() == []

    run(story())
