"""The errors of firstlight: each says what is wrong, where, and what to do.

::

    FirstlightError
    ├── DataError (ValueError)            a table, file or light curve cannot be used
    ├── UnknownNameError (LookupError)    a survey, passband, class, column or option nobody knows
    ├── UsageError (ValueError)           arguments that do not fit each other
    ├── CheckpointError (ValueError)      a checkpoint is missing a part, altered, or of another version
    ├── TrainingError (ValueError)        labels or curves from which nothing can be learnt
    └── MissingExtraError (ImportError)   an optional dependency is not installed

Advice often names an argument. A message holds it as a value, `Arg`, and whoever shows the message spells
it: `str(error)` as Python does, ``flux_unit='nJy'``; the command line ``--flux-unit nJy``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import index
from typing import Any, SupportsIndex

BLANKS = ("NAME", "ID", "FILE", "FOLDER", "TABLE")
"""Values that stand for what the user puts there, and are shown without quotes."""


@dataclass(frozen=True)
class Arg:
    """An argument of a public function, with the value to give it; without one, its name alone.

    Attributes
    ----------
    name : str
        As in Python: ``"flux_unit"``, ``"columns"``.
    value : object
        A string, a number, a list of choices (a tuple), or a mapping (``{"mag": "NAME"}`` of ``columns``).
        One of `BLANKS` stands for what the user puts there.
    """

    name: str
    value: object = None


Words = str | Arg | tuple[str | Arg, ...]
"""Text, an argument, or several of them one after the other."""


def in_python(arg: Arg) -> str:
    """An argument as Python spells it.

    Examples
    --------
    >>> print(in_python(Arg("survey", "ZTF")), in_python(Arg("columns", {"mag": "NAME"})))
    survey='ZTF' columns={'mag': NAME}
    """
    if arg.value is None:
        return arg.name
    return f"{arg.name}={_literal(arg.value)}"


def _literal(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple):
        return "|".join(_literal(one) for one in value)
    if isinstance(value, str):
        return value if value in BLANKS else repr(value)
    return str(value)


def spelled(words: Words, spell: Callable[[Arg], str] = in_python) -> str:
    """The text of `words`, each argument in it spelled by `spell`."""
    if isinstance(words, str):
        return words
    if isinstance(words, Arg):
        return spell(words)
    return "".join(spelled(one, spell) for one in words)


class FirstlightError(Exception):
    """Base of every error that firstlight raises on purpose.

    Parameters
    ----------
    what : Words
        What is wrong, one sentence without the final full stop.
    where : Words, optional
        File, object, column or argument at fault; printed in front.
    hint : Words, optional
        What to do; printed behind.
    """

    def __init__(self, what: Words, *, where: Words = "", hint: Words = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(spelled(what))

    def text(self, spell: Callable[[Arg], str] = in_python) -> str:
        """The whole message, arguments spelled by `spell`."""
        what, where, hint = (spelled(part, spell) for part in (self.what, self.where, self.hint))
        text = f"{where}: {what}" if where else what
        text = text if text.endswith((".", "?", "!")) else f"{text}."
        return f"{text} {hint}" if hint else text

    def __str__(self) -> str:
        return self.text()

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by calling the class again: errors below take other arguments, and travel between processes too.
        return _again, (type(self), self.args, dict(self.__dict__))


def _again(kind: type[FirstlightError], args: tuple[Any, ...], values: dict[str, Any]) -> FirstlightError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(values)
    return error


class DataError(FirstlightError, ValueError):
    """A table, a file or a light curve cannot be used as it is."""


class UsageError(FirstlightError, ValueError):
    """Arguments or options do not fit each other."""


def whole_number(name: str, value: object, least: int = 0) -> int:
    """The argument `name` as an integer of at least `least`; UsageError for anything else.

    Examples
    --------
    >>> whole_number("seed", 3)
    3
    """
    if isinstance(value, SupportsIndex) and not isinstance(value, bool) and index(value) >= least:
        return index(value)
    bound = "above zero" if least == 1 else f"from {least} on"
    raise UsageError(f"{value!r} is no whole number {bound}", where=Arg(name))


class CheckpointError(FirstlightError, ValueError):
    """A checkpoint lacks a part, was altered, or is of another version."""


class TrainingError(FirstlightError, ValueError):
    """Nothing can be learnt from these labels or light curves."""


class TrainingWarning(UserWarning):
    """What is learnt is not quite what the labels say; the message says what became of them."""


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
        self, kind: str, name: object, known: Iterable[str], *, where: Words = "", hint: Words = ""
    ) -> None:
        names = [str(item) for item in known]
        near = nearest(str(name), names)
        shown = ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
        told = " ".join(
            part for part in (f"Did you mean '{near}'?" if near else "", known_text(shown)) if part
        )
        super().__init__(f"unknown {kind} '{name}'", where=where, hint=joined(told, hint))
        self.kind, self.name, self.nearest = kind, name, near


def known_text(shown: str) -> str:
    """``Known: a, b.``, or nothing where nothing is known."""
    return f"Known: {shown}." if shown else ""


def joined(first: Words, second: Words, between: str = " ") -> Words:
    """Two pieces of a message with `between` between them; either may be empty."""
    if not first or not second:
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}{between}{second}"
    parts: list[str | Arg] = []
    for words in (first, between, second):
        parts += [words] if isinstance(words, (str, Arg)) else list(words)
    return tuple(parts)


class MissingExtraError(FirstlightError, ImportError):
    """An optional dependency is needed and not installed."""

    def __init__(self, package: str, extra: str, *, where: Words = "") -> None:
        super().__init__(
            f"needs {package}, which is not installed",
            where=where,
            hint=f"In a clone: pip install '.[{extra}]'. Else: pip install 'firstlight[{extra}]'",
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
