"""Resolvers compiled to WebAssembly, by the pinned bytes that every language runs."""

from pathlib import Path

import pytest
import veilfold
from conftest import relay_in_process, run, share, store

PINNED = Path(__file__).resolve().parents[3] / "guests/pinned"


def tickets(language: str) -> veilfold.Module:
    """Three tickets, at most two for each; the same rules in other bytes."""
    return veilfold.Module("tickets", (PINNED / f"tickets-{language}.wasm").read_bytes(), version=2)


def test_devices_with_the_same_bytes_agree_and_one_with_others_waits(tmp_path: Path) -> None:
    async def story() -> None:
        rust, zig = tickets("rust"), tickets("zig")
        async with relay_in_process() as url:
            async with (
                await veilfold.open(store(tmp_path, "alice"), relay=url, resolvers=[rust]) as alice,
                await veilfold.open(store(tmp_path, "bob"), relay=url, resolvers=[rust]) as bob,
                await veilfold.open(store(tmp_path, "carol"), relay=url, resolvers=[zig]) as carol,
            ):
                ours = await alice.create_space()
                theirs = await share(ours, bob)
                await theirs.reached((await ours.synced()).seq)
                for _ in range(2):
                    bought = await theirs.collection("tickets").call("gig", "buy")
                assert isinstance(await bought.settled(), veilfold.Confirmed)
                with pytest.raises(veilfold.Invalid) as caught:
                    await theirs.collection("tickets").call("gig", "buy")
                assert (caught.value.code, caught.value.detail) == ("rejected", "enough for one")
                with pytest.raises(veilfold.Invalid) as caught:
                    await theirs.collection("tickets").call("gig", "break")
                assert caught.value.code == "rejected"
                await ours.reached((await theirs.synced()).seq)
                sold = await ours.collection("tickets").get("gig")
                assert sold is not None and sold["free"] == 1
                assert sold == await theirs.collection("tickets").get("gig")
                assert await ours.state_root() == await theirs.state_root()

                others = await share(ours, carol)
                async for status in others.status_stream():
                    if status.held is not None:
                        assert status.held == "update_required"
                        break

    run(story())


def test_what_is_no_resolver_is_refused_when_it_is_brought(tmp_path: Path) -> None:
    async def story() -> None:
        for wasm in (b"", b"no module", b"\0asm\1\0\0\0"):
            with pytest.raises(veilfold.Invalid) as caught:
                await veilfold.open(store(tmp_path, "a"), resolvers=[veilfold.Module("c", wasm)])
            assert caught.value.code == "bad_module"
        both = [tickets("rust"), tickets("zig")]
        with pytest.raises(veilfold.Invalid) as caught:
            await veilfold.open(store(tmp_path, "a"), resolvers=both)
        assert caught.value.code == "resolver_twice"

    run(story())
