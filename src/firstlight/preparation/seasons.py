"""Whole light curves at once: which rows are read, in which season, and what came before each of them.

The rules are those of `rules`. A sequence of rows is worked out for all objects together, by sorting and
running maxima and without a loop over rows, where `steps` remembers and goes on row by row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight._arithmetic import COLUMNS
from firstlight._types import Bits, Bools, Floats, Ints
from firstlight.lightcurves import Flag, LightCurves
from firstlight.preparation.rules import ENOUGH, Rules, bar, issues, reaches


class Seasons(NamedTuple):
    """Rows cut into sequences: one a season of an object."""

    row: Ints  # [M] observation in the light curves
    offsets: Ints  # [s + 1]
    owner: Ints  # [s] object
    time: Floats  # [M] days since the trigger
    detected: Bools  # [M]
    n_detections: Ints  # [M] so far in the sequence
    issued: Bools  # [M] at or after the trigger, in a season that speaks by then
    flags: Bits  # [n] of the objects


def seasons(curves: LightCurves, reads: Bools, rules: Rules) -> Seasons:
    """The rows of each season that speaks.

    Parameters
    ----------
    curves : LightCurves
    reads : bool [passbands + 1]
        Whether a passband is read; the last entry stands for an unknown one.
    rules : Rules
    """
    usable = curves.usable
    known = usable & reads[curves.passband]
    detected = known & curves.detected
    chosen = known & rules.counts(np.isfinite(curves.flux), np.isfinite(curves.limit), detected)
    owner, trigger, least, low, high = _opened(curves, detected, rules)

    # Every season with the rows that may belong to it: since the last detection of the season before, until
    # the next trigger. Rows between two seasons stand in both, and the window decides.
    lengths = high - low
    season = np.repeat(np.arange(len(owner)), lengths)
    row = np.arange(len(season)) + np.repeat(low - (np.cumsum(lengths) - lengths), lengths)
    counts = chosen[row]
    if not counts.all():
        season, row = season[counts], row[counts]
    time = curves.time[row] - trigger[season]
    inside = rules.inside(time)
    flags = _flags(curves, usable, known, owner[season[rules.late(time)]])
    if not inside.all():
        season, row, time = season[inside], row[inside], time[inside]

    seen = detected[row]
    lengths = np.bincount(season, minlength=len(owner))
    n_detections = _so_far(seen, lengths)
    issued = issues(_so_far(reaches(seen, curves.flux[row], least[season]), lengths) >= 1, time)

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
    return Seasons(row, offsets, owner, time, seen, n_detections, issued, flags)


def _opened(curves: LightCurves, detected: Bools, rules: Rules) -> tuple[Ints, Floats, Floats, Ints, Ints]:
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
    opening = np.flatnonzero(rules.opens(np.where(first, np.inf, np.diff(time, prepend=time[:1]))))
    owner, trigger, first = owner[opening], time[opening], first[opening]
    least = _bars(owner, first, opening, curves.flux[row])
    low = np.where(first, offsets[owner], row[opening - 1] + 1)
    high = offsets[owner + 1].copy()
    followed = np.flatnonzero(~first)  # a second season ends the one before
    high[followed - 1] = row[opening[followed]]
    if not fixed.any():
        return owner, trigger, least, low, high

    objects = np.flatnonzero(fixed)
    owners = np.concatenate([owner, objects])
    order = np.argsort(owners, kind="stable")
    return (
        owners[order],
        np.concatenate([trigger, given[objects]])[order],
        np.concatenate([least, np.full(len(objects), -np.inf)])[order],
        np.concatenate([low, offsets[objects]])[order],
        np.concatenate([high, offsets[objects + 1]])[order],
    )


def _bars(owner: Ints, first: Bools, opening: Ints, flux: Floats) -> Floats:
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
    return np.asarray(bar(peak[best_before(owner, index, first, rank, order)], earlier, COLUMNS))


def _so_far(which: Bools, lengths: Ints) -> Ints:
    """Rows for which `which` holds, in each season from its start to this row."""
    total = np.zeros(len(which) + 1, np.int64)
    np.cumsum(which, out=total[1:])
    before = np.repeat(total[np.cumsum(lengths) - lengths], lengths)
    return np.asarray(total[1:] - before)


def _flags(curves: LightCurves, usable: Bools, known: Bools, late: Ints) -> Bits:
    flags = np.zeros(len(curves), np.uint16)
    flags[late] |= np.uint16(Flag.OUTSIDE_WINDOW)
    if not np.array_equal(usable, known):
        flags[curves.owner[usable & ~known]] |= np.uint16(Flag.UNREAD_PASSBAND)
        some = np.bincount(curves.owner[usable], minlength=len(curves)) > 0
        none = np.bincount(curves.owner[known], minlength=len(curves)) == 0
        flags[some & none] |= np.uint16(Flag.NO_KNOWN_PASSBAND)
    return flags


class Past(NamedTuple):
    """Indices of earlier rows, int64 [M]; a row that has none before it points to itself."""

    last: Ints  # the row before
    band: Ints  # the last row in this passband
    other: Ints  # the last row in another passband
    best: Ints  # the brightest before, of two equal the later
    band_best: Ints  # the brightest before in this passband
    band_rows: Ints  # number of rows before in this passband
    band_detections: Ints  # detections in this passband, this row included


def past(start: Ints, band: NDArray[np.integer[Any]], magnitude: Floats, detected: Bools) -> Past:
    """The earlier rows that each row is compared with.

    Parameters
    ----------
    start : int64 [M]
        First row of the sequence that each row belongs to, never decreasing.
    band : int [M]
        Passband code.
    magnitude : float64 [M]
    detected : bool [M]
    """
    index = np.arange(len(start))
    first = index == start
    last = index - ~first
    begins = first | (band != band[last])
    run = np.maximum.accumulate(np.where(begins, index, 0))
    other = np.where(run > start, run - 1, index)

    # Ranks instead of magnitudes: integers can carry the sequence in front without losing precision.
    order = np.argsort(-magnitude, kind="stable")
    rank = np.empty_like(order)
    rank[order] = index
    best = best_before(start, index, first, rank, order)

    columns = [np.empty_like(index) for _ in range(4)]
    for code in np.flatnonzero(np.bincount(band)):
        rows = np.flatnonzero(band == code)
        place = np.arange(len(rows))
        owner = start[rows]
        opens = np.ones(len(rows), np.bool_)
        np.not_equal(owner[1:], owner[:-1], out=opens[1:])
        opening = np.maximum.accumulate(np.where(opens, place, 0))
        seen = np.cumsum(detected[rows])
        columns[0][rows] = rows[place - ~opens]
        columns[1][rows] = best_before(owner, rows, opens, rank[rows], order)
        columns[2][rows] = place - opening
        columns[3][rows] = seen - seen[opening] + detected[rows[opening]]
    return Past(last, columns[0], other, best, *columns[1:])


def best_before(group: Ints, rows: Ints, opens: Bools, rank: Ints, order: Ints) -> Ints:
    """Row of the highest rank before each of `rows` within its group; the row itself where it opens one."""
    base = group * len(order)
    highest = np.maximum.accumulate(base + rank) - base
    before = order[highest[np.arange(len(rows)) - ~opens]]
    return np.where(opens, rows, before)
