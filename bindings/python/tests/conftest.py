"""Relays for the tests: one in this process, and a real process when VEILFOLD_RELAY_BIN names it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import veilfold

T = TypeVar("T")

RelayUrl = Callable[[], AbstractAsyncContextManager[str]]

_PATIENCE = 60


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a test to its end, and not for ever."""
    return asyncio.run(asyncio.wait_for(work, _PATIENCE))


@asynccontextmanager
async def relay_in_process() -> AsyncIterator[str]:
    async with veilfold.testing.relay() as relay:
        yield relay.url


@asynccontextmanager
async def relay_process() -> AsyncIterator[str]:
    binary = os.environ["VEILFOLD_RELAY_BIN"]
    process = await asyncio.create_subprocess_exec(
        binary, "--memory", "--listen", "127.0.0.1:0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        found = re.search(r"127\.0\.0\.1:\d+", line)
        assert found, line
        yield f"ws://{found.group()}"
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture(params=["in_process", "process"])
def relay(request: pytest.FixtureRequest) -> RelayUrl:
    """A Relay of each kind."""
    if request.param == "in_process":
        return relay_in_process
    if "VEILFOLD_RELAY_BIN" not in os.environ:
        pytest.skip("VEILFOLD_RELAY_BIN does not name a veilfold-relay")
    return relay_process


async def share(space: veilfold.Space, guest: veilfold.Client, role: veilfold.Role = "writer") -> veilfold.Space:
    """Adds the guest and joins."""
    ticket = await space.add_member(await guest.contact_card(), role)
    return await guest.join(ticket, "shared")


def store(folder: Path, name: str) -> Path:
    return folder / f"{name}.db"


__all__ = ["Awaitable", "RelayUrl", "relay_in_process", "run", "share", "store"]
