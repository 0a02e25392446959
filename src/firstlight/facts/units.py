"""Flux units and their AB zero points."""

from __future__ import annotations

from functools import cache

from firstlight.facts.names import Spellings, find_or_raise, load_toml


@cache
def _table() -> tuple[dict[str, float], Spellings]:
    table = load_toml("units.toml")
    pairs = [(spelling, name) for name, row in table.items() for spelling in (name, *row["aliases"])]
    return {name: float(row["zero_point"]) for name, row in table.items()}, Spellings(pairs)


def units() -> tuple[str, ...]:
    """The flux units known by name."""
    return tuple(_table()[0])


def zero_point(unit: str) -> float:
    """The AB zero point of a flux of one `unit`: m = zero_point - 2.5 log10(flux).

    Raises
    ------
    UnknownNameError
        For a unit that ``facts/units.toml`` does not list.

    Examples
    --------
    >>> zero_point("nJy"), zero_point("FLUXCAL")
    (31.4, 27.5)
    """
    points, spellings = _table()
    return points[find_or_raise(spellings.find, unit, "flux unit", points)]
