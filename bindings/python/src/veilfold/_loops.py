"""Event loops that are closed while native calls are under way in them. The answer is for nobody then.

The generated layer would raise in the native thread that brings the answer, where nobody catches it.
"""

from __future__ import annotations

import importlib
from typing import Any

from . import _native

_generated: Any = importlib.import_module(".veilfold_ffi", _native.__name__)


def _go_on(handle: int, poll: int) -> None:
    """Wakes who waits, as the generated one does."""
    loop, future = _generated._UniffiContinuationHandleMap.remove(handle)
    try:
        loop.call_soon_threadsafe(_generated._uniffi_set_future_result, future, poll)
    except RuntimeError:
        if not loop.is_closed():
            raise


def mend() -> None:
    """Puts this in the place of the generated one, which each wait looks up anew."""
    callback_type = _generated._UNIFFI_RUST_FUTURE_CONTINUATION_CALLBACK
    _generated._uniffi_continuation_callback = callback_type(_go_on)
