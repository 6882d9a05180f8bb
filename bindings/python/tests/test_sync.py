"""The blocking twin."""

import inspect
from pathlib import Path

import pytest
import veilfold
import veilfold.sync
from conftest import store


def test_two_clients_share_a_space(tmp_path: Path) -> None:
    with (
        veilfold.sync.relay() as relay,
        veilfold.sync.open(store(tmp_path, "alice"), relay=relay.url, name="Alice") as alice,
        veilfold.sync.open(store(tmp_path, "bob"), relay=relay.url, name="Bob") as bob,
    ):
        ours = alice.create_space("Groceries")
        items = ours.collection("items")
        items.put("milk", {"qty": 1})
        theirs = bob.join(ours.add_member(bob.contact_card()))
        with theirs.collection("items").live() as changes:
            change = next(changes)
            if not change.rows:  # the relay may have been faster
                change = next(changes)
            assert [row["qty"] for row in change.rows] == [1]
            with pytest.raises(TimeoutError):
                changes.next(timeout=0.05)
            receipt = items.increment("milk", "qty")
            assert isinstance(receipt.settled(timeout=30), veilfold.Confirmed)
            change = changes.next(timeout=30)
            assert [row["qty"] for row in change.updated] == [2]

        def buy(tx: veilfold.Transaction) -> str:
            milk = tx.get("items", "milk")
            assert milk is not None
            tx.set("items", "milk", "qty", milk["qty"] - 1)
            return "bought"

        done = theirs.transact(buy)
        assert done.value == "bought" and done.receipt is not None
        fate = done.receipt.settled(timeout=30)
        assert isinstance(fate, veilfold.Confirmed)
        ours.reached(fate.position.seq, timeout=30)
        assert items.get("milk") == {"qty": 1}
        assert ours.state_root() == theirs.state_root()
        assert [member.name for member in theirs.members()] == ["Alice", "Bob"]
        bob.disconnect()
        items.increment("milk", "qty", 5)
        ours.synced(timeout=30)
        assert bob.sync_once(timeout=30)
        assert theirs.collection("items").get("milk") == {"qty": 6}
        assert theirs.status().state == "offline"
    with pytest.raises(veilfold.Invalid):
        items.get("milk")


def test_a_document_is_copied(tmp_path: Path) -> None:
    with veilfold.sync.open(store(tmp_path, "alice")) as alice:
        notes, archive = alice.create_space().collection("notes"), alice.create_space()
        notes.put("plan", {"title": "Plan"})
        assert notes.copy("plan", archive) is not None
        assert notes.copy("plan", archive.collection("old"), new_id="first") is not None
        assert archive.collection("notes").get("plan") == {"title": "Plan"}
        assert archive.collection("old").get("first") == {"title": "Plan"}
        assert notes.copy("none", archive) is None


@pytest.mark.parametrize("name", ["Client", "Space", "Collection", "Receipt"])
def test_the_twin_has_the_same_calls(name: str) -> None:
    def calls(thing: type) -> set[str]:
        return {name for name, member in inspect.getmembers(thing) if not name.startswith("_")}

    missing = calls(getattr(veilfold, name)) - calls(getattr(veilfold.sync, name))
    assert missing <= {"text"}
