"""Named mutators, run again by themselves; and the fates that their writers are told."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict

import pytest
import veilfold
import veilfold.sync
from conftest import RelayUrl, relay_in_process, run, share, store


class Bid(TypedDict):
    lot: str
    by: int


@veilfold.mutator("bid")
def bid(tx: veilfold.Transaction, args: Bid) -> None:
    """Reads, so that another bid in between is a conflict."""
    lot = tx.get("lots", args["lot"]) or {"price": 0}
    tx.set("lots", args["lot"], "price", lot["price"] + args["by"])


class Stage:
    """Alice, who is connected, and Bob, who bids while he is away."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    async def bob(self, *mutators: veilfold.Mutator[Any]) -> veilfold.Client:
        return await veilfold.open(store(self.folder, "bob"), mutators=mutators)

    async def left_behind(self, *mutators: veilfold.Mutator[Any]) -> tuple[str, str]:
        """Space and receipt of Bob's bid of 5. The process ends, and then Alice bids 10."""
        alice = await veilfold.open(store(self.folder, "alice"), relay=self.url, mutators=[bid])
        bob = await veilfold.open(store(self.folder, "bob"), relay=self.url, mutators=mutators)
        async with alice, bob:
            space = await alice.create_space()
            theirs = await share(space, bob)
            await theirs.reached((await space.synced()).seq)
            await bob.disconnect()
            receipt = await theirs.mutate("bid", Bid(lot="1", by=5))
            assert receipt is not None and await receipt.fate() == veilfold.Pending()
            await bob.close()
            own = await space.mutate(bid, Bid(lot="1", by=10))
            assert own is not None and isinstance(await own.settled(), veilfold.Confirmed)
            return space.id, receipt.tx_id


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    async with relay_in_process() as url:
        yield Stage(folder, url)


async def told_later(stage: Stage, left: tuple[str, str], *mutators: veilfold.Mutator[Any]) -> veilfold.Settled:
    """Bob's next run: what becomes of his bid."""
    async with await stage.bob(*mutators) as bob:
        space = await bob.space(left[0])
        receipt = space.receipt(left[1])
        await bob.set_relay(stage.url)
        fate = await receipt.settled()
        [settled] = await taken(space, 1)
        assert (settled.tx_id, settled.fate, settled.mutator) == (left[1], fate, "bid")
        assert settled.attempts == await receipt.attempts()
        if isinstance(fate, veilfold.Confirmed):
            assert await space.collection("lots").get("1") == {"price": 15}
        return fate


async def taken(space: veilfold.Space, count: int) -> list[veilfold.SettledFate]:
    fates = space.fates()
    return [await anext(fates) for _ in range(count)]


def test_it_runs_again_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as relay:
            left = await relay.left_behind(bid)
            assert isinstance(await told_later(relay, left, bid), veilfold.Confirmed)

    run(story())


def test_one_that_the_app_no_longer_has_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as relay:
            left = await relay.left_behind(bid)
            fate = await told_later(relay, left)
            assert isinstance(fate, veilfold.Refused) and fate.reason == "mutator_missing"

    run(story())


@pytest.mark.parametrize("raised", [KeyError("mine"), StopIteration(), SystemExit(3)])
def test_one_that_fails_is_told_and_harms_nothing_else(raised: BaseException, tmp_path: Path) -> None:
    @veilfold.mutator("bid")
    def broken(tx: veilfold.Transaction, args: Bid) -> None:
        tx.set("lots", args["lot"], "price", 99)
        raise raised

    async def story() -> None:
        heard: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
        async with stage(tmp_path) as relay:
            left = await relay.left_behind(bid)
            fate = await told_later(relay, left, broken)
            assert isinstance(fate, veilfold.Refused) and fate.reason == "mutator_failed"
            [context] = heard
            failure = context["exception"]
            assert failure is raised or failure.__cause__ is raised
            async with await relay.bob(bid) as bob:
                space = await bob.space(left[0])
                assert await space.collection("lots").get("1") == {"price": 10}

    run(story())


def test_one_that_finds_nothing_to_do_stays_rejected(tmp_path: Path) -> None:
    @veilfold.mutator("bid")
    def only_the_first(tx: veilfold.Transaction, args: Bid) -> None:
        tx.expect("lots", args["lot"], "price", "missing")
        tx.set("lots", args["lot"], "price", args["by"])

    @veilfold.mutator("bid")
    def polite(tx: veilfold.Transaction, args: Bid) -> None:
        if tx.get("lots", args["lot"]) is None:
            tx.set("lots", args["lot"], "price", args["by"])

    async def story(mutator: veilfold.Mutator[Any], folder: Path) -> None:
        folder.mkdir()
        async with stage(folder) as relay:
            left = await relay.left_behind(bid)
            assert isinstance(await told_later(relay, left, mutator), veilfold.Rejected)

    run(story(only_the_first, tmp_path / "expect"))
    run(story(polite, tmp_path / "look"))


def test_bids_at_the_same_time_all_count_or_are_told(relay: RelayUrl, tmp_path: Path) -> None:
    async def bids(space: veilfold.Space) -> list[veilfold.Receipt]:
        made = [await space.mutate(bid, Bid(lot="1", by=1)) for _ in range(10)]
        return [receipt for receipt in made if receipt is not None]

    async def story() -> None:
        async with (
            relay() as url,
            await veilfold.open(store(tmp_path, "alice"), relay=url, mutators=[bid]) as alice,
            await veilfold.open(store(tmp_path, "bob"), relay=url, mutators=[bid]) as bob,
        ):
            ours = await alice.create_space()
            theirs = await share(ours, bob)
            await theirs.reached((await ours.synced()).seq)
            made = await asyncio.gather(bids(ours), bids(theirs))
            fates = [await receipt.settled() for receipts in made for receipt in receipts]
            held = [fate for fate in fates if isinstance(fate, veilfold.Confirmed)]
            assert all(isinstance(fate, (veilfold.Confirmed, veilfold.Rejected)) for fate in fates)
            last = max(fate.position.seq for fate in held)
            for space in (ours, theirs):
                await space.reached(last)
                assert await space.collection("lots").get("1") == {"price": len(held)}

    run(story())


def test_what_is_wrong_with_a_call_is_told(tmp_path: Path) -> None:
    @veilfold.mutator("bid")
    def another(tx: veilfold.Transaction, args: Bid) -> None: ...

    @veilfold.mutator("raise")
    def raising(tx: veilfold.Transaction, args: None) -> None:
        raise LookupError

    @veilfold.mutator("echo")
    def echo(tx: veilfold.Transaction, args: Any) -> None:
        tx.put("c", "a", {"args": args})

    async def story() -> None:
        with pytest.raises(veilfold.Invalid) as caught:
            await veilfold.open(store(tmp_path, "alice"), mutators=[bid, another])
        assert caught.value.code == "mutator_twice"
        with pytest.raises(veilfold.Invalid) as caught:

            @veilfold.mutator("wrong")
            async def wrong(tx: veilfold.Transaction, args: Any) -> None: ...

        assert caught.value.code == "not_a_function"
        async with await veilfold.open(store(tmp_path, "alice"), mutators=[bid, raising, echo]) as alice:
            space = await alice.create_space()
            for missing in (space.mutate("nobody", None), space.mutate(another, Bid(lot="1", by=1))):
                with pytest.raises(veilfold.Invalid) as caught:
                    await missing
                assert caught.value.code == "mutator_missing"
            with pytest.raises(veilfold.Invalid) as caught:
                await space.mutate("bid", float("nan"))
            assert caught.value.code == "bad_json"
            with pytest.raises(LookupError):
                await space.mutate(raising, None)
            # As they come back after a restart.
            await space.mutate(echo, {"a": (1, 1.0)})
            assert await space.collection("c").get("a") == {"args": {"a": [1, 1.0]}}

    run(story())


def test_fates_come_until_they_are_taken(tmp_path: Path) -> None:
    async def story() -> None:
        async with relay_in_process() as url:
            async with await veilfold.open(store(tmp_path, "alice"), relay=url) as alice:
                space = await alice.create_space()
                receipts = [await space.collection("c").increment("a", "n") for _ in range(103)]
                await space.synced()
                ids = [receipt.tx_id for receipt in receipts]
                # The first batch is taken with the first of the second, which is not.
                got = await taken(space, 101)
                assert [each.tx_id for each in got] == ids[:101]
                assert {(each.attempts, each.mutator, each.missed) for each in got} == {(1, None, 0)}
            async with await veilfold.open(store(tmp_path, "alice")) as alice:
                space = await alice.space(space.id)
                fates = space.fates()
                assert [(await anext(fates)).tx_id for _ in range(3)] == ids[100:]
                waiting = asyncio.ensure_future(anext(fates))
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(asyncio.shield(waiting), 0.05)
            with pytest.raises(StopAsyncIteration):
                await waiting

    run(story())


def test_the_blocking_twin(tmp_path: Path) -> None:
    with veilfold.sync.relay() as relay:
        with (
            veilfold.sync.open(store(tmp_path, "alice"), relay=relay.url) as alice,
            veilfold.sync.open(store(tmp_path, "bob"), relay=relay.url, mutators=[bid]) as bob,
        ):
            ours = alice.create_space()
            theirs = bob.join(ours.add_member(bob.contact_card()))
            theirs.reached(ours.synced(timeout=30).seq, timeout=30)
            bob.disconnect()
            receipt = theirs.mutate(bid, Bid(lot="1", by=5))
            assert receipt is not None
            ours.collection("lots").put("1", {"price": 10}).settled(timeout=30)
            bob.connect()
            assert isinstance(receipt.settled(timeout=30), veilfold.Confirmed)
            assert receipt.attempts() >= 1
            assert theirs.collection("lots").get("1") == {"price": 15}
            with theirs.fates() as fates:
                assert fates.next(timeout=30).tx_id == receipt.tx_id


def test_a_client_that_is_dropped_closes_and_ends_its_task(tmp_path: Path) -> None:
    async def story() -> None:
        dropped = await veilfold.open(store(tmp_path, "alice"), mutators=[bid])
        [task] = [task for task in asyncio.all_tasks() if task.get_name() == "veilfold-mutators"]
        del dropped
        await task

    run(story())


def test_a_client_that_is_left_open_does_not_hold_up_the_end(tmp_path: Path) -> None:
    program = """
import asyncio, sys, time, veilfold, veilfold.sync
async def main():
    global client
    client = await veilfold.open(sys.argv[1])
asyncio.run(main())
other = veilfold.sync.open(sys.argv[2])
"""
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "a.db"), str(tmp_path / "b.db")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
