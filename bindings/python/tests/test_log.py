"""What is logged, and where it goes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import veilfold
from conftest import relay_in_process, run, store


def test_lines_reach_the_sink_without_names_or_contents(tmp_path: Path) -> None:
    lines: list[tuple[str, str]] = []
    veilfold.log.start("debug", lambda level, line: lines.append((level, line)))

    async def write() -> None:
        async with (
            relay_in_process() as relay,
            await veilfold.open(store(tmp_path, "canary"), relay=relay, name="Canary Name") as client,
        ):
            space = await client.create_space("Canary Space")
            await space.collection("canaries").put("canary-id", {"canary": "canary value"})
            await space.synced()

    try:
        run(write())
    finally:
        veilfold.log.stop()
    levels, text = {level for level, _ in lines}, "\n".join(line for _, line in lines)
    assert levels >= {"info", "debug"}
    assert "connected" in text
    assert "sending an entry" in text
    assert "canar" not in text.lower()


def test_without_a_sink_lines_go_to_logging(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    async def connect() -> None:
        async with relay_in_process() as relay, await veilfold.open(store(tmp_path, "a"), relay=relay) as client:
            await (await client.create_space()).synced()

    with caplog.at_level(logging.INFO, logger="veilfold"):
        veilfold.log.start("info")
        run(connect())
        veilfold.log.stop()
    assert ("veilfold", logging.INFO, "connected") in caplog.record_tuples


def test_a_sink_that_raises_harms_nobody(tmp_path: Path) -> None:
    lines: list[str] = []

    def broken(level: str, line: str) -> None:
        lines.append(line)
        raise SystemExit(line)

    async def write() -> None:
        async with relay_in_process() as relay, await veilfold.open(store(tmp_path, "a"), relay=relay) as client:
            await (await client.create_space()).synced()

    veilfold.log.start("debug", broken)
    try:
        run(write())
    finally:
        veilfold.log.stop()
    assert len(lines) > 1, "it is called again after it raised"


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(veilfold.Invalid, match="error, warn, info, debug"):
        veilfold.log.start("loud")  # type: ignore[arg-type]
