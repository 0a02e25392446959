"""What is remembered of the rows of a season, and what a new row is compared with.

The functions take the record of one object as plain numbers (`one`, in a dict) or the records of many as
columns (`record`, a structured array): both are asked for a field by its name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from firstlight._arithmetic import Arithmetic
from firstlight._types import AnyArray
from firstlight.errors import UsageError
from firstlight.preparation.rules import Filters, bar, reaches

INF = np.inf
# What a record holds before the first row of a season, by the type of the field.
OF_SEASON: dict[str, tuple[str, Any]] = {
    "last_time": ("<f8", 0.0),
    "last_magnitude": ("<f8", 0.0),
    "other_time": ("<f8", 0.0),
    "other_magnitude": ("<f8", 0.0),
    "best": ("<f8", INF),
    "best_time": ("<f8", 0.0),
    "rows": ("<i4", 0),
    "detections": ("<i4", 0),
    "last_passband": ("<i1", -1),
    "other_passband": ("<i1", -1),
}
# And before the first season.
OF_OBJECT: dict[str, tuple[str, Any]] = {
    "trigger": ("<f8", np.nan),
    "last_detection": ("<f8", -INF),
    "brightest": ("<f8", -INF),
    "bar": ("<f8", -INF),
    "mwebv": ("<f8", np.nan),
    "latest": ("<f8", -INF),
    "latest_flux": ("<f8", -INF),
    "latest_limit": ("<f8", 0.0),
    "season": ("<i4", 0),
    "all_detections": ("<i4", 0),
    "latest_passband": ("<i1", -1),
    "given": ("?", False),
    "flags": ("<u2", 0),
    "spare": ("<u2", 0),  # so that the numbers of the next record are aligned
}
OF_BAND: dict[str, tuple[str, Any]] = {
    "time": ("<f8", 0.0),
    "magnitude": ("<f8", 0.0),
    "best": ("<f8", 0.0),
    "best_time": ("<f8", 0.0),
    "rows": ("<i4", 0),
    "detections": ("<i4", 0),
}
_FIELDS = {**OF_OBJECT, **OF_SEASON}
_WIDTH = {"8": 0, "4": 1, "2": 2, "1": 3, "?": 3}  # wide fields first, so that they are aligned
NAMES = tuple(sorted(_FIELDS, key=lambda name: _WIDTH[_FIELDS[name][0][-1]]))
BLANK = {name: _FIELDS[name][1] for name in NAMES}
FORGOTTEN = {name: value for name, (_, value) in OF_SEASON.items()}
BAND = {name: value for name, (_, value) in OF_BAND.items()}


def record(passbands: int) -> np.dtype[Any]:
    """The type of a record, which holds one `BAND` for each passband in ``bands``."""
    if passbands > 127:
        raise UsageError(f"{passbands} passbands in one stream", hint="Up to 127 are possible.")
    of_band = np.dtype([(name, kind) for name, (kind, _) in OF_BAND.items()])
    return np.dtype([*((name, _FIELDS[name][0]) for name in NAMES), ("bands", of_band, (passbands,))])


def blank(n: int, passbands: int) -> AnyArray:
    """Records before the first observation, and without a trigger."""
    columns = np.zeros(n, record(passbands))
    for name, value in BLANK.items():
        columns[name] = value
    return columns


class Here(NamedTuple):
    """A row that is read: numbers, or columns."""

    time: Any  # days since the trigger
    band: Any  # place of its passband
    flux: Any  # nJy
    magnitude: Any
    detected: Any


def remember(now: Any, own: Any, here: Here, filters: Filters, a: Arithmetic) -> dict[str, Any]:
    """What was known before a row, as fields of `features.Row`; the records go on to that row, in place.

    Parameters
    ----------
    now, own
        The record of the object, and in it that of the passband of the row.
    """
    time, band, magnitude = here.time, here.band, here.magnitude
    first, fresh = now["rows"] == 0, own["rows"] == 0
    moved = a.no(first) & (now["last_passband"] != band)
    for field in ("passband", "time", "magnitude"):
        now[f"other_{field}"] = a.where(moved, now[f"last_{field}"], now[f"other_{field}"])
    other = now["other_passband"]
    alone = other < 0
    past = {
        "gap": time - a.where(first, time, now["last_time"]),
        "band_gap": time - a.where(fresh, time, own["time"]),
        "band_rows": own["rows"] + 0,  # not a view: the record goes on
        "band_magnitude": a.where(fresh, magnitude, own["magnitude"]),
        "other_magnitude": a.where(alone, magnitude, now["other_magnitude"]),
        "other_wavelength": filters.wavelength[a.where(alone, band, other)],
        "other_gap": time - a.where(alone, time, now["other_time"]),
        "best_magnitude": a.where(first, magnitude, now["best"]),
        "best_gap": time - a.where(first, time, now["best_time"]),
        "band_best_magnitude": a.where(fresh, magnitude, own["best"]),
        "band_best_gap": time - a.where(fresh, time, own["best_time"]),
        "detections": now["detections"] + here.detected,
        "band_detections": own["detections"] + here.detected,
    }
    for memory, best in ((now, past["best_magnitude"]), (own, past["band_best_magnitude"])):
        brightest = magnitude <= best
        memory["best"] = a.where(brightest, magnitude, best)
        memory["best_time"] = a.where(brightest, time, memory["best_time"])
        memory["rows"] = memory["rows"] + 1
    now["last_passband"], now["last_time"], now["last_magnitude"] = band, time, magnitude
    own["time"], own["magnitude"] = time, magnitude
    now["detections"], own["detections"] = past["detections"], past["band_detections"]
    now["bar"] = a.where(reaches(here.detected, here.flux, now["bar"]), -INF, now["bar"])
    return past


def spoken(now: Any) -> Any:
    """Whether the season speaks by now."""
    return (now["detections"] > 0) & (now["bar"] == -INF)


def opening(now: Any, time: Any, a: Arithmetic) -> dict[str, Any]:
    """The fields of records whose next season is triggered at `time` (MJD)."""
    least = bar(now["brightest"], now["all_detections"], a)
    return {**FORGOTTEN, "trigger": time, "season": now["season"] + 1, "bar": least}


def detect(now: Any, time: Any, flux: Any, detected: Any, a: Arithmetic) -> None:
    """Note the latest and the brightest detection of all seasons, in place."""
    now["last_detection"] = a.where(detected, time, now["last_detection"])
    now["brightest"] = a.where(detected, a.most(now["brightest"], flux), now["brightest"])
    now["all_detections"] = now["all_detections"] + detected


def key(flux: Any, limit: Any, a: Arithmetic) -> tuple[Any, Any]:
    """By what rows of one time and passband are ordered: limits behind fluxes."""
    known = a.finite(flux)
    return a.where(known, flux, INF), a.where(known, 0.0, limit)
