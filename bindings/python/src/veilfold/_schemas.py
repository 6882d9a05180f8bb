"""Documents that older versions of an app wrote, kept as files, and the check that they still read."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Union

from ._errors import Invalid
from ._json import dumps, loads

Reader = Union[type, Callable[[dict[str, Any]], object]]
"""A dataclass, a ``TypedDict``, or a function that raises for what it cannot read."""


class Schemas:
    """Sample documents in a folder of the app's own tests, ``<folder>/<collection>/<name>.json``.

        schemas = Schemas(Path(__file__).parent / "schemas")

        def test_old_items_still_read():
            schemas.record("items", "2026-03", {"title": "Milk", "done": False})
            schemas.check("items", Item)

    Documents outlive the version that wrote them, on this device and on others. Record an example with
    every version that changes a type, commit the files, and never change one.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def record(self, collection: str, name: str, document: Mapping[str, Any]) -> None:
        """Writes today's example once. It is an ``AssertionError`` when another one has that name."""
        for part in (collection, name):
            if not part or part != Path(part).name:
                raise Invalid("bad_name", f"{part!r} cannot be the name of a file")
        file = self._folder / collection / f"{name}.json"
        # As it reads when it comes back from a store.
        today = loads(dumps(dict(document)))
        if file.exists():
            if json.loads(file.read_text(encoding="utf-8")) != today:
                raise AssertionError(f"{file} was recorded with another document; record this one under a new name")
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(today, ensure_ascii=False, indent=2, sort_keys=True)
        file.write_text(text + "\n", encoding="utf-8")

    def check(self, collection: str, reader: Reader) -> int:
        """Reads every document recorded for a collection, and gives their number. It is an
        ``AssertionError`` when there is none, or when one does not read; all that do not are named.
        """
        files = sorted((self._folder / collection).glob("*.json"))
        if not files:
            raise AssertionError(f"{self._folder / collection} holds no documents; record one first")
        wrong: list[str] = []
        for file in files:
            try:
                _read(reader, json.loads(file.read_text(encoding="utf-8")))
            except Exception as error:  # whatever the app's own reader raises
                wrong.append(f"{file}: {type(error).__name__}: {error}")
        if wrong:
            raise AssertionError("documents of older versions do not read any more:\n" + "\n".join(wrong))
        return len(files)


def _read(reader: Reader, document: dict[str, Any]) -> None:
    if dataclasses.is_dataclass(reader) or typing.is_typeddict(typing.cast(object, reader)):
        _expect(document, reader, "the document")
    else:
        reader(document)


def _expect(value: object, wanted: Any, where: str) -> None:
    """Raises ``TypeError`` for a value that is not of the type; fields that it does not name are fine."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if dataclasses.is_dataclass(wanted) or typing.is_typeddict(wanted):
        _expect_fields(value, wanted, where)
    elif wanted is Any or wanted is object:
        return
    elif origin is Union or origin is getattr(types, "UnionType", None):
        if not any(_fits(value, one, where) for one in arguments):
            raise TypeError(f"{where} is {value!r}, not {wanted}")
    elif origin is typing.Literal:
        if value not in arguments:
            raise TypeError(f"{where} is {value!r}, not one of {arguments}")
    elif wanted is None or wanted is type(None):
        if value is not None:
            raise TypeError(f"{where} is {value!r}, not None")
    elif origin in _WRAPPERS:
        _expect(value, arguments[0], where)
    elif origin is list:
        _expect(value, list, where)
        for number, item in enumerate(typing.cast("list[object]", value)):
            _expect(item, arguments[0], f"{where}[{number}]")
    elif origin is dict:
        _expect(value, dict, where)
        for key, item in typing.cast("dict[str, object]", value).items():
            _expect(item, arguments[1], f"{where}[{key!r}]")
    elif wanted is float:
        # JSON has one kind of number for people, and bool is an int for Python.
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"{where} is {value!r}, not a number")
    elif isinstance(wanted, type):
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise TypeError(f"{where} is {value!r}, not {wanted.__name__}")
    else:
        raise TypeError(f"{where}: {wanted} is not known here; give a function that reads the document")


_WRAPPERS = [getattr(typing, name) for name in ("Required", "NotRequired") if hasattr(typing, name)]
"""Python 3.11 and newer have them."""


def _fits(value: object, wanted: Any, where: str) -> bool:
    try:
        _expect(value, wanted, where)
    except TypeError:
        return False
    return True


def _expect_fields(value: object, wanted: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise TypeError(f"{where} is {value!r}, not an object")
    present = typing.cast("dict[str, object]", value)
    if dataclasses.is_dataclass(wanted):
        fields = dataclasses.fields(wanted)
        missing = dataclasses.MISSING
        needed = {f.name for f in fields if f.init and f.default is missing and f.default_factory is missing}
        names = {f.name for f in fields if f.init}
    else:
        needed, names = set(wanted.__required_keys__), set(wanted.__annotations__)
    hints = typing.get_type_hints(wanted)
    for name in sorted(names):
        if name in present:
            _expect(present[name], hints[name], f"{where}.{name}")
        elif name in needed:
            raise TypeError(f"{where} has no {name}")
