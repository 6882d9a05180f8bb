"""Streams: started late, given up, cancelled, closed, forgotten."""

import asyncio
import gc
from pathlib import Path

import pytest
import veilfold
from conftest import run, store


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
