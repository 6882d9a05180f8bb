"""The operations, for collections (each its own write) and transactions (several in one)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._json import Path, action, path_parts

Splice = tuple[int, int, str]
"""Offset, how many to delete there, what to insert there; in characters (code points)."""

Action = dict[str, object]


def call(collection: str, id: str, name: str, args: Any) -> Action:
    return action("call", collection, id, name=name, value=args)


def put(collection: str, id: str, document: Mapping[str, Any]) -> Action:
    return action("put", collection, id, value=dict(document))


def create(collection: str, id: str, document: Mapping[str, Any]) -> Action:
    return action("create", collection, id, value=dict(document))


def set_(collection: str, id: str, path: Path, value: Any) -> Action:
    return action("set", collection, id, path=path_parts(path), value=value)


def unset(collection: str, id: str, path: Path) -> Action:
    return action("unset", collection, id, path=path_parts(path))


def merge(collection: str, id: str, fields: Mapping[str, Any], path: Path) -> Action:
    return action("merge", collection, id, path=path_parts(path), value=dict(fields))


def increment(collection: str, id: str, path: Path, by: int) -> Action:
    return action("increment", collection, id, path=path_parts(path), by=by)


def delete(collection: str, id: str) -> Action:
    return action("delete", collection, id)


def list_insert(
    collection: str, id: str, path: Path, value: Any, after: str | None, before: str | None
) -> Action:
    return action("list_insert", collection, id, path=path_parts(path), value=value, after=after, before=before)


def list_append(collection: str, id: str, path: Path, value: Any) -> Action:
    return action("list_append", collection, id, path=path_parts(path), value=value)


def list_move(
    collection: str, id: str, path: Path, element: str, after: str | None, before: str | None
) -> Action:
    return action("list_move", collection, id, path=path_parts(path), element=element, after=after, before=before)


def list_remove(collection: str, id: str, path: Path, element: str) -> Action:
    return action("list_remove", collection, id, path=path_parts(path), element=element)


def set_add(collection: str, id: str, path: Path, member: bool | int | str) -> Action:
    return action("set_add", collection, id, path=path_parts(path), value=member)


def set_remove(collection: str, id: str, path: Path, member: bool | int | str) -> Action:
    return action("set_remove", collection, id, path=path_parts(path), value=member)


def text_create(collection: str, id: str, path: Path, text: str) -> Action:
    return action("text_create", collection, id, path=path_parts(path), text=text)


def text_edit(collection: str, id: str, path: Path, splices: Sequence[Splice]) -> Action:
    return action("text_edit", collection, id, path=path_parts(path), splices=[list(splice) for splice in splices])


def expect(collection: str, id: str, path: Path, condition: str, value: Any) -> Action:
    made = action("expect", collection, id, path=path_parts(path))
    made["is"] = condition
    if condition not in ("exists", "missing"):
        made["value"] = value
    return made
