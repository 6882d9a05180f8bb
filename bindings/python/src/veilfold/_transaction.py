"""A transaction being made by an app's function, and the loop that runs the function."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from . import _actions, _calls, _native
from ._actions import Action, Splice
from ._collection import PAGE, ListElement
from ._calls import answered, told
from ._errors import Invalid
from ._fates import Receipt
from ._json import Path, Row, document, dumps, loads, path_parts

T = TypeVar("T")

Condition = Literal["exists", "missing", "equals", "at_least", "at_most"]


@dataclass(frozen=True)
class Transacted(Generic[T]):
    """A committed transaction."""

    value: T
    """What the function returned."""
    receipt: Receipt | None
    """Tells the fate; ``None`` when the function asked for nothing."""


class Transaction:
    """What a function given to ``space.transact`` works with.

    Reads see the actions so far. Every document and collection that was read becomes a precondition: if
    somebody else changes it before the order has this transaction, the transaction is rejected everywhere,
    and its receipt says so. Its calls wait for a moment each and raise like those of a collection.
    """

    def __init__(self, native: _native.TransactionBuilder) -> None:
        self._native = native

    def get(self, collection: str, id: str) -> dict[str, Any] | None:
        """A document, ``None`` when there is none of that id."""
        return document(told(lambda: self._native.get(collection, id)))

    def all(self, collection: str) -> list[Row]:
        """All documents of a collection, by id. Which there are becomes a precondition too: a document
        that somebody else adds, changes or deletes before the order has this is a conflict.
        """
        rows: list[Row] = []
        while True:
            after = rows[-1].id if rows else None
            page = loads(told(lambda: self._native.page(collection, after, PAGE)))
            rows.extend(Row(id, fields) for id, fields in page)
            if len(page) < PAGE:
                return rows

    def elements(self, collection: str, id: str, path: Path) -> list[ListElement]:
        """The elements of the list at a path; empty when there is no list."""
        parts = dumps(path_parts(path))
        found = loads(told(lambda: self._native.elements(collection, id, parts)))
        return [ListElement(element, value) for element, value in found]

    def call(self, collection: str, id: str, name: str, args: Any = None) -> None:
        """Asks the collection's own resolver, which decides what becomes of the document."""
        self._stage(_actions.call(collection, id, name, args))

    def create(self, collection: str, id: str, document: Mapping[str, Any]) -> None:
        """Makes a document; rejected when one of that id exists."""
        self._stage(_actions.create(collection, id, document))

    def put(self, collection: str, id: str, document: Mapping[str, Any]) -> None:
        """Puts a whole document, replacing one of that id."""
        self._stage(_actions.put(collection, id, document))

    def set(self, collection: str, id: str, path: Path, value: Any) -> None:
        """Puts a value at a path, making the document and objects on the way."""
        self._stage(_actions.set_(collection, id, path, value))

    def unset(self, collection: str, id: str, path: Path) -> None:
        """Removes what is at a path; nothing there is no error."""
        self._stage(_actions.unset(collection, id, path))

    def merge(self, collection: str, id: str, fields: Mapping[str, Any], path: Path = "") -> None:
        """Puts fields into the document, or into the object at a path, leaving its others."""
        self._stage(_actions.merge(collection, id, fields, path))

    def increment(self, collection: str, id: str, path: Path, by: int = 1) -> None:
        """Adds to a whole number; a missing one counts as 0."""
        self._stage(_actions.increment(collection, id, path, by))

    def delete(self, collection: str, id: str) -> None:
        """Deletes a document; nothing happens when it is gone."""
        self._stage(_actions.delete(collection, id))

    def list_append(self, collection: str, id: str, path: Path, value: Any) -> None:
        """Adds an element at the end of a list."""
        self._stage(_actions.list_append(collection, id, path, value))

    def list_insert(
        self,
        collection: str,
        id: str,
        path: Path,
        value: Any,
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> None:
        """Inserts an element beside others; at the start when none is named."""
        self._stage(_actions.list_insert(collection, id, path, value, after, before))

    def list_move(
        self,
        collection: str,
        id: str,
        path: Path,
        element: str,
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> None:
        """Moves an element; nothing happens when it is gone."""
        self._stage(_actions.list_move(collection, id, path, element, after, before))

    def list_remove(self, collection: str, id: str, path: Path, element: str) -> None:
        """Removes an element; nothing happens when it is gone."""
        self._stage(_actions.list_remove(collection, id, path, element))

    def set_add(self, collection: str, id: str, path: Path, member: bool | int | str) -> None:
        """Adds to a set."""
        self._stage(_actions.set_add(collection, id, path, member))

    def set_remove(self, collection: str, id: str, path: Path, member: bool | int | str) -> None:
        """Removes from a set."""
        self._stage(_actions.set_remove(collection, id, path, member))

    def text_create(self, collection: str, id: str, path: Path, text: str = "") -> None:
        """Puts a new collaborative text at a path."""
        self._stage(_actions.text_create(collection, id, path, text))

    def text_edit(self, collection: str, id: str, path: Path, splices: Sequence[Splice]) -> None:
        """Edits a collaborative text with splices ``(offset, delete, insert)``."""
        self._stage(_actions.text_edit(collection, id, path, splices))

    def expect(
        self, collection: str, id: str, path: Path = "", condition: Condition = "exists", value: Any = None
    ) -> None:
        """Rejects the whole transaction, on every device, unless the condition holds in the order."""
        self._stage(_actions.expect(collection, id, path, condition, value))

    def _stage(self, action: Action) -> None:
        actions = dumps([action])
        told(lambda: self._native.stage(actions))


async def transact(
    begin: Callable[[], _native.TransactionBuilder], function: Callable[[Transaction], T]
) -> Transacted[T]:
    """Runs the function in a worker thread until what it read still holds when it is committed."""
    check(function)
    while True:
        native = told(begin)
        running = _in_worker(function, Transaction(native))
        try:
            value = await running
        except Exception:
            # What it was made of may have changed under its hands; then it is run again.
            if await answered(_calls.FLAG, native.is_current):
                raise
            continue
        outcome = await answered(_calls.OUTCOME_OR_NONE, native.commit)
        if outcome is not None:
            return Transacted(value, None if outcome.receipt is None else Receipt(outcome.receipt))


def _in_worker(function: Callable[[Transaction], T], tx: Transaction) -> asyncio.Future[T]:
    def call() -> T:
        try:
            return function(tx)
        except StopIteration as error:
            # It does not pass through a future.
            raise RuntimeError("the function raised StopIteration") from error

    context = contextvars.copy_context()
    try:
        return asyncio.get_running_loop().run_in_executor(None, lambda: context.run(call))
    except RuntimeError as error:
        # The function was not begun, so this is no failure of its own.
        raise Invalid("process_ending", str(error)) from None


def check(function: object) -> None:
    """Refuses what cannot be run again from the start in a thread."""
    if inspect.iscoroutinefunction(function):
        raise Invalid("not_a_function", "give a plain function: its reads need no await")
