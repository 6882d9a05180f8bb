"""The blocking twin."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import veilfold
import veilfold.sync
from conftest import store

CLASSES = ["Client", "Collection", "Receipt", "Space", "Text"]
WITH_TIMEOUT = dict.fromkeys(
    ("settled", "synced", "reached"), [("timeout", inspect.Parameter.POSITIONAL_OR_KEYWORD, None)]
)


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


def test_a_text_is_edited(tmp_path: Path) -> None:
    with veilfold.sync.open(store(tmp_path, "alice")) as alice:
        note = alice.create_space().collection("notes").text("plan", "body")
        assert note.read() is None
        note.create("fresh milk")
        note.insert(5, "est bread and")
        note.delete(0, 9)
        note.edit([(0, 1, "B"), (5, 0, ",")])
        assert note.read() == "Bread, and milk"


def test_a_relay_lies(tmp_path: Path) -> None:
    with (
        veilfold.sync.HostileRelay() as relay,
        veilfold.sync.open(store(tmp_path, "alice"), relay=relay.url) as alice,
        veilfold.sync.open(store(tmp_path, "bob"), relay=relay.lying_url) as bob,
    ):
        ours = alice.create_space()
        theirs = bob.join(ours.add_member(bob.contact_card()))
        theirs.reached(ours.synced(timeout=30).seq, timeout=30)
        relay.lie("delays")
        ours.collection("c").put("a", {})
        reached = ours.synced(timeout=30).seq
        with pytest.raises(TimeoutError):
            theirs.reached(reached, timeout=0.1)
        relay.lie(None)
        theirs.reached(reached, timeout=30)
        with pytest.raises(veilfold.Invalid, match="bad_lie"):
            relay.lie("nonsense")  # type: ignore[arg-type]


TWINS: list[tuple[Any, Any]] = [
    *[(getattr(veilfold, name), getattr(veilfold.sync, name)) for name in CLASSES],
    (veilfold.testing.HostileRelay, veilfold.sync.HostileRelay),
]


@pytest.mark.parametrize(("real", "twin"), TWINS, ids=[real.__name__ for real, _ in TWINS])
def test_the_twin_has_the_same_calls(real: Any, twin: Any) -> None:
    def calls(thing: type) -> dict[str, Any]:
        return {name: member for name, member in inspect.getmembers(thing) if not name.startswith("_")}

    assert calls(twin).keys() == calls(real).keys()
    for name, member in calls(real).items():
        if callable(member):
            assert parameters(calls(twin)[name]) == parameters(member) + WITH_TIMEOUT.get(name, []), name


def test_the_twin_has_the_same_functions() -> None:
    assert parameters(veilfold.sync.open) == parameters(veilfold.open)
    assert parameters(veilfold.sync.relay) == parameters(veilfold.testing.relay)
    assert set(veilfold.sync.__all__) == {*CLASSES, "HostileRelay", "Stream", "Transacted", "open", "relay"}


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    """Names, kinds and defaults."""
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]
