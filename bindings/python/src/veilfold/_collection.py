"""A collection of one space: reads of what is visible, and writes that are one intent each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from . import _actions, _calls, _native
from ._actions import Action, Splice
from ._calls import answered
from ._fates import Receipt
from ._json import Path, Row, document, dumps, loads, path_parts
from ._live_query import LiveDocument, LiveQuery

if TYPE_CHECKING:
    from ._space import Space

PAGE = 500
"""Documents of one call."""


@dataclass(frozen=True)
class ListElement:
    """An element of a list, and the id under which it is moved and removed."""

    id: str
    value: Any


class Collection:
    """A collection of one space. Cheap to make; it exists as soon as a document is in it.

    Writes return when a killed process cannot lose them, and reads see them at once, also offline.
    Other devices see them after the relay has ordered them; the receipt tells what became of them.
    Cancelling the call of a write leaves it whole or undone.

    Writes raise ``NotAllowed`` before this device was added as a writer, ``Invalid`` for what is
    malformed, too large, or rejected by the state as it is visible here (code ``rejected``), for a
    full outbox and for a closed client, ``Corrupt`` when the disk fails.
    """

    def __init__(self, space: _native.Space, client: _native.Client, name: str) -> None:
        self._space = space
        self._client = client  # as in the space
        self._name = name

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    async def get(self, id: str) -> dict[str, Any] | None:
        """A document as it is visible, ``None`` when there is none of that id."""
        return document(await answered(_calls.JSON_OR_NONE, self._space.get, self._name, id))

    async def all(self) -> list[Row]:
        """All documents, by id. Read page by page; a live query is consistent."""
        rows: list[Row] = []
        while True:
            after = rows[-1].id if rows else None
            page = loads(await answered(_calls.JSON, self._space.page, self._name, after, PAGE))
            rows.extend(Row(id, fields) for id, fields in page)
            if len(page) < PAGE:
                return rows

    def live(self) -> LiveQuery:
        """Watches all documents: ``async for change in items.live()``. The first change holds what is
        there, at once, also offline; after that, a slow reader gets the newest state.
        """
        return LiveQuery(lambda: answered(_calls.LIVE, self._space.live, self._name, None))

    def live_document(self, id: str) -> LiveDocument:
        """Watches one document: gives it, or ``None`` while there is none, as it changes."""
        return LiveDocument(lambda: answered(_calls.LIVE, self._space.live, self._name, id))

    async def call(self, id: str, name: str, args: Any = None) -> Receipt:
        """Asks the collection's own resolver, which decides what becomes of the document. What it refuses as
        the document is visible here raises ``Invalid`` with ``rejected`` and the resolver's words; what it
        refuses in the order is ``Rejected`` with ``refused_by_resolver``.
        """
        return await self._commit(_actions.call(self._name, id, name, args))

    async def create(self, id: str, document: Mapping[str, Any]) -> Receipt:
        """Makes a document; rejected when one of that id exists."""
        return await self._commit(_actions.create(self._name, id, document))

    async def put(self, id: str, document: Mapping[str, Any]) -> Receipt:
        """Puts a whole document, replacing one of that id."""
        return await self._commit(_actions.put(self._name, id, document))

    async def set(self, id: str, path: Path, value: Any) -> Receipt:
        """Puts a value at a path, making the document and objects on the way."""
        return await self._commit(_actions.set_(self._name, id, path, value))

    async def unset(self, id: str, path: Path) -> Receipt:
        """Removes what is at a path; nothing there is no error."""
        return await self._commit(_actions.unset(self._name, id, path))

    async def merge(self, id: str, fields: Mapping[str, Any], path: Path = "") -> Receipt:
        """Puts fields into the document, or into the object at a path, leaving its others."""
        return await self._commit(_actions.merge(self._name, id, fields, path))

    async def increment(self, id: str, path: Path, by: int = 1) -> Receipt:
        """Adds to a whole number; a missing one counts as 0. An intent: never a lost update."""
        return await self._commit(_actions.increment(self._name, id, path, by))

    async def delete(self, id: str) -> Receipt:
        """Deletes a document; nothing happens when it is gone."""
        return await self._commit(_actions.delete(self._name, id))

    async def copy(
        self, id: str, to: Space | Collection, *, new_id: str | None = None
    ) -> Receipt | None:
        """Copies a document as it is visible now into a space, into the collection of the same name, or into
        another collection. Lists, sets and collaborative texts stay what they are, without their history;
        later changes to either are not seen by the other. Works offline. ``None`` when there is no such
        document.

        The receipt is one of the target's space, and so are the errors: ``Invalid`` with ``rejected`` when
        it has a document of that id.
        """
        target = to if isinstance(to, Collection) else to.collection(self._name)
        wanted = (target._space, target._name, id if new_id is None else new_id)
        receipt = await answered(_calls.RECEIPT_OR_NONE, self._space.copy_document, self._name, id, *wanted)
        return None if receipt is None else Receipt(receipt)

    async def elements(self, id: str, path: Path) -> list[ListElement]:
        """The elements of the list at a path; empty when there is no list."""
        found = await answered(_calls.JSON, self._space.elements, self._name, id, dumps(path_parts(path)))
        return [ListElement(element, value) for element, value in loads(found)]

    async def list_append(self, id: str, path: Path, value: Any) -> Receipt:
        """Adds an element at the end of a list, making the list when there is none. Its id is the
        first of the receipt's ``elements``.
        """
        return await self._commit(_actions.list_append(self._name, id, path, value))

    async def list_insert(
        self, id: str, path: Path, value: Any, *, after: str | None = None, before: str | None = None
    ) -> Receipt:
        """Inserts an element after another if it is still there, else before the other, else at the
        end; at the start when neither is named.
        """
        return await self._commit(_actions.list_insert(self._name, id, path, value, after, before))

    async def list_move(
        self, id: str, path: Path, element: str, *, after: str | None = None, before: str | None = None
    ) -> Receipt:
        """Moves an element; nothing happens when it is gone."""
        return await self._commit(_actions.list_move(self._name, id, path, element, after, before))

    async def list_remove(self, id: str, path: Path, element: str) -> Receipt:
        """Removes an element; nothing happens when it is gone."""
        return await self._commit(_actions.list_remove(self._name, id, path, element))

    async def set_add(self, id: str, path: Path, member: bool | int | str) -> Receipt:
        """Adds to a set, making it when there is none. It reads as a list without duplicates."""
        return await self._commit(_actions.set_add(self._name, id, path, member))

    async def set_remove(self, id: str, path: Path, member: bool | int | str) -> Receipt:
        """Removes from a set."""
        return await self._commit(_actions.set_remove(self._name, id, path, member))

    async def text_create(self, id: str, path: Path, text: str = "") -> Receipt:
        """Puts a new collaborative text at a path. It reads as a string."""
        return await self._commit(_actions.text_create(self._name, id, path, text))

    async def text_edit(self, id: str, path: Path, splices: Sequence[Splice]) -> Receipt:
        """Edits a collaborative text as it is visible now, with splices ``(offset, delete, insert)`` in
        order, counted in code points as Python does. What others type meanwhile stays.
        """
        return await self._commit(_actions.text_edit(self._name, id, path, splices))

    def text(self, id: str, path: Path) -> Text:
        """A collaborative text in a document."""
        return Text(self, id, path)

    async def _commit(self, action: Action) -> Receipt:
        return Receipt(await answered(_calls.RECEIPT, self._space.commit, dumps([action])))


class Text:
    """A collaborative text in a document. Offsets count code points, as Python's strings do."""

    def __init__(self, collection: Collection, id: str, path: Path) -> None:
        self._collection = collection
        self._id = id
        self._path = path

    async def create(self, text: str = "") -> Receipt:
        """Puts a new text in its place."""
        return await self._collection.text_create(self._id, self._path, text)

    async def insert(self, offset: int, text: str) -> Receipt:
        """Inserts at an offset of the text as it is visible now."""
        return await self.edit([(offset, 0, text)])

    async def delete(self, offset: int, count: int) -> Receipt:
        """Deletes from an offset of the text as it is visible now."""
        return await self.edit([(offset, count, "")])

    async def edit(self, splices: Sequence[Splice]) -> Receipt:
        """Several splices in order, each on the text that the one before leaves."""
        return await self._collection.text_edit(self._id, self._path, splices)

    async def read(self) -> str | None:
        """The text as it is visible, ``None`` when there is none."""
        value: Any = await self._collection.get(self._id)
        parts = self._path.split(".") if isinstance(self._path, str) else self._path
        for part in parts:
            value = cast("dict[str, Any]", value).get(part) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None
