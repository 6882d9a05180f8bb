"""Named mutators: functions that are run again by themselves when the order rejected what they did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from . import _calls, _native, _process
from ._calls import answer_of, answered, told
from ._errors import NATIVE_ERRORS, Invalid, NotAllowed, VeilfoldError, translated
from ._json import loads
from ._transaction import Transaction, check, transact

Args = TypeVar("Args")

_ENDING_S = 1.0
_PAUSE_S = 5.0
"""After a fault that is not the mutator's, for instance a full disk."""


class Mutator(Generic[Args]):
    """A function with a name, under which the device finds it again. Made by :func:`mutator`."""

    def __init__(self, name: str, function: Callable[[Transaction, Args], object]) -> None:
        check(function)
        self.name = name
        self._function = function
        self.__doc__ = function.__doc__

    def __call__(self, tx: Transaction, args: Args) -> object:
        """Calls the function, for instance from another one."""
        return self._function(tx, args)

    def __repr__(self) -> str:
        return f"Mutator({self.name!r})"


def mutator(name: str) -> Callable[[Callable[[Transaction, Args], object]], Mutator[Args]]:
    """Makes a mutator of a function.

        @veilfold.mutator("buy")
        def buy(tx, args):
            item = tx.get("items", args["id"])
            if item and not item["done"]:
                tx.set("items", args["id"], "done", True)

        client = await veilfold.open("alice.db", mutators=[buy])
        receipt = await space.mutate(buy, {"id": "milk"})

    The device keeps name and arguments with the write, so a later version of the app can run it too: keep
    the name, and understand the arguments of older versions. The function may run many times, in a worker
    thread, and long after the call that wanted it, so it decides by what it reads, has no side effects,
    and takes its arguments as JSON gives them back: tuples are lists then.
    """
    return lambda function: Mutator(name, function)


Registered = Mapping[str, Mutator[Any]]


def by_name(mutators: Iterable[Mutator[Any]]) -> Registered:
    """The mutators of a client."""
    found: dict[str, Mutator[Any]] = {}
    for each in mutators:
        if found.setdefault(each.name, each) is not each:
            raise Invalid("mutator_twice", "two mutators have one name")
    return found


def registered(mutators: Registered, wanted: Mutator[Any] | str) -> Mutator[Any]:
    """The one that is meant. Another one of its name is not."""
    found = mutators.get(wanted if isinstance(wanted, str) else wanted.name)
    if found is None or not (isinstance(wanted, str) or found is wanted):
        raise Invalid("mutator_missing", "open the client with this mutator")
    return found


def of_args(mutator: Mutator[Any], args: bytes) -> Callable[[Transaction], object]:
    """What one run calls: the same whether it is the first or comes after a restart."""
    return lambda tx: mutator(tx, loads(args))


def start(retries: _native.RetryStream, mutators: Registered) -> asyncio.Task[None]:
    """Runs what has to be run again, as a task of this event loop, until the client closes."""
    task = asyncio.get_running_loop().create_task(_run_all(retries, mutators), name="veilfold-mutators")
    # An event loop alone does not keep its tasks.
    _process.background.add(task)
    task.add_done_callback(_process.background.discard)
    return task


async def ended(task: asyncio.Task[None]) -> None:
    """Waits a moment for the end of it after its client has closed: the loop may be closed next."""
    if task.get_loop() is asyncio.get_running_loop():
        await asyncio.wait({task}, timeout=_ENDING_S)


async def _run_all(retries: _native.RetryStream, mutators: Registered) -> None:
    while True:
        code = None
        try:
            if not await _run_next(retries, mutators):
                return
        except VeilfoldError as error:
            if error.code in ("closed", "process_ending"):
                return
            code = error.code
        if code is not None:
            logging.getLogger("veilfold").error("a mutator could not be run again yet: %s", code)
            await asyncio.sleep(_PAUSE_S)


async def _run_next(retries: _native.RetryStream, mutators: Registered) -> bool:
    """Runs one. What ends without an end of its own is handed out again."""
    try:
        # Not `answered`: the end of the process waits for calls of the app, and this is none.
        run = await answer_of(_calls.RETRY_OR_NONE, retries.next())
    except NATIVE_ERRORS as error:
        raise translated(error) from None
    if run is not None:
        await _run(run, mutators)
    return run is not None


async def _run(run: _native.RetryRun, mutators: Registered) -> None:
    mutator = mutators.get(told(run.name))
    if mutator is None:
        await answered(_calls.DONE, run.give_up, _native.RetryEnd.MISSING)
        return
    function = of_args(mutator, told(run.args))
    try:
        await transact(run.begin, lambda tx: _contained(function, tx))
        told(run.committed)
        return
    except VeilfoldError as error:
        if not isinstance(error, (Invalid, NotAllowed)) or error.code in ("closed", "process_ending"):
            raise
        failure: Exception = error
    except Exception as error:
        failure = error
    if isinstance(failure, Invalid) and failure.code == "rejected":
        await answered(_calls.DONE, run.give_up, _native.RetryEnd.NOTHING_TO_DO)
        return
    await answered(_calls.DONE, run.give_up, _native.RetryEnd.FAILED)
    told_to = {"message": f"{mutator!r} failed when it was run again", "exception": failure}
    asyncio.get_running_loop().call_exception_handler(told_to)


def _contained(function: Callable[[Transaction], object], tx: Transaction) -> None:
    """What a function raises to end its program must not end the event loop that others use."""
    try:
        function(tx)
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"it raised {type(error).__name__}") from error
