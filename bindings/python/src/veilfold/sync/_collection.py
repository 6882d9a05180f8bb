"""Collections and receipts, blocking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import _collection, _fates
from .._actions import Splice
from .._collection import ListElement
from .._fates import Fate, Settled
from .._json import Path, Row
from .._live_query import Change
from ._waiting import Stream, run

if TYPE_CHECKING:
    from ._space import Space


class Receipt:
    """A write, and the way to ask for its fate. See :class:`veilfold.Receipt`."""

    def __init__(self, inner: _fates.Receipt) -> None:
        self._inner = inner

    @property
    def tx_id(self) -> str:
        """The write's id."""
        return self._inner.tx_id

    @property
    def elements(self) -> list[str]:
        """Ids of the list elements that the write made."""
        return self._inner.elements

    def fate(self) -> Fate:
        """What became of it so far."""
        return run(self._inner.fate())

    def attempts(self) -> int:
        """How many transactions were tried for it so far."""
        return run(self._inner.attempts())

    def settled(self, timeout: float | None = None) -> Settled:
        """Waits until nothing will change the fate any more; ``TimeoutError`` after ``timeout`` seconds."""
        return run(self._inner.settled(), timeout)


class Collection:
    """A collection of one space. See :class:`veilfold.Collection`."""

    def __init__(self, inner: _collection.Collection) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """Its name."""
        return self._inner.name

    def get(self, id: str) -> dict[str, Any] | None:
        """A document as it is visible."""
        return run(self._inner.get(id))

    def all(self) -> list[Row]:
        """All documents, by id."""
        return run(self._inner.all())

    def live(self) -> Stream[Change]:
        """Watches all documents."""
        return Stream(self._inner.live())

    def live_document(self, id: str) -> Stream[dict[str, Any] | None]:
        """Watches one document."""
        return Stream(self._inner.live_document(id))

    def call(self, id: str, name: str, args: Any = None) -> Receipt:
        """Asks the collection's own resolver."""
        return Receipt(run(self._inner.call(id, name, args)))

    def create(self, id: str, document: Mapping[str, Any]) -> Receipt:
        """Makes a document; rejected when one of that id exists."""
        return Receipt(run(self._inner.create(id, document)))

    def put(self, id: str, document: Mapping[str, Any]) -> Receipt:
        """Puts a whole document."""
        return Receipt(run(self._inner.put(id, document)))

    def set(self, id: str, path: Path, value: Any) -> Receipt:
        """Puts a value at a path."""
        return Receipt(run(self._inner.set(id, path, value)))

    def unset(self, id: str, path: Path) -> Receipt:
        """Removes what is at a path."""
        return Receipt(run(self._inner.unset(id, path)))

    def merge(self, id: str, fields: Mapping[str, Any], path: Path = "") -> Receipt:
        """Puts fields, leaving others."""
        return Receipt(run(self._inner.merge(id, fields, path)))

    def increment(self, id: str, path: Path, by: int = 1) -> Receipt:
        """Adds to a whole number."""
        return Receipt(run(self._inner.increment(id, path, by)))

    def delete(self, id: str) -> Receipt:
        """Deletes a document."""
        return Receipt(run(self._inner.delete(id)))

    def copy(self, id: str, to: Space | Collection, *, new_id: str | None = None) -> Receipt | None:
        """Copies a document into a space, or into another collection; ``None`` when there is none."""
        receipt = run(self._inner.copy(id, to._inner, new_id=new_id))
        return None if receipt is None else Receipt(receipt)

    def elements(self, id: str, path: Path) -> list[ListElement]:
        """The elements of a list with their ids."""
        return run(self._inner.elements(id, path))

    def list_append(self, id: str, path: Path, value: Any) -> Receipt:
        """Adds an element at the end of a list."""
        return Receipt(run(self._inner.list_append(id, path, value)))

    def list_insert(
        self, id: str, path: Path, value: Any, *, after: str | None = None, before: str | None = None
    ) -> Receipt:
        """Inserts an element beside others."""
        return Receipt(run(self._inner.list_insert(id, path, value, after=after, before=before)))

    def list_move(
        self, id: str, path: Path, element: str, *, after: str | None = None, before: str | None = None
    ) -> Receipt:
        """Moves an element."""
        return Receipt(run(self._inner.list_move(id, path, element, after=after, before=before)))

    def list_remove(self, id: str, path: Path, element: str) -> Receipt:
        """Removes an element."""
        return Receipt(run(self._inner.list_remove(id, path, element)))

    def set_add(self, id: str, path: Path, member: bool | int | str) -> Receipt:
        """Adds to a set."""
        return Receipt(run(self._inner.set_add(id, path, member)))

    def set_remove(self, id: str, path: Path, member: bool | int | str) -> Receipt:
        """Removes from a set."""
        return Receipt(run(self._inner.set_remove(id, path, member)))

    def text_create(self, id: str, path: Path, text: str = "") -> Receipt:
        """Puts a new collaborative text at a path."""
        return Receipt(run(self._inner.text_create(id, path, text)))

    def text_edit(self, id: str, path: Path, splices: Sequence[Splice]) -> Receipt:
        """Edits a collaborative text."""
        return Receipt(run(self._inner.text_edit(id, path, splices)))

    def text(self, id: str, path: Path) -> Text:
        """A collaborative text in a document."""
        return Text(self._inner.text(id, path))


class Text:
    """A collaborative text in a document. See :class:`veilfold.Text`."""

    def __init__(self, inner: _collection.Text) -> None:
        self._inner = inner

    def create(self, text: str = "") -> Receipt:
        """Puts a new text in its place."""
        return Receipt(run(self._inner.create(text)))

    def insert(self, offset: int, text: str) -> Receipt:
        """Inserts at an offset of the text as it is visible now."""
        return Receipt(run(self._inner.insert(offset, text)))

    def delete(self, offset: int, count: int) -> Receipt:
        """Deletes from an offset of the text as it is visible now."""
        return Receipt(run(self._inner.delete(offset, count)))

    def edit(self, splices: Sequence[Splice]) -> Receipt:
        """Several splices in order, each on the text that the one before leaves."""
        return Receipt(run(self._inner.edit(splices)))

    def read(self) -> str | None:
        """The text as it is visible, ``None`` when there is none."""
        return run(self._inner.read())
