"""The same numbers as the observations arrive: many objects at once, each a row or a few further.

The rules are those of whole light curves (`rules`), the features too (`features`). What differs is where the
past of a row comes from: `seasons` finds it in the table, all rows at once; here it is remembered (`states`).
Rows of one object follow one another, so each round takes the next row of every object that has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from firstlight._arithmetic import COLUMNS
from firstlight._types import AnyArray, Bools, Floats, Floats32, Ints
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.flags import UNUSABLE, Flag
from firstlight.lightcurves.rows import ROWS, Rows, ragged_positions
from firstlight.preparation import features
from firstlight.preparation.dust import factor
from firstlight.preparation.records import Here, detect, key, opening, remember, spoken
from firstlight.preparation.rules import Filters, Rules, issues
from firstlight.preparation.sequences import Sequences, Steps
from firstlight.preparation.states import KEPT, States


class _Table(NamedTuple):
    """Rows that were kept and rows that are new, object by object in order of time."""

    owner: Ints
    row: Ints  # -1 for one that was kept
    given: AnyArray  # as `KEPT`
    detected: Bools
    band: AnyArray
    flux: Floats
    error: Floats
    limit: Bools
    magnitude: Floats


class _Round(NamedTuple):
    """Rows read in one round, and what was known before them."""

    position: Ints  # in the table
    time: Floats
    season: Ints
    first: Bools
    n_detections: Ints
    issued: Bools
    past: dict[str, AnyArray]


def rows_of(curves: LightCurves, place: AnyArray) -> Rows:
    """The rows of light curves, their passbands by their `place` among others (the last one: unknown)."""
    rows = {name: getattr(curves, name) for name in ROWS}
    return Rows(**{**rows, "passband": place[curves.passband]})


class _Walk(NamedTuple):
    """What stays the same in all rounds of an advance, and what they read."""

    rules: Rules
    filters: Filters
    table: _Table
    read: list[_Round]


def advance(rules: Rules, states: States, rows: Rows, offsets: Ints, names: Sequence[str]) -> Steps:
    """The states after further rows of their objects, which are in order and flagged as light curves are.

    Parameters
    ----------
    rows : Rows
        `passband` into the bands of the states.
    offsets : int64 [n + 1]
        Object k brings ``rows[offsets[k]:offsets[k + 1]]``.
    names : K strings
        Of the metadata columns.
    """
    owner = np.repeat(np.arange(len(states)), np.diff(offsets))
    columns = states.columns.copy()
    taken, late = _taken(rules, states, columns, rows, owner)
    table = _table(rules, states, rows, taken, owner)
    fresh = np.bincount(owner[taken], minlength=len(states))
    end = np.cumsum(np.diff(states.offsets) + fresh)
    waiting = np.append(0, np.cumsum(states.kept["pending"]))[states.offsets]
    low = end - fresh - np.diff(waiting)
    walk = _Walk(rules, states.filters, table, [])
    for turn in range(int(fresh.max(initial=0))):
        who = np.flatnonzero(fresh > turn)
        _turn(walk, columns, low, who, (end - fresh)[who] + turn)
    if not walk.read:  # a round of nobody, so that nothing is no case of its own
        _read(walk, columns[:0], fresh[:0])
    after = _after(rules, states, columns, table, low, end, fresh)
    found = _gathered(table, walk.read)
    owner = table.owner[found.position]
    opens = np.ones(len(owner), np.bool_)
    opens[1:] = (np.diff(owner) != 0) | (np.diff(found.season) != 0)
    begins = np.flatnonzero(opens)
    sequences = Sequences(
        features=_features(rules, states.filters, table, found),
        offsets=np.append(begins, len(owner)),
        owner=owner[begins],
        row=table.row[found.position],
        issued=found.issued,
        time=found.time,
        n_detections=found.n_detections,
        context=states.context[owner[begins]],
        context_mask=states.context_mask[owner[begins]],
        flags=after.columns["flags"],
        names=features.names(rules.features),
        context_names=tuple(names),
    )
    return Steps(after, sequences, found.first[begins], late)


def _taken(rules: Rules, states: States, columns: AnyArray, rows: Rows, owner: Ints) -> tuple[Ints, Bools]:
    """Rows that are read and not known yet, and which [N] come too late; flags of the others are noted."""
    reads = states.filters.reads[rows.passband]
    usable = (rows.flags & np.uint16(UNUSABLE)) == 0
    known = usable & reads
    unusable = np.flatnonzero(~usable & (reads | (rows.passband < 0)))
    if unusable.size:
        np.bitwise_or.at(columns["flags"], owner[unusable], rows.flags[unusable] & np.uint16(UNUSABLE))
    columns["flags"][owner[usable & ~reads & (rows.passband >= 0)]] |= np.uint16(Flag.UNREAD_PASSBAND)
    late = np.zeros(len(owner), np.bool_)
    taken = np.flatnonzero(
        known & rules.counts(np.isfinite(rows.flux), np.isfinite(rows.limit), rows.detected & known)
    )
    old = taken[rows.time[taken] <= columns["latest"][owner[taken]]]
    if not old.size:
        return taken, late
    repeated = _repeated(states, rows, old, owner[old])
    np.bitwise_or.at(columns["flags"], owner[old[repeated]], np.uint16(Flag.DROPPED_DUPLICATE))
    late[old] = ~repeated & _before(columns[owner[old]], rows, old)
    dropped = late.copy()
    dropped[old] |= repeated
    return taken[~dropped[taken]], late


def _repeated(states: States, rows: Rows, row: Ints, owner: Ints) -> Bools:
    """Which rows were taken before, at the latest time of their object."""
    where, of = ragged_positions(states.offsets[owner], np.diff(states.offsets)[owner])
    kept, new = states.kept[where], row[of]
    flux, limit = key(rows.flux[new], rows.limit[new], COLUMNS)
    flux_kept, limit_kept = key(kept["flux"], kept["limit"], COLUMNS)
    same = (kept["time"] == rows.time[new]) & (kept["passband"] == rows.passband[new])
    same &= (
        (flux_kept == flux) & (limit_kept == limit) & (kept["time"] == states.columns["latest"][owner][of])
    )
    return np.bincount(of[same], minlength=len(row)) > 0


def _before(latest: AnyArray, rows: Rows, row: Ints) -> Bools:
    """Which rows come before the latest observation of their object in time, passband, flux and limit."""
    flux, limit = key(rows.flux[row], rows.limit[row], COLUMNS)
    before, equal = np.zeros(len(row), np.bool_), np.ones(len(row), np.bool_)
    for value, name in (
        (rows.time[row], "latest"),
        (rows.passband[row], "latest_passband"),
        (flux, "latest_flux"),
        (limit, "latest_limit"),
    ):
        before |= equal & (value < latest[name])
        equal &= value == latest[name]
    return before


def _table(rules: Rules, states: States, rows: Rows, taken: Ints, owner: Ints) -> _Table:
    given = np.zeros(len(taken), KEPT)
    for name in ("time", "flux", "flux_err", "limit", "passband"):
        given[name] = getattr(rows, name)[taken]
    kept = len(states.kept)
    given = np.concatenate([states.kept, given])
    row = np.concatenate([np.full(kept, -1), taken])
    whose = np.concatenate([np.repeat(np.arange(len(states)), np.diff(states.offsets)), owner[taken]])
    detected = np.concatenate([np.zeros(kept, np.bool_), rows.detected[taken]])
    if len(states) > 1:
        order = np.argsort(whose, kind="stable")
        given, row, whose, detected = given[order], row[order], whose[order], detected[order]
    band, filters = given["passband"], states.filters
    flux, error, bound = given["flux"], given["flux_err"], given["limit"]
    if rules.deredden:
        undone = factor(filters.extinction[band], states.columns["mwebv"][whose], COLUMNS)
        flux, error, bound = flux * undone, error * undone, bound * undone
    flux, error, limit = features.measured(flux, error, bound, COLUMNS)
    magnitude = features.asinh_magnitude(flux, filters.depth[band], COLUMNS)
    return _Table(
        owner=whose,
        row=row,
        given=given,
        detected=detected,
        band=band,
        flux=flux,
        error=error,
        limit=limit,
        magnitude=magnitude,
    )


def _turn(walk: _Walk, columns: AnyArray, low: Ints, who: Ints, position: Ints) -> None:
    """Take the next row of the objects `who`; `low` is the first row of each that waits for a trigger."""
    table, now = walk.table, columns[who]
    time, seen = table.given["time"][position], table.detected[position]
    opens = seen & ~now["given"] & walk.rules.opens(time - now["last_detection"])
    if opens.any():
        here = np.flatnonzero(opens)
        for name, value in opening(now[here], time[here], COLUMNS).items():
            now[name][here] = value
        now["bands"][here] = 0
        waiting = position[here] - low[who[here]]
        for depth in range(int(waiting.max())):
            some = here[waiting > depth]
            part = now[some]
            _read(walk, part, low[who[some]] + depth)
            now[some] = part
    _read(walk, now, position)
    detect(now, time, table.flux[position], seen, COLUMNS)
    low[who[seen]] = position[seen] + 1
    columns[who] = now


def _read(walk: _Walk, now: AnyArray, position: Ints) -> None:
    """Read one row of each of the records `now` where it lies in the window, and remember it there."""
    rules, table = walk.rules, walk.table
    time = table.given["time"][position] - now["trigger"]
    inside = rules.inside(time)
    if not inside.all():
        now["flags"][rules.late(time)] |= np.uint16(Flag.OUTSIDE_WINDOW)
        if inside.any():
            some = np.flatnonzero(inside)
            part = now[some]
            _read(walk, part, position[some])
            now[some] = part
        return
    here = Here(
        time=time,
        band=table.band[position],
        flux=table.flux[position],
        magnitude=table.magnitude[position],
        detected=table.detected[position],
    )
    every = np.arange(len(now))
    own, first = now["bands"][every, here.band], now["rows"] == 0
    past = remember(now, own, here, walk.filters, COLUMNS)
    now["bands"][every, here.band] = own
    walk.read.append(
        _Round(
            position=position,
            time=time,
            season=now["season"],
            first=first,
            n_detections=now["detections"],
            issued=issues(spoken(now), time),
            past=past,
        )
    )


def _after(
    rules: Rules, states: States, columns: AnyArray, table: _Table, low: Ints, end: Ints, fresh: Ints
) -> States:
    """The next states: what the records hold now, and which rows are still needed."""
    came = np.flatnonzero(fresh)
    if not came.size:
        return replace(states, columns=columns)
    last = table.given[end[came] - 1]
    flux, limit = key(last["flux"], last["limit"], COLUMNS)
    columns["latest"][came], columns["latest_passband"][came] = last["time"], last["passband"]
    columns["latest_flux"][came], columns["latest_limit"][came] = flux, limit
    time, whose = table.given["time"], table.owner
    since = time - columns["latest"][whose]
    pending = (np.arange(len(time)) >= low[whose]) & ~columns["given"][whose] & rules.inside(since)
    stays = pending | (since == 0.0)
    kept = table.given[stays]
    kept["pending"] = pending[stays]
    counts = np.bincount(whose[stays], minlength=len(states))
    return replace(states, columns=columns, kept=kept, offsets=np.concatenate([[0], np.cumsum(counts)]))


def _gathered(table: _Table, read: list[_Round]) -> _Round:
    """What was read in all rounds, object by object."""
    if len(read) == 1:
        return read[0]
    order = np.argsort(np.concatenate([table.owner[one.position] for one in read]), kind="stable")

    def joined(columns: Iterable[AnyArray]) -> AnyArray:
        return np.concatenate(list(columns))[order]

    return _Round(
        position=joined(one.position for one in read),
        time=joined(one.time for one in read),
        season=joined(one.season for one in read),
        first=joined(one.first for one in read),
        n_detections=joined(one.n_detections for one in read),
        issued=joined(one.issued for one in read),
        past={name: joined(one.past[name] for one in read) for name in read[0].past},
    )


def _features(rules: Rules, filters: Filters, table: _Table, found: _Round) -> Floats32:
    position, band = found.position, table.band[found.position]
    row = features.Row(
        time=found.time,
        wavelength=filters.wavelength[band],
        width=filters.width[band],
        depth=filters.depth[band],
        flux=table.flux[position],
        error=table.error[position],
        detected=table.detected[position],
        limit=table.limit[position],
        magnitude=table.magnitude[position],
        **found.past,
    )
    return features.numbers(rules.features, row)
