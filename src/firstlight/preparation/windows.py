"""Which observations count: the rows that are read, and the seasons that they fall into."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight.lightcurves import Flag, LightCurves
from firstlight.preparation.past import best_before

Ints = NDArray[np.int64]

# Fewer detections than these may be spurious: what comes after them need not be brighter.
ENOUGH = 3


class Windows(NamedTuple):
    """Rows cut into sequences: one a season of an object."""

    row: Ints  # [M] observation in the light curves
    offsets: Ints  # [s + 1]
    owner: Ints  # [s] object
    time: NDArray[np.float64]  # [M] days since the trigger
    detected: NDArray[np.bool_]  # [M]
    n_detections: Ints  # [M] so far in the sequence
    issued: NDArray[np.bool_]  # [M] at or after the trigger, in a season that speaks by then
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
    """The rows of each season that speaks.

    A later season speaks from the moment on at which a detection of it is as bright as the brightest of all
    seasons before, or at once where these have fewer detections than `ENOUGH`: faint ones that follow a
    transient for years are seldom news of it.

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
    owner, trigger, bar, low, high = _seasons(curves, detected, season_gap)

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
    n_detections = _so_far(seen, lengths)
    issued = (_so_far(seen & (curves.flux[row] >= bar[season]), lengths) >= 1) & (time >= 0.0)

    # A season without a probability (never the brightest, or its trigger was given but nothing was detected)
    # is no sequence.
    speaks = lengths > 0
    speaks[speaks] = issued[np.cumsum(lengths)[speaks] - 1]
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
) -> tuple[Ints, NDArray[np.float64], NDArray[np.float64], Ints, Ints]:
    """Object, trigger (MJD), flux to reach and range of rows of every season, in order of the objects."""
    given = np.asarray(curves.column("trigger_mjd"), np.float64)
    fixed = np.isfinite(given)
    offsets = curves.offsets

    row = np.flatnonzero(detected)
    if fixed.any():
        row = row[~fixed[curves.owner[row]]]
    owner, time = curves.owner[row], curves.time[row]
    first = np.ones(len(row), np.bool_)  # of its object?
    np.not_equal(owner[1:], owner[:-1], out=first[1:])
    opens = first.copy()
    opens[1:] |= np.diff(time) > season_gap
    opening = np.flatnonzero(opens)
    owner, trigger, first = owner[opening], time[opening], first[opening]
    bar = _bars(owner, first, opening, curves.flux[row])
    low = np.where(first, offsets[owner], row[opening - 1] + 1)
    high = offsets[owner + 1].copy()
    followed = np.flatnonzero(~first)  # a second season ends the one before
    high[followed - 1] = row[opening[followed]]
    if not fixed.any():
        return owner, trigger, bar, low, high

    objects = np.flatnonzero(fixed)
    owners = np.concatenate([owner, objects])
    order = np.argsort(owners, kind="stable")
    return (
        owners[order],
        np.concatenate([trigger, given[objects]])[order],
        np.concatenate([bar, np.full(len(objects), -np.inf)])[order],
        np.concatenate([low, offsets[objects]])[order],
        np.concatenate([high, offsets[objects + 1]])[order],
    )


def _bars(
    owner: Ints, first: NDArray[np.bool_], opening: Ints, flux: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Flux that a detection of each season must reach before the season speaks: nJy, -inf where any will do.

    `flux` is that of all detections; `opening` the first of each season, `first` whether its object's.
    """
    earlier = opening - np.maximum.accumulate(np.where(first, opening, 0))  # detections of seasons before
    if not (earlier >= ENOUGH).any():
        return np.full(len(opening), -np.inf)
    peak = np.maximum.reduceat(flux, opening)
    index = np.arange(len(opening))
    order = np.argsort(peak, kind="stable")
    rank = np.empty_like(order)
    rank[order] = index
    return np.where(earlier >= ENOUGH, peak[best_before(owner, index, first, rank, order)], -np.inf)


def _so_far(which: NDArray[np.bool_], lengths: Ints) -> Ints:
    """Rows for which `which` holds, in each season from its start to this row."""
    total = np.zeros(len(which) + 1, np.int64)
    np.cumsum(which, out=total[1:])
    before = np.repeat(total[np.cumsum(lengths) - lengths], lengths)
    return np.asarray(total[1:] - before)


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
