"""Documents of older versions still read, in the app's own tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, TypedDict

import pytest
from veilfold import Invalid
from veilfold.testing import Schemas


@dataclass
class Item:
    title: str
    done: bool = False
    tags: list[str] = field(default_factory=list)
    price: Optional[float] = None


@dataclass
class StricterItem:
    title: str
    owner: str


class Note(TypedDict):
    body: str
    counts: dict[str, int]


def recorded(folder: Path) -> Schemas:
    schemas = Schemas(folder)
    schemas.record("items", "2025", {"title": "Milk", "removed since": 1})
    schemas.record("items", "2026", {"title": "Tea", "done": True, "tags": ["hot"], "price": 2})
    return schemas


def test_old_documents_read_with_todays_type(tmp_path: Path) -> None:
    schemas = recorded(tmp_path)
    assert schemas.check("items", Item) == 2
    schemas.record("notes", "first", {"body": "", "counts": {"a": 1}})
    assert schemas.check("notes", Note) == 1


def test_a_type_that_old_documents_do_not_fit_is_named_with_the_files(tmp_path: Path) -> None:
    schemas = recorded(tmp_path)
    with pytest.raises(AssertionError) as raised:
        schemas.check("items", StricterItem)
    assert "2025.json" in str(raised.value) and "2026.json" in str(raised.value)
    assert "has no owner" in str(raised.value)


@pytest.mark.parametrize(
    "document",
    [{"title": 1}, {"title": "x", "done": 1}, {"title": "x", "tags": [1]}, {"title": "x", "price": "2"}],
)
def test_another_type_of_value_does_not_read(tmp_path: Path, document: dict[str, Any]) -> None:
    schemas = Schemas(tmp_path)
    schemas.record("items", "one", document)
    with pytest.raises(AssertionError, match="TypeError"):
        schemas.check("items", Item)


def test_a_function_reads_as_the_app_does(tmp_path: Path) -> None:
    schemas = recorded(tmp_path)

    def read(document: dict[str, Any]) -> str:
        return str(document["title"]) + str(document["done"])

    with pytest.raises(AssertionError, match="KeyError: 'done'"):
        schemas.check("items", read)


def test_what_is_recorded_is_never_written_anew(tmp_path: Path) -> None:
    schemas = recorded(tmp_path)
    file = tmp_path / "items" / "2025.json"
    before = file.read_bytes()
    schemas.record("items", "2025", {"removed since": 1, "title": "Milk"})
    with pytest.raises(AssertionError, match="under a new name"):
        schemas.record("items", "2025", {"title": "Oat milk"})
    assert file.read_bytes() == before


def test_nothing_recorded_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="record one first"):
        Schemas(tmp_path).check("items", Item)
    with pytest.raises(Invalid, match="bad_name"):
        Schemas(tmp_path).record("../items", "one", {})


def test_what_no_store_takes_is_no_example(tmp_path: Path) -> None:
    for bad in ({1: "x"}, {"n": 2**64}, {"n": float("nan")}):
        with pytest.raises(Invalid, match="bad_json"):
            Schemas(tmp_path).record("items", "one", bad)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
