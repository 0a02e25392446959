"""Which observations count: the rows that are read, and the seasons that they fall into."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight.lightcurves import Flag, LightCurves

Ints = NDArray[np.int64]


class Windows(NamedTuple):
    """Rows cut into sequences: one a season of an object."""

    row: Ints  # [M] observation in the light curves
    offsets: Ints  # [s + 1]
    owner: Ints  # [s] object
    time: NDArray[np.float64]  # [M] days since the trigger
    detected: NDArray[np.bool_]  # [M]
    n_detections: Ints  # [M] so far in the sequence
    issued: NDArray[np.bool_]  # [M] at or after the trigger
    flags: NDArray[np.uint16]  # [n] of the objects


def windows(
    curves: LightCurves,
    accepted: NDArray[np.bool_],
    *,
    rows: str,
    before: float,
    after: float,
    season_gap: float,
    closed: bool,
) -> Windows:
    """The rows of each season.

    Parameters
    ----------
    curves : LightCurves
    accepted : bool [passbands + 1]
        Whether a passband is read; the last entry stands for an unknown one.
    rows : {"detections", "measured", "all"}
    before, after : float
        Days around the trigger.
    season_gap : float
        Days without a detection after which the next one is a new trigger.
    closed : bool
        Whether the ends of the window belong to it.
    """
    usable = curves.usable
    known = usable & accepted[curves.passband]
    measured = known & np.isfinite(curves.flux)
    detected = measured & curves.detected
    chosen = {
        "detections": lambda: detected,
        "measured": lambda: measured,
        "all": lambda: measured | (known & np.isfinite(curves.limit)),
    }[rows]()
    owner, trigger, low, high = _seasons(curves, detected, season_gap)

    # Every season with the rows that may belong to it: since the last detection of the season before, until
    # the next trigger. Rows between two seasons stand in both, and the window decides.
    lengths = high - low
    season = np.repeat(np.arange(len(owner)), lengths)
    row = np.arange(len(season)) + np.repeat(low - (np.cumsum(lengths) - lengths), lengths)
    counts = chosen[row]
    if not counts.all():
        season, row = season[counts], row[counts]
    time = curves.time[row] - trigger[season]
    late = time > after if closed else time >= after
    inside = ~late & (time >= -before if closed else (time > -before) | (time >= 0.0))
    flags = _flags(curves, usable, known, owner[season[late]])
    if not inside.all():
        season, row, time = season[inside], row[inside], time[inside]

    seen = detected[row]
    lengths = np.bincount(season, minlength=len(owner))
    ends = np.cumsum(lengths)
    total = np.zeros(len(seen) + 1, np.int64)
    np.cumsum(seen, out=total[1:])
    n_detections = total[1:] - np.repeat(total[ends - lengths], lengths)
    issued = (n_detections >= 1) & (time >= 0.0)

    # A season without a probability (its trigger was given, but nothing was detected) is no sequence.
    speaks = lengths > 0
    speaks[speaks] = issued[ends[speaks] - 1]
    if not speaks.all():
        stays = np.repeat(speaks, lengths)
        row, time, seen, n_detections, issued = (x[stays] for x in (row, time, seen, n_detections, issued))
        owner, lengths = owner[speaks], lengths[speaks]
    silent = np.bincount(owner, minlength=len(curves)) == 0
    flags[silent] |= np.uint16(Flag.NO_DETECTION)
    offsets = np.zeros(len(owner) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return Windows(row, offsets, owner, time, seen, n_detections, issued, flags)


def _seasons(
    curves: LightCurves, detected: NDArray[np.bool_], season_gap: float
) -> tuple[Ints, NDArray[np.float64], Ints, Ints]:
    """Object, trigger (MJD) and range of rows of every season, in order of the objects."""
    given = np.asarray(curves.column("trigger_mjd"), np.float64)
    fixed = np.isfinite(given)
    offsets = curves.offsets

    row = np.flatnonzero(detected)
    owner = curves.owner[row]
    time = curves.time[row]
    same = np.zeros(len(row), np.bool_)  # does the detection before belong to the same object?
    same[1:] = owner[1:] == owner[:-1]
    opens = ~same
    opens[1:] |= np.diff(time) > season_gap
    opens &= ~fixed[owner]
    opening = np.flatnonzero(opens)
    first = ~same[opening]
    low = np.where(first, offsets[owner[opening]], row[opening - 1] + 1)
    high = offsets[owner[opening] + 1].copy()
    followed = np.flatnonzero(~first)  # a second season ends the one before
    high[followed - 1] = row[opening[followed]]
    if not fixed.any():
        return owner[opening], time[opening], low, high

    objects = np.flatnonzero(fixed)
    owners = np.concatenate([owner[opening], objects])
    order = np.argsort(owners, kind="stable")
    return (
        owners[order],
        np.concatenate([time[opening], given[objects]])[order],
        np.concatenate([low, offsets[objects]])[order],
        np.concatenate([high, offsets[objects + 1]])[order],
    )


def _flags(
    curves: LightCurves, usable: NDArray[np.bool_], known: NDArray[np.bool_], late: Ints
) -> NDArray[np.uint16]:
    flags = np.zeros(len(curves), np.uint16)
    flags[late] |= np.uint16(Flag.OUTSIDE_WINDOW)
    if not np.array_equal(usable, known):
        some = np.bincount(curves.owner[usable], minlength=len(curves)) > 0
        none = np.bincount(curves.owner[known], minlength=len(curves)) == 0
        flags[some & none] |= np.uint16(Flag.NO_KNOWN_PASSBAND)
    return flags
