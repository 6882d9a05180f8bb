"""What can go wrong, sorted by who can act.

    Exception
    └── VeilfoldError        .code  stable, for programs;  .detail  for people
        ├── Offline          there is no connection; it is tried again by itself
        ├── NotAllowed       this device may not do that in this space
        ├── Invalid          the call is wrong; the detail says what to change
        ├── RelayMisbehaved  the relay gave something that an honest one cannot give
        ├── NewerVersion     data of a newer version of the app; update it
        ├── Corrupt          local data is damaged or cannot be opened
        └── Internal         a broken assumption of Veilfold itself; report it
"""

from __future__ import annotations

from . import _native


class VeilfoldError(Exception):
    """Every error that Veilfold raises. Texts hold ids and sizes, never names, keys or contents."""

    code: str
    detail: str

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Offline(VeilfoldError):
    """There is no connection; it is tried again by itself."""


class NotAllowed(VeilfoldError):
    """This device may not do that in this space."""


class Invalid(VeilfoldError):
    """The call is wrong; the detail says what to change."""


class RelayMisbehaved(VeilfoldError):
    """The relay gave something that an honest one cannot give."""


class NewerVersion(VeilfoldError):
    """Data of a newer version of the app; update it."""


class Corrupt(VeilfoldError):
    """Local data is damaged or cannot be opened."""


class Internal(VeilfoldError):
    """A broken assumption of Veilfold itself; report it."""


KINDS: dict[str, type[VeilfoldError]] = {
    kind.__name__: kind
    for kind in (Offline, NotAllowed, Invalid, RelayMisbehaved, NewerVersion, Corrupt, Internal)
}


def translated(error: Exception) -> VeilfoldError:
    """The error of this package for one of the generated layer."""
    if isinstance(error, _native.VeilfoldError):
        kind = KINDS.get(type(error).__name__, Internal)
        return kind(str(getattr(error, "code", "internal")), str(getattr(error, "detail", error)))
    return Internal("internal", f"{type(error).__name__} at the border")


NATIVE_ERRORS: tuple[type[Exception], ...] = (_native.VeilfoldError, _native.InternalError)
