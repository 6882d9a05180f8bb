"""What Veilfold says of its own work: ids, sizes and reasons, never names, keys or contents.

    veilfold.log.start("info")      # to the logger "veilfold" of the standard library
    veilfold.log.stop()
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from . import _native
from ._calls import told
from ._errors import Invalid

Level = Literal["error", "warn", "info", "debug"]
Sink = Callable[[Level, str], object]

_NATIVE: dict[Level, _native.LogLevel] = {
    "error": _native.LogLevel.ERROR,
    "warn": _native.LogLevel.WARN,
    "info": _native.LogLevel.INFO,
    "debug": _native.LogLevel.DEBUG,
}
_NAMES: dict[_native.LogLevel, Level] = {native: level for level, native in _NATIVE.items()}
_LEVELS: dict[Level, int] = {
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}


def start(level: Level = "info", sink: Sink | None = None) -> None:
    """Starts logging, or changes its level and sink. Without a sink, lines go to the logger
    ``veilfold`` of the standard library's :mod:`logging`.

    A sink is called on a thread of Veilfold's own, a line at a time; what it raises is dropped, and
    while it is slow lines are dropped too, and the next one says how many.
    """
    if level not in _NATIVE:
        raise Invalid("bad_level", f"a level is one of {', '.join(_NATIVE)}")
    into = _Sink(sink or _to_logging)
    told(lambda: _native.start_logging(_NATIVE[level], into))


def stop() -> None:
    """Ends logging and waits a moment for the lines that are on their way."""
    told(_native.stop_logging)


def _to_logging(level: Level, line: str) -> None:
    logging.getLogger("veilfold").log(_LEVELS[level], "%s", line)


class _Sink(_native.LogSink):
    """A sink behind a net: what it raises may hold anything and is not passed on."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, level: _native.LogLevel, line: str) -> None:
        try:
            self._sink(_NAMES[level], line)
        except BaseException:
            raise _native.LogSinkError.Failed() from None
