"""What times and metadata can be, and the codes that stand for missing ones."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from firstlight.facts.names import load_toml


class Mistaken(NamedTuple):
    """Another unit or system, the range of its values, and what to do."""

    what: str
    low: float
    high: float
    hint: str


class Bounds(NamedTuple):
    """The numbers of ``bounds.toml``; ranges are (low, high).

    Attributes
    ----------
    time : MJD
    step : float
        The coarsest steps (days) in which times may come.
    jd_minus_mjd : float
    mistaken : tuple of Mistaken
        What a column of times may hold that are no MJD.
    redshift, mwebv : range
    error : float
        The largest uncertainty of a redshift.
    sentinels : tuple of float
    """

    time: tuple[float, float]
    step: float
    jd_minus_mjd: float
    mistaken: tuple[Mistaken, ...]
    redshift: tuple[float, float]
    mwebv: tuple[float, float]
    error: float
    sentinels: tuple[float, ...]


@cache
def bounds() -> Bounds:
    """What numbers can be.

    Examples
    --------
    >>> bounds().time
    (15020.0, 88069.0)
    """
    table = load_toml("bounds.toml")
    time = table["time"]
    return Bounds(
        time=(time["earliest"], time["latest"]),
        step=time["coarsest_step_days"],
        jd_minus_mjd=time["jd_minus_mjd"],
        mistaken=tuple(Mistaken(**one) for one in time["mistaken"]),
        redshift=(table["redshift"]["low"], table["redshift"]["high"]),
        mwebv=(table["mwebv"]["low"], table["mwebv"]["high"]),
        error=table["error"]["high"],
        sentinels=tuple(table["sentinels"]),
    )
