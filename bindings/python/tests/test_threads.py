"""One client used by many threads at once: each with an event loop of its own, and through the twin."""

import asyncio
import gc
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import veilfold
import veilfold.sync
from conftest import relay_in_process, run, store
from veilfold import _process

_THREADS = 8
_ROUNDS = 25
_PATIENCE = 60


def at_once(work: Callable[[int], None]) -> None:
    """Runs the work in all threads, which start together, and raises what one of them raised."""
    start = threading.Barrier(_THREADS)
    raised: list[BaseException] = []

    def body(number: int) -> None:
        try:
            start.wait(_PATIENCE)
            work(number)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=body, args=(number,), daemon=True) for number in range(_THREADS)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + _PATIENCE
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    if raised:
        raise raised[0]


def test_threads_run_at_the_same_time_where_there_is_no_lock() -> None:
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("this interpreter has a global lock")
    assert sys._is_gil_enabled() is False  # type: ignore[attr-defined]


def test_event_loops_in_many_threads_share_one_space(tmp_path: Path) -> None:
    async def story() -> None:
        async with relay_in_process() as url, await veilfold.open(store(tmp_path, "alice"), relay=url) as alice:
            space = await alice.create_space()
            items = space.collection("items")
            await items.put("all", {"count": 0, "sold": 0})

            def sell(tx: veilfold.Transaction) -> None:
                tx.set("items", "all", "sold", tx.get("items", "all")["sold"] + 1)  # type: ignore[index]

            async def thread(number: int) -> None:
                mine = (await alice.space(space.id)).collection("items")
                async with mine.live() as changes:
                    await anext(changes)
                    for n in range(_ROUNDS):
                        await mine.put(f"{number}-{n}", {"n": n})
                        await asyncio.gather(mine.increment("all", "count"), mine.get(f"{number}-{n}"))
                    await space.transact(sell)
                    wanted = {f"{number}-{n}" for n in range(_ROUNDS)}
                    while not wanted <= {row.id for row in (await anext(changes)).rows}:
                        pass

            def in_thread(number: int) -> None:
                asyncio.run(asyncio.wait_for(thread(number), _PATIENCE))

            await asyncio.to_thread(at_once, in_thread)
            assert (await space.synced()).outbox_count == 0
            assert await items.get("all") == {"count": _THREADS * _ROUNDS, "sold": _THREADS}
            change = await anext(items.live())
            assert len(change.rows) == _THREADS * _ROUNDS + 1

    run(story())


def test_the_blocking_twin_in_many_threads(tmp_path: Path) -> None:
    with veilfold.sync.open(store(tmp_path, "alice")) as alice:
        items = alice.create_space().collection("items")
        items.put("all", {"count": 0})

        def work(number: int) -> None:
            with items.live() as changes:
                next(changes)
                for n in range(_ROUNDS):
                    items.put(f"{number}-{n}", {"n": n})
                    items.increment("all", "count")
                    assert items.get(f"{number}-{n}") == {"n": n}

        at_once(work)
        assert items.get("all") == {"count": _THREADS * _ROUNDS}


def test_each_item_of_a_blocking_stream_is_for_one_thread(tmp_path: Path) -> None:
    wanted = _THREADS * _ROUNDS
    got: list[str] = []

    with veilfold.sync.open(store(tmp_path, "alice")) as alice:
        space = alice.create_space()
        fates = space.fates()

        def read(number: int) -> None:
            while True:
                try:
                    got.append(fates.next(timeout=(None, 0.0005)[number % 2]).tx_id)
                except TimeoutError:
                    continue
                except StopIteration:
                    return
                if len(got) == wanted:
                    fates.close()

        sent: list[str] = []
        with veilfold.sync.relay() as relay:
            alice.set_relay(relay.url)
            writing = threading.Thread(
                target=lambda: sent.extend(space.collection("c").put(str(n), {}).tx_id for n in range(wanted))
            )
            writing.start()
            at_once(read)
            writing.join()
        assert sorted(got) == sorted(sent)


def test_a_blocking_stream_that_is_forgotten_ends(tmp_path: Path) -> None:
    with veilfold.sync.open(store(tmp_path, "alice")) as alice:
        changes = alice.create_space().collection("c").live()
        next(changes)
        before = set(_process._pending)
        with pytest.raises(TimeoutError):
            changes.next(timeout=0.01)
        (wait,) = set(_process._pending) - before
        del changes
        gc.collect()
        until = time.monotonic() + _PATIENCE
        while wait in _process._pending and time.monotonic() < until:
            time.sleep(0.001)
        assert wait not in _process._pending


def test_clients_open_and_close_in_many_threads(tmp_path: Path) -> None:
    async def life(number: int, turn: int) -> None:
        async with await veilfold.open(store(tmp_path, f"{number}-{turn}")) as client:
            items = (await client.create_space()).collection("items")
            await items.put("a", {"turn": turn})
            assert await items.get("a") == {"turn": turn}
            changes = items.live()
            assert len((await anext(changes)).rows) == 1
        with pytest.raises(StopAsyncIteration):
            await anext(changes)

    def work(number: int) -> None:
        for turn in range(3):
            asyncio.run(asyncio.wait_for(life(number, turn), _PATIENCE))

    at_once(work)


def test_errors_reach_the_thread_that_called(tmp_path: Path) -> None:
    async def story() -> None:
        alice = await veilfold.open(store(tmp_path, "alice"))
        items = (await alice.create_space()).collection("items")

        async def until_closed() -> None:
            with pytest.raises(veilfold.Invalid) as caught:
                while True:
                    await items.put("a", {})
            assert caught.value.code == "closed"

        closing = threading.Timer(0.2, lambda: asyncio.run(alice.close()))
        closing.start()
        await asyncio.to_thread(at_once, lambda _: asyncio.run(asyncio.wait_for(until_closed(), _PATIENCE)))
        closing.join()

    run(story())
