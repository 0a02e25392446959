"""The errors of firstlight: each says what is wrong, where, and what to do.

::

    FirstlightError
    ├── DataError (ValueError)            a table, file or light curve cannot be used
    ├── UnknownNameError (LookupError)    a survey, passband, class, column or option nobody knows
    ├── UsageError (ValueError)           arguments that do not fit each other
    ├── CheckpointError (ValueError)      a checkpoint is missing a part, altered, or of another version
    ├── TrainingError (ValueError)        labels or curves from which nothing can be learnt
    └── MissingExtraError (ImportError)   an optional dependency is not installed
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FirstlightError(Exception):
    """Base of every error that firstlight raises on purpose.

    Parameters
    ----------
    what : str
        What is wrong, one sentence without the final full stop.
    where : str, optional
        File, object, column or option at fault; printed in front.
    hint : str, optional
        What to do; printed behind.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = text if text.endswith((".", "?", "!")) else f"{text}."
        return f"{text} {self.hint}" if self.hint else text


class DataError(FirstlightError, ValueError):
    """A table, a file or a light curve cannot be used as it is."""


class UsageError(FirstlightError, ValueError):
    """Arguments or options do not fit each other."""


class CheckpointError(FirstlightError, ValueError):
    """A checkpoint lacks a part, was altered, or is of another version."""


class TrainingError(FirstlightError, ValueError):
    """Nothing can be learnt from these labels or light curves."""


class UnknownNameError(FirstlightError, LookupError):
    """A name that nobody knows; the nearest known one is offered.

    Parameters
    ----------
    kind : str
        What was looked up, e.g. ``"survey"``.
    name : str
        The name given.
    known : iterable of str
        The names that would have been understood.
    """

    def __init__(
        self, kind: str, name: object, known: Iterable[str], *, where: str = "", hint: str = ""
    ) -> None:
        names = [str(item) for item in known]
        near = nearest(str(name), names)
        shown = ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
        parts = [f"Did you mean '{near}'?" if near else "", f"Known: {shown}." if names else "", hint]
        super().__init__(
            f"unknown {kind} '{name}'", where=where, hint=" ".join(part for part in parts if part)
        )
        self.kind, self.name, self.nearest = kind, name, near


class MissingExtraError(FirstlightError, ImportError):
    """An optional dependency is needed and not installed."""

    def __init__(self, package: str, extra: str, *, where: str = "") -> None:
        super().__init__(
            f"needs {package}, which is not installed",
            where=where,
            hint=f"Install it with: pip install 'firstlight[{extra}]'",
        )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when nothing is close.

    Examples
    --------
    >>> nearest("ZTFF", ["ZTF", "LSST"])
    'ZTF'
    """
    table = {item.casefold(): item for item in known}
    match = difflib.get_close_matches(name.casefold(), table, n=1, cutoff=0.5)
    return table[match[0]] if match else None
