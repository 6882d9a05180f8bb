"""Streams: started late, given up, cancelled, closed, forgotten."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import veilfold
from conftest import run, store
from veilfold import _calls, _native, _process, _pulled
from veilfold._calls import answered


def test_giving_up_a_wait_loses_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            c = (await alice.create_space()).collection("c")
            changes = c.live()
            seen: set[str] = set()
            for n in range(40):
                await c.put(str(n), {})
                try:
                    change = await asyncio.wait_for(anext(changes), n * 0.0002)
                    seen |= {row.id for row in change.inserted}
                except asyncio.TimeoutError:
                    pass
            while len(seen) < 40:
                change = await asyncio.wait_for(anext(changes), 10)
                seen |= {row.id for row in change.inserted}
            assert [row.id for row in change.rows] == sorted(str(n) for n in range(40))

    run(story())


def test_one_document_is_watched_through_its_life(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            c = (await alice.create_space()).collection("c")
            states = c.live_document("a")
            assert await anext(states) is None
            await c.put("b", {})
            await c.put("a", {"n": 1})
            assert await anext(states) == {"n": 1}
            await c.increment("a", "n")
            assert await anext(states) == {"n": 2}
            await c.delete("a")
            assert await anext(states) is None

    run(story())


def test_closing_ends_streams_and_waits(tmp_path: Path) -> None:
    async def story() -> None:
        alice = await veilfold.open(store(tmp_path, "alice"))
        space = await alice.create_space()
        c = space.collection("c")
        receipt = await c.put("a", {})
        changes, statuses, events = c.live(), space.status_stream(), alice.events()
        await anext(changes)
        await anext(statuses)

        async def rest(stream: object) -> int:
            return len([item async for item in stream])  # type: ignore[attr-defined]

        waits = [asyncio.create_task(rest(stream)) for stream in (changes, statuses, events)]
        settled = asyncio.create_task(receipt.settled())
        await asyncio.sleep(0.05)
        await alice.close()
        await alice.close()
        assert await asyncio.gather(*waits) == [0, 0, 0]
        for call in (settled, c.get("a"), c.put("a", {}), alice.create_space()):
            with pytest.raises(veilfold.Invalid) as caught:
                await call
            assert caught.value.code == "closed"
        with pytest.raises(StopAsyncIteration):
            await anext(changes)

    run(story())


def test_a_stream_ends_when_it_is_closed_or_forgotten(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            c = (await alice.create_space()).collection("c")
            async with c.live() as changes:
                await anext(changes)
                waiting = asyncio.create_task(anext(changes))
                await asyncio.sleep(0.02)
            with pytest.raises(StopAsyncIteration):
                await waiting
            for _ in range(50):
                async for _change in c.live():
                    break
            gc.collect()
            await c.put("a", {})
            never = c.live()
            await never.aclose()
            with pytest.raises(StopAsyncIteration):
                await anext(never)

    run(story())


def under_way() -> int:
    """Native calls that this event loop waits for."""
    loop = asyncio.get_running_loop()
    return len([task for task in list(_process._pending.values()) if task and task.get_loop() is loop])


async def cancelled(stream: _pulled.Pulled[Any]) -> None:
    waiting = asyncio.create_task(anext(stream))
    while not under_way():
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def out_of_time(stream: _pulled.Pulled[Any]) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(anext(stream), 0.01)


@pytest.mark.parametrize("give_up", [cancelled, out_of_time])
@pytest.mark.parametrize("kind", ["live", "live_document", "status_stream", "events", "fates"])
def test_a_stream_that_is_forgotten_after_a_wait_was_given_up_ends(
    kind: str, give_up: Callable[[Any], Coroutine[Any, Any, None]], tmp_path: Path
) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()
            c = space.collection("c")
            stream: Any = {
                "live": c.live,
                "live_document": lambda: c.live_document("a"),
                "status_stream": space.status_stream,
                "events": alice.events,
                "fates": space.fates,
            }[kind]()
            if kind not in ("events", "fates"):
                await anext(stream)
            await give_up(stream)
            assert under_way() == 1, "the wait goes on for who asks next"
            del stream
            gc.collect()
            while under_way():
                await asyncio.sleep(0.001)

    run(story())


def test_a_wait_that_is_given_up_is_for_the_next_reader_of_its_loop_only(tmp_path: Path) -> None:
    alice = run(veilfold.open(store(tmp_path, "alice")))
    events = alice.events()
    first = asyncio.new_event_loop()
    with pytest.raises(asyncio.TimeoutError):
        first.run_until_complete(asyncio.wait_for(anext(events), 0.01))

    async def elsewhere() -> None:
        with pytest.raises(veilfold.Invalid) as caught:
            await anext(events)
        assert caught.value.code == "other_loop"

    run(elsewhere())
    run(alice.close())
    with pytest.raises(StopAsyncIteration):
        first.run_until_complete(anext(events))
    first.close()


def test_a_cancelled_wait_ends_its_native_call(tmp_path: Path) -> None:
    """Also while somebody still holds the call. When this one ends, the client goes offline again."""
    calls: list[_native.AsyncCall[bool]] = []

    async def story() -> None:
        nowhere = "ws://127.0.0.1:1"
        async with await veilfold.open(store(tmp_path, "alice"), relay=nowhere) as alice:
            await alice.create_space()
            await alice.disconnect()

            def sync_once() -> _native.AsyncCall[bool]:
                calls.append(alice._native.sync_once(3_600_000))
                return calls[-1]

            waiting = asyncio.create_task(answered(_calls.FLAG, sync_once))
            while not (await alice.status()).wants_connection:
                await asyncio.sleep(0.001)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            while (await alice.status()).wants_connection:
                await asyncio.sleep(0.001)

    run(story())


native: Any = _native  # the stub says what the package uses alone


class Lossy:
    """A native stream of events that has lost some."""

    def __init__(self) -> None:
        self.answers = [
            native.EventBatch(events=[native.Event.ADMITTED(space="s")], missed=44),
            native.EventBatch(events=[native.Event.DEVICE_CLONED(space="s")], missed=0),
            None,
        ]

    def next_batch(self, max: int) -> Any:
        return self

    async def answer(self) -> Any:
        return native.Answer.EVENT_BATCH(self.answers.pop(0))

    def cancel(self) -> None: ...


def test_lost_events_are_told() -> None:
    async def story() -> None:
        async def opening() -> Any:
            return Lossy()

        told = [events async for events in veilfold.EventStream(opening)]
        assert told == [
            [veilfold.Event("missed", count=44), veilfold.Event("admitted", "s")],
            [veilfold.Event("device_cloned", "s")],
        ]

    run(story())
