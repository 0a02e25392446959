"""How names are matched: exactly first, then without regard to case, spaces and punctuation."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Any

from firstlight.errors import UnknownNameError
from firstlight.tables.columns import text_of


def load_toml(name: str) -> dict[str, Any]:
    """The content of one of this room's TOML files."""
    text = resources.files("firstlight.facts").joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def fold(name: str) -> str:
    """`name` in lower case without spaces and punctuation.

    Examples
    --------
    >>> fold("SN Ia-91bg-like"), fold("LSST_y")
    ('snia91bglike', 'lssty')
    """
    return "".join(filter(str.isalnum, name.casefold()))


class Spellings:
    """An index from spellings to names; `find` gives None for what it does not know.

    Parameters
    ----------
    pairs : iterable of (spelling, name)
        A spelling that two names share is found only where the exact text decides between them.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._exact: dict[str, str] = {}
        folded: dict[str, set[str]] = {}
        self.clashes: list[tuple[str, str, str]] = []
        for spelling, name in pairs:
            other = self._exact.setdefault(spelling, name)
            if other != name:
                self.clashes.append((spelling, other, name))
            folded.setdefault(fold(spelling), set()).add(name)
        self._folded = {key: next(iter(names)) for key, names in folded.items() if len(names) == 1 and key}

    def find(self, spelling: str) -> str | None:
        """The name spelled so, or None."""
        return self._exact.get(spelling) or self._folded.get(fold(spelling))

    def longest_prefix(self, spelling: str) -> str | None:
        """The name whose folded spelling is the longest beginning of this one, at least four letters long."""
        text = fold(spelling)
        ends = range(len(text), 3, -1)
        return next((self._folded[text[:end]] for end in ends if text[:end] in self._folded), None)


def refuse_unknown_keys(
    given: Mapping[str, object], known: Iterable[str], *, where: str, kind: str = "key"
) -> None:
    """Raise `UnknownNameError` for the first key of `given` that is not `known`."""
    known = list(known)
    for key in given:
        if key not in known:
            raise UnknownNameError(kind, key, known, where=where)


def find_or_raise(
    find: Callable[[str], str | None], name: object, kind: str, known: Iterable[str], *, where: str = ""
) -> str:
    """What `find` says of `name`, or `UnknownNameError` with the nearest of `known`."""
    found = find(text_of(name))
    if found is None:
        raise UnknownNameError(kind, text_of(name), known, where=where)
    return found
