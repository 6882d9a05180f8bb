"""Devices that came to different documents: noticed, and mended by the next version of the app."""

from pathlib import Path
from typing import Any

import veilfold
from conftest import relay_in_process, run, share, store
from test_resolvers import State, collect, gigs

ENTRIES = 256
"""A state root is attached after so many."""


@veilfold.resolver("gigs")
def miscounting(state: State, call: veilfold.Call) -> dict[str, Any]:
    """Takes one ticket more than was bought."""
    gig = state or {"left": 3}
    return {"left": gig["left"] - call.args - 1}


def test_a_mistaken_resolver_is_noticed_named_and_mended(tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            relay_in_process() as url,
            await veilfold.open(store(tmp_path, "alice"), relay=url, resolvers=[gigs], app_version="1") as alice,
        ):
            ours = await alice.create_space()
            bob = await veilfold.open(store(tmp_path, "bob"), relay=url, resolvers=[miscounting], app_version="1")
            async with bob:
                theirs = await share(ours, bob)
                noticed, looked = collect(alice, "diverged"), collect(bob, "diverged")
                await ours.collection("gigs").call("tonight", "buy", 1)
                for n in range(ENTRIES):
                    await (await ours.collection("notes").put("note", {"n": n})).settled()
                await theirs.reached((await ours.synced()).seq)
                assert await theirs.collection("gigs").get("tonight") == {"left": 1}, "that is the mistake"
                # Attaches no root of its own before it has folded the log again.
                assert (await looked).author == 1
                await (await theirs.collection("notes").put("other", {})).settled()
                event = await noticed
                assert (event.space, event.seq, event.author) == (ours.id, ENTRIES, 2)
                assert await theirs.collection("gigs").get("tonight") == {"left": 1}, "nothing is taken over"
            bob = await veilfold.open(store(tmp_path, "bob"), relay=url, resolvers=[gigs], app_version="2")
            async with bob:
                healed = collect(bob, "healed")
                theirs = await bob.space(ours.id)
                await ours.collection("notes").put("note", {"n": ENTRIES})
                await theirs.reached((await ours.synced()).seq)
                event = await healed
                assert (event.documents, event.count) == ((("gigs", "tonight"),), 1)
                assert await theirs.collection("gigs").get("tonight") == {"left": 2}
                assert await theirs.state_root() == await ours.state_root()

    run(story())
