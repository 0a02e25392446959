"""One observation of one object: the turn of `steps`, in plain numbers and so in microseconds."""

from __future__ import annotations

from typing import Any

import numpy as np

from firstlight._arithmetic import NUMBERS
from firstlight._types import Bools, Floats32
from firstlight.errors import DataError
from firstlight.lightcurves.clock import is_time, refuse_other
from firstlight.lightcurves.flags import Flag
from firstlight.lightcurves.from_columns import judged
from firstlight.preparation import features
from firstlight.preparation.dust import factor
from firstlight.preparation.records import BAND, Here, detect, key, opening, remember, spoken
from firstlight.preparation.rules import Rules, issues
from firstlight.preparation.states import KeptRow, Observation, State


def step(rules: Rules, state: State, one: Observation) -> tuple[State, Floats32, Bools]:
    """See `Preparation.step`."""
    place = _place(state, one.passband)
    filters = state.filters
    row = KeptRow(float(one.time), float(one.flux), float(one.flux_err), float(one.limit), place, False)
    if not is_time(row.time, NUMBERS):
        refuse_other(row.time)
    measured, limited, bits = judged(row.time, row.flux, row.flux_err, row.limit, NUMBERS)
    if not filters.reads[place]:
        return _nothing(rules, state, 0 if bits else Flag.UNREAD_PASSBAND)
    if bits:
        return _nothing(rules, state, int(bits))
    detected = measured and _detected(state, one, row)
    if not rules.counts(measured, limited, detected):
        return _nothing(rules, state)
    if row.time <= state.record["latest"]:
        if _key(row) in map(_key, state.kept):
            return _nothing(rules, state, Flag.DROPPED_DUPLICATE)
        _refuse_late(state, row)

    now = dict(state.record)
    bands = [*state.bands]
    waiting = [kept for kept in state.kept if kept.pending]
    rows = [row]
    if detected and not now["given"] and rules.opens(row.time - now["last_detection"]):
        now.update(opening(now, row.time, NUMBERS))
        bands = [BAND] * len(bands)
        rows = [*waiting, row]
    numbers: list[tuple[Any, ...]] = []
    issued: list[bool] = []
    for this in rows:
        time = this.time - now["trigger"]
        if rules.inside(time):
            numbers.append(_numbers(rules, state, now, bands, this, time, detected and this is row))
            issued.append(issues(spoken(now), time))
        elif rules.late(time):
            now["flags"] |= Flag.OUTSIDE_WINDOW
    detect(now, row.time, _flux(rules, state, row)[0], detected, NUMBERS)

    flux, limit = key(row.flux, row.limit, NUMBERS)
    now.update(latest=row.time, latest_passband=place, latest_flux=flux, latest_limit=limit)
    kept = tuple(_kept(rules, [*state.kept, row], now, detected))
    after = state._replace(record=now, bands=tuple(bands), kept=kept)
    if not numbers:
        return _nothing(rules, after)
    return after, np.array(numbers, np.float32), np.array(issued, np.bool_)


def _place(state: State, passband: str) -> int:
    """The place among the passbands of its survey of what the survey spells so."""
    bands = state.survey.passbands
    for place, band in enumerate(bands):
        if band.name == passband:
            return place
    return bands.index(state.survey.passband(passband))


def _detected(state: State, one: Observation, row: KeptRow) -> bool:
    if one.detected is not None:
        return bool(one.detected)
    return row.flux >= state.survey.detection_snr * row.flux_err


def _nothing(rules: Rules, state: State, bits: int = 0) -> tuple[State, Floats32, Bools]:
    """Nothing to read, and what was wrong."""
    if bits:
        state = state._replace(record={**state.record, "flags": state.flags | bits})
    return state, np.empty((0, len(features.names(rules.features))), np.float32), np.empty(0, np.bool_)


def _key(row: KeptRow) -> tuple[float, ...]:
    return row.time, row.passband, *key(row.flux, row.limit, NUMBERS)


def _refuse_late(state: State, row: KeptRow) -> None:
    now = state.record
    latest = now["latest"], now["latest_passband"], now["latest_flux"], now["latest_limit"]
    if _key(row) < latest:
        raise DataError(
            f"the observation of MJD {row.time} in {state.survey.passbands[row.passband].name} belongs "
            f"before one of MJD {now['latest']} that was already taken",
            hint="Start anew and take all observations in order of time.",
        )


def _flux(rules: Rules, state: State, row: KeptRow) -> tuple[float, float, bool]:
    """Flux, error and whether it is a limit, without dust."""
    flux, error, limit = row.flux, row.flux_err, row.limit
    if rules.deredden:
        undone = factor(state.filters.extinction[row.passband], state.record["mwebv"], NUMBERS)
        flux, error, limit = flux * undone, error * undone, limit * undone
    return features.measured(flux, error, limit, NUMBERS)


def _numbers(
    rules: Rules,
    state: State,
    now: dict[str, Any],
    bands: list[Any],
    row: KeptRow,
    time: float,
    detected: bool,
) -> tuple[Any, ...]:
    """The features of a row `time` days from the trigger; the record and that of its passband go on to it."""
    filters, band = state.filters, row.passband
    flux, error, limit = _flux(rules, state, row)
    depth = filters.depth[band]
    magnitude = features.asinh_magnitude(flux, depth, NUMBERS)
    own = dict(bands[band])
    past = remember(now, own, Here(time, band, flux, magnitude, detected), filters, NUMBERS)
    bands[band] = own
    seen = features.Row(
        time=time,
        wavelength=filters.wavelength[band],
        width=filters.width[band],
        depth=depth,
        flux=flux,
        error=error,
        detected=detected,
        limit=limit,
        magnitude=magnitude,
        **past,
    )
    return features.columns(rules.features, seen, NUMBERS)


def _kept(rules: Rules, rows: list[KeptRow], now: dict[str, Any], detected: bool) -> list[KeptRow]:
    """Rows that are still needed; a detection is what those that waited for a trigger waited for."""
    *older, row = rows
    waits = not detected and not now["given"]
    still = []
    for this in (*older, row._replace(pending=True)):
        since = this.time - row.time
        pending = waits and this.pending and rules.inside(since)
        if pending or since == 0.0:
            still.append(this if this.pending == pending else this._replace(pending=pending))
    return still
