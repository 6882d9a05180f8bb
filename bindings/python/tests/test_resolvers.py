"""Resolvers of the app: what they refuse, versions side by side, and resolvers that misbehave."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import veilfold
import veilfold.sync
from conftest import RelayUrl, relay_in_process, run, share, store

State = dict[str, Any] | None


@veilfold.resolver("gigs")
def gigs(state: State, call: veilfold.Call) -> State:
    """Three tickets, sold once each."""
    gig = state or {"left": 3}
    if call.name != "buy" or gig["left"] < call.args:
        raise veilfold.Refusal("sold out")
    gig["left"] -= call.args
    return gig


def renamed(format: int, state: dict[str, Any]) -> dict[str, Any]:
    assert format == 1
    return {"free": state["left"]}


@veilfold.resolver("gigs", version=2, migrate=renamed)
def gigs_2(state: State, call: veilfold.Call) -> State:
    """The same with another name in the document; understands the calls of version 1."""
    gig = state or {"free": 3}
    if call.name != "buy" or gig["free"] < call.args:
        raise veilfold.Refusal("sold out")
    return {"free": gig["free"] - call.args, "by": call.author}


@asynccontextmanager
async def two(
    url: str, folder: Path, *resolvers: veilfold.Resolver
) -> AsyncIterator[tuple[veilfold.Client, veilfold.Client, veilfold.Space, veilfold.Space]]:
    async with (
        await veilfold.open(store(folder, "alice"), relay=url, resolvers=resolvers) as alice,
        await veilfold.open(store(folder, "bob"), relay=url, resolvers=resolvers) as bob,
    ):
        ours = await alice.create_space()
        theirs = await share(ours, bob)
        await theirs.reached((await ours.synced()).seq)
        yield alice, bob, ours, theirs


def collect(client: veilfold.Client, kind: str) -> asyncio.Task[veilfold.Event]:
    """The next event of that kind."""

    async def first() -> veilfold.Event:
        async for events in client.events():
            for event in events:
                if event.kind == kind:
                    return event
        raise AssertionError(f"no event {kind}")

    return asyncio.create_task(first())


def test_tickets_are_sold_once_whoever_was_offline(relay: RelayUrl, tmp_path: Path) -> None:
    async def story() -> None:
        async with relay() as url, two(url, tmp_path, gigs) as (_, bob, ours, theirs):
            await bob.disconnect()
            late = await theirs.collection("gigs").call("tonight", "buy", 2)
            assert await theirs.collection("gigs").get("tonight") == {"left": 1}, "visible at once"
            first = await ours.collection("gigs").call("tonight", "buy", 2)
            assert isinstance(await first.settled(), veilfold.Confirmed)
            with pytest.raises(veilfold.Invalid) as caught:
                await ours.collection("gigs").call("tonight", "buy", 2)
            assert (caught.value.code, caught.value.detail) == ("rejected", "sold out")
            await bob.connect()
            fate = await late.settled()
            assert isinstance(fate, veilfold.Rejected)
            assert (fate.reason, fate.detail) == ("refused_by_resolver", "sold out")
            assert fate.document == ("gigs", "tonight")

            def both(tx: veilfold.Transaction) -> None:
                tx.call("gigs", "tonight", "buy", 1)
                tx.increment("stats", "all", "sold")

            done = await theirs.transact(both)
            assert done.receipt is not None
            assert isinstance(await done.receipt.settled(), veilfold.Confirmed)
            with pytest.raises(veilfold.Invalid) as caught:
                await theirs.collection("gigs").set("tonight", "left", 9)
            assert caught.value.code == "rejected"
            await ours.synced()
            assert await ours.collection("gigs").get("tonight") == {"left": 0}
            assert await ours.state_root() == await theirs.state_root()
            assert await ours.enable_resolvers() is None

    run(story())


def test_one_that_raises_rejects_and_its_developer_hears_of_it(tmp_path: Path) -> None:
    @veilfold.resolver("c")
    def breaks(state: State, call: veilfold.Call) -> State:
        if call.name == "now" or call.position is not None:
            raise KeyError("mine")
        return {"n": 1}

    async def story() -> None:
        async with relay_in_process() as url, two(url, tmp_path, breaks) as (alice, _, ours, theirs):
            heard = collect(alice, "resolver_failed")
            with pytest.raises(veilfold.Invalid) as caught:
                await ours.collection("c").call("a", "now")
            assert caught.value.code == "rejected"
            receipt = await ours.collection("c").call("a", "later")
            fate = await receipt.settled()
            assert isinstance(fate, veilfold.Rejected) and fate.reason == "resolver_failed"
            event = await heard
            assert (event.space, event.collection, event.seq) == (ours.id, "c", fate.position.seq)
            await theirs.reached(fate.position.seq)
            assert await theirs.collection("c").all() == []

    run(story())


def test_calls_that_are_asked_for_together_come_out_as_alone(tmp_path: Path) -> None:
    @veilfold.resolver("c")
    def odd(state: State, call: veilfold.Call) -> Any:
        document = state or {"z": 0, "seen": []}
        document["z"] += 1
        document["seen"].append([*document][0])
        if call.position is not None:
            if call.args == "refuse":
                raise veilfold.Refusal("\ud800 no")
            if call.args == "huge":
                document["a"] = 2**70
            if call.args == "deep":
                document["a"] = document
            if call.args == "text":
                return "text"
            if call.args == "nan":
                document["a"] = [float("nan")]
            if call.args == "tuple":
                document["b"] = (1, 1.0)
        return document

    async def story() -> None:
        async with relay_in_process() as url, two(url, tmp_path, odd) as (_, bob, ours, theirs):
            await bob.disconnect()
            wanted = ["", "refuse", "huge", "deep", "text", "nan", "tuple", ""]
            receipts = [await theirs.collection("c").call("a", "do", args) for args in wanted]
            await bob.connect()
            fates = [await receipt.settled() for receipt in receipts]
            assert [type(fate).__name__ for fate in fates] == ["Confirmed", *["Rejected"] * 5, *["Confirmed"] * 2]
            reasons = [fate.reason for fate in fates if isinstance(fate, veilfold.Rejected)]
            assert reasons == ["refused_by_resolver", *["resolver_failed"] * 4]
            await ours.reached(max(fate.position.seq for fate in fates if isinstance(fate, veilfold.Confirmed)))
            # Names come in one order, wherever the document comes from.
            expected = {"b": [1, 1.0], "seen": ["z", "seen", "b"], "z": 3}
            assert await ours.collection("c").get("a") == await theirs.collection("c").get("a") == expected
            assert await ours.state_root() == await theirs.state_root()

    run(story())


def test_two_versions_of_the_app_side_by_side(tmp_path: Path) -> None:
    async def story() -> None:
        async with relay_in_process() as url:
            async with two(url, tmp_path, gigs) as (_, bob, ours, theirs):
                first = await theirs.collection("gigs").call("tonight", "buy", 1)
                await first.settled()
                await ours.synced()
                await bob.disconnect()
                waiting = await theirs.collection("gigs").call("tonight", "buy", 1)
                id, tx_id = ours.id, waiting.tx_id
            async with await veilfold.open(store(tmp_path, "alice"), relay=url, resolvers=[gigs, gigs_2]) as alice:
                ours = await alice.space(id)
                raised = await ours.enable_resolvers()
                assert raised is not None
                await raised.settled()
                assert await ours.collection("gigs").get("tonight") == {"free": 2}, "a copy is migrated"
                await (await ours.collection("gigs").call("tonight", "buy", 1)).settled()
                async with await veilfold.open(store(tmp_path, "bob"), relay=url, resolvers=[gigs]) as bob:
                    theirs = await bob.space(id)
                    async for status in theirs.status_stream():
                        if status.held is not None:
                            assert (status.held, status.state) == ("update_required", "held")
                            break
                    assert await theirs.collection("gigs").get("tonight") == {"left": 1}, "stays readable"
                async with await veilfold.open(store(tmp_path, "bob"), relay=url, resolvers=[gigs, gigs_2]) as bob:
                    theirs = await bob.space(id)
                    await ours.collection("notes").put("a", {})
                    assert isinstance(await theirs.receipt(tx_id).settled(), veilfold.Confirmed)
                    assert (await theirs.status()).held is None
                    assert await theirs.collection("gigs").get("tonight") == {"free": 0, "by": 2}
                    await ours.reached((await theirs.synced()).seq)
                    assert await ours.state_root() == await theirs.state_root()

    run(story())


def test_one_that_never_answers_holds_its_space_and_no_other(tmp_path: Path) -> None:
    gate = threading.Event()

    @veilfold.resolver("c")
    def waits(state: State, call: veilfold.Call) -> State:
        if call.position is not None:
            gate.wait(30)
        return {"n": 1}

    async def story() -> None:
        async with (
            relay_in_process() as url,
            await veilfold.open(store(tmp_path, "alice"), relay=url, resolvers=[waits]) as alice,
        ):
            heard = collect(alice, "held")
            stuck, other = await alice.create_space(), await alice.create_space()
            receipt = await stuck.collection("c").call("a", "do")
            async for status in stuck.status_stream():
                if status.held is not None:
                    assert status.held == "resolver_stuck"
                    break
            assert await heard == veilfold.Event("held", stuck.id, "resolver_stuck", "c", 1)
            assert await stuck.collection("c").get("a") == {"n": 1}
            fate = await (await other.collection("d").put("a", {})).settled()
            assert isinstance(fate, veilfold.Confirmed)
            gate.set()
            assert isinstance(await receipt.settled(), veilfold.Confirmed)
            assert (await stuck.status()).held is None

    try:
        run(story())
    finally:
        gate.set()


@pytest.mark.parametrize("work", ["while True: pass", "time.sleep(600)", "def again(): again()\n    again()"])
def test_a_process_ends_while_a_resolver_runs(work: str, tmp_path: Path) -> None:
    program = f"""
import sys, threading, time, veilfold.sync
begun = threading.Event()
@veilfold.resolver("c")
def runs(state, call):
    if call.position is None:
        return {{}}
    begun.set()
    {work}
with veilfold.sync.relay() as relay:
    alice = veilfold.sync.open(sys.argv[1], relay=relay.url, resolvers=[runs])
    alice.create_space().collection("c").call("a", "do")
    begun.wait()
    sys.exit(7)
"""
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "a.db")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (7, "")


def test_one_may_answer_with_an_enumeration(tmp_path: Path) -> None:
    program = """
import enum, sys, veilfold.sync
class Left(enum.IntEnum):
    NONE = 0
    MANY = 2**40
    TOO_MANY = 2**63
@veilfold.resolver("c")
def counts(state, call):
    return {"left": Left[call.name], "list": [Left.NONE]}
with veilfold.sync.open(sys.argv[1], resolvers=[counts]) as alice:
    c = alice.create_space().collection("c")
    c.call("a", "MANY")
    print(c.get("a"))
    try:
        c.call("b", "TOO_MANY")
    except veilfold.Invalid as error:
        print(error.code)
"""
    # In a process of its own, since the interpreter stood still in a search through all whole numbers.
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "a.db")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == ("{'left': 1099511627776, 'list': [0]}\nrejected\n", "")


def test_what_is_wrong_with_a_resolver_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        @veilfold.resolver("gigs")
        def another(state: State, call: veilfold.Call) -> State: ...

        with pytest.raises(veilfold.Invalid) as caught:
            await veilfold.open(store(tmp_path, "alice"), resolvers=[gigs, another])
        assert caught.value.code == "resolver_twice"
        with pytest.raises(veilfold.Invalid) as caught:
            await veilfold.open(store(tmp_path, "alice"), resolvers=[veilfold.resolver("c", 0)(another)])
        assert caught.value.code == "bad_version"
        assert gigs({"left": 2}, veilfold.Call("a", "buy", 1, 1, 1, None, 0)) == {"left": 1}
        with veilfold.sync.open(store(tmp_path, "bob"), resolvers=[gigs]) as bob:
            space = bob.create_space()
            space.collection("gigs").call("a", "buy", 3)
            assert space.collection("gigs").get("a") == {"left": 0}
            assert space.enable_resolvers() is None

    run(story())
