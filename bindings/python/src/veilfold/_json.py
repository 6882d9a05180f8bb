"""The data model: JSON. Numbers keep type and bits in both directions; NaN and infinities are not JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union, cast

from ._errors import Invalid


class Element(str):
    """The id of a list element, where a path is given in parts: ``["tags", Element(id), "name"]``."""


Path = Union[str, Sequence[str]]
"""``"price.net"``, or the parts of it for keys that contain a dot: ``["price", "net.eu"]``."""


class Row(Mapping[str, Any]):
    """A document with its id: ``row.id``, ``row["title"]``, ``dict(row)``."""

    __slots__ = ("_fields", "id")

    def __init__(self, id: str, fields: dict[str, Any]) -> None:
        self.id = id
        self._fields = fields

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Row):
            return self.id == other.id and self._fields == other._fields
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # its fields can be changed

    def __repr__(self) -> str:
        return f"Row({self.id!r}, {self._fields!r})"


def is_whole(value: int) -> bool:
    """Whether it fits in the 64 signed bits that a whole number has."""
    # Not `in range`, which tries each number when the value is of a subclass, as of ``IntEnum``.
    return -(2**63) <= int.__int__(value) < 2**63


def dumps(value: object) -> bytes:
    """UTF-8 JSON. Raises ``Invalid`` for what is not JSON."""
    try:
        _expect_json(value)
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        kind = type(error).__name__
        raise Invalid("bad_json", f"only JSON can be stored: no NaN, bytes or other objects ({kind})") from None


def _expect_json(value: object) -> None:
    """Raises for what the encoder would write as something else: keys that are no strings, and whole numbers
    that are read as floats.
    """
    if isinstance(value, int):
        if not is_whole(value):
            raise Invalid("bad_json", "whole numbers must fit in 64 signed bits")
    elif isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            if not isinstance(key, str):
                raise Invalid("bad_json", "the keys of an object are strings")
            _expect_json(item)
    elif isinstance(value, (list, tuple)):
        for item in cast("Sequence[object]", value):
            _expect_json(item)


def loads(text: bytes) -> Any:
    """What Veilfold wrote."""
    return json.loads(text)


def document(text: bytes | None) -> dict[str, Any] | None:
    """A document, or ``None``."""
    if text is None:
        return None
    fields: dict[str, Any] = json.loads(text)
    return fields


def path_parts(path: Path) -> object:
    """A path as an action carries it."""
    if isinstance(path, str):
        return path
    return [{"element": str(part)} if isinstance(part, Element) else part for part in path]


def action(op: str, collection: str, id: str, **rest: object) -> dict[str, object]:
    """An action as the native layer reads it; what is ``None`` here means absent there."""
    made: dict[str, object] = {"op": op, "collection": collection, "id": id}
    made.update(rest)
    return made
