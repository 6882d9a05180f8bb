"""A relay that lies, as apps meet it in their tests, and how a client stands."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import veilfold
from conftest import relay_in_process, run, share, store
from veilfold.testing import HostileRelay, Lie


async def until(space: veilfold.Space, state: str) -> veilfold.Status:
    async for status in space.status_stream():
        if status.state == state:
            return status
    raise AssertionError("the client was closed")


async def write(space: veilfold.Space, *values: int) -> None:
    """Writes one value after the other; each is in the order before the next."""
    for value in values:
        await space.collection("numbers").put("n", {"value": value})
        await space.synced()


async def read(space: veilfold.Space) -> Any:
    found = await space.collection("numbers").get("n")
    return found and found["value"]


@pytest.mark.parametrize("lie", ["omits", "reorders", "repeats"])
def test_a_lie_is_named_and_harms_nothing(lie: Lie, tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            HostileRelay() as relay,
            await veilfold.open(store(tmp_path, "alice"), relay=relay.url) as alice,
            await veilfold.open(store(tmp_path, "bob"), relay=relay.lying_url) as bob,
        ):
            ours = await alice.create_space()
            theirs = await share(ours, bob)
            await write(ours, 1)
            await theirs.reached((await ours.status()).seq)
            await bob.disconnect()
            await write(ours, 2, 3, 4)
            events = bob.events()
            heard = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            await relay.lie(lie)
            await bob.connect()
            assert (await until(theirs, "forked")).fault
            with pytest.raises(veilfold.RelayMisbehaved):
                await theirs.synced()
            happened = await heard
            while not any(event.kind == "relay_misbehaved" for event in happened):
                happened = await anext(events)
            assert (await ours.synced()).state == "live"
            await relay.lie(None)
            if lie != "repeats":
                await until(theirs, "live")
                await theirs.synced()
                assert await read(theirs) == 4

    run(story())


def test_a_fork_comes_to_light_with_the_truth_and_a_delay_is_none(tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            HostileRelay() as relay,
            await veilfold.open(store(tmp_path, "alice"), relay=relay.url) as alice,
            await veilfold.open(store(tmp_path, "bob"), relay=relay.lying_url) as bob,
        ):
            ours = await alice.create_space()
            theirs = await share(ours, bob)
            await write(ours, 1)
            await theirs.reached((await ours.status()).seq)
            await relay.lie("delays")
            await write(ours, 2)
            assert await read(theirs) == 1
            await relay.lie(None)
            await theirs.reached((await ours.status()).seq)
            assert await read(theirs) == 2

            await relay.lie("forks")
            await until(theirs, "live")
            await write(ours, 3)
            await write(theirs, 4)
            assert (await read(ours), await read(theirs)) == (3, 4)
            await relay.lie(None)
            assert (await until(theirs, "forked")).fault
            with pytest.raises(veilfold.Invalid):
                await relay.lie("flatters")  # type: ignore[arg-type]

    run(story())


def test_a_client_says_how_it_stands(tmp_path: Path) -> None:
    async def story() -> None:
        async with relay_in_process() as url, await veilfold.open(store(tmp_path, "alice")) as alice:
            assert await alice.status() == veilfold.ClientStatus(None, False, {})
            one, two = await alice.create_space(), await alice.create_space()
            await alice.set_relay(url)
            for space in (one, two):
                await space.synced()
            status = await alice.status()
            assert (status.relay, status.wants_connection) == (await alice.relay(), True)
            assert {id: space.state for id, space in status.spaces.items()} == {one.id: "live", two.id: "live"}
            await alice.disconnect()
            await one.collection("c").put("a", {})
            status = await alice.status()
            assert (status.relay, status.wants_connection) == (await alice.relay(), False)
            assert status.spaces[one.id] == await one.status()
            assert status.spaces[one.id].outbox_count == 1 and status.spaces[two.id].outbox_count == 0

    run(story())
