"""The same numbers one observation at a time: what must be remembered, and how it moves on.

A `State` is an immutable value; its memory does not grow with the light curve (apart from the rows before a
trigger, which `before_days` bounds).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight import facts
from firstlight.errors import DataError
from firstlight.lightcurves import Flag
from firstlight.lightcurves.from_columns import FIRST_JD, IMPLAUSIBLE_NJY
from firstlight.preparation import features, metadata
from firstlight.preparation.dust import brightening
from firstlight.preparation.state import Band, Filter, Last, Memory, Observation, Seen, State
from firstlight.preparation.windows import ENOUGH

if TYPE_CHECKING:
    from firstlight.preparation.preparation import Preparation


def start(preparation: Preparation, values: Mapping[str, Any] | None, survey: str | facts.Survey) -> State:
    """The state before the first observation."""
    values, flags = metadata.of_one(values or {}, preparation.metadata)
    chosen = facts.survey(survey)
    columns = {key: np.array([metadata.number(values, key)]) for key in preparation.metadata}
    context, known = metadata.context(columns, preparation.metadata, 1, preparation.features)
    filters = _filters(preparation, chosen)
    if preparation.deredden and not values.get("dereddened"):
        mwebv = metadata.number(values, "mwebv")
        filters = {
            name: item._replace(factor=brightening(chosen.passband(name).extinction, mwebv))
            for name, item in filters.items()
        }
    trigger = metadata.number(values, "trigger_mjd")
    given = isfinite(trigger)
    return State(chosen, filters, context, known, trigger if given else nan, given, int(given), flags=flags)


def _filters(preparation: Preparation, survey: facts.Survey) -> dict[str, Filter]:
    return {
        band.name: Filter(
            band.name,
            order,
            preparation.reads(band),
            band.width_um,
            features.depth_flux(band.depth),
            1.0,
            survey.detection_snr,
        )
        for order, band in enumerate(survey.passbands)
    }


def step(
    preparation: Preparation, state: State, observation: Observation
) -> tuple[State, NDArray[np.float32], NDArray[np.bool_]]:
    """The next state, and the rows that a network reads now.

    Returns
    -------
    state : State
    features : float32 [T, F]
        T is 0 when the observation is not read, 1 as a rule, more when a trigger brings the rows before it.
    issued : bool [T]

    Raises
    ------
    DataError
        When the observation belongs before one that was already taken, or its time is no MJD.
    """
    seen, flag = _read(preparation, state, observation)
    if seen is None:
        return (state._replace(flags=state.flags | flag) if flag else state), *_nothing(preparation)
    time = seen.time
    # As light curves are sorted: by time, passband, flux; limits behind, by their value.
    key = (
        (seen.band.order, inf, observation.limit) if seen.limit else (seen.band.order, observation.flux, 0.0)
    )
    place = (time, *key)
    repeated = frozenset((key,))
    if time <= state.place[0]:
        if time == state.place[0] and key in state.repeated:
            return state._replace(flags=state.flags | Flag.DROPPED_DUPLICATE), *_nothing(preparation)
        if place < state.place:
            raise DataError(
                f"the observation of MJD {time} in {seen.band.name} belongs before one of MJD "
                f"{state.place[0]} that was already taken",
                hint="Start anew and take all observations in order of time.",
            )
        repeated |= state.repeated

    memory, trigger, season, buffer, bar, flags = (
        state.memory,
        state.trigger,
        state.season,
        state.buffer,
        state.bar,
        state.flags,
    )
    rows: list[Seen] = [seen]
    quiet = trigger != trigger or time - state.last_detection > preparation.season_gap_days
    if seen.detected and quiet and not state.given:
        memory, trigger, season = Memory(), time, season + 1
        bar = state.brightest if state.detections >= ENOUGH else -inf
        rows = [row for row in buffer if _inside(preparation, row.time - time)] + rows
    if seen.detected:
        buffer = ()
    elif not state.given:
        buffer = (*(row for row in buffer if _inside(preparation, row.time - time)), seen)

    read: list[tuple[Any, ...]] = []
    issued: list[bool] = []
    if trigger == trigger:
        for row in rows:
            since = row.time - trigger
            if _inside(preparation, since):
                numbers, memory = _features(preparation, memory, row, since)
                read.append(numbers)
                if row.detected and row.flux >= bar:
                    bar = -inf
                issued.append(memory.detections >= 1 and bar == -inf and since >= 0.0)
            elif since > 0.0:
                flags |= Flag.OUTSIDE_WINDOW
    state = State(
        state.survey,
        state.filters,
        state.context,
        state.context_mask,
        trigger,
        state.given,
        season,
        time if seen.detected else state.last_detection,
        place,
        repeated,
        buffer,
        memory,
        max(state.brightest, seen.flux) if seen.detected else state.brightest,
        state.detections + seen.detected,
        bar,
        flags,
    )
    if not read:
        return state, *_nothing(preparation)
    return state, np.array(read, np.float32), np.array(issued, np.bool_)


def _nothing(preparation: Preparation) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return np.empty((0, len(preparation.feature_names)), np.float32), np.empty(0, np.bool_)


def _inside(preparation: Preparation, since: float) -> bool:
    """Whether a row `since` days from the trigger lies in the window."""
    if preparation.window_is_closed:
        return -preparation.before_days <= since <= preparation.after_days
    return (since >= 0.0 or since > -preparation.before_days) and since < preparation.after_days


def _read(preparation: Preparation, state: State, one: Observation) -> tuple[Seen | None, int]:
    """The observation as the preparation reads it, or None and the flag that says why not."""
    band = state.filters.get(one.passband)
    if band is None:
        band = state.filters[state.survey.passband(one.passband).name]
    if band.wavelength is None:
        return None, 0
    time, flux, error = float(one.time), float(one.flux), float(one.flux_err)
    if not isfinite(time):
        return None, Flag.DROPPED_NAN
    if time > FIRST_JD:
        raise DataError(f"holds {time:.1f}: not MJD", where="time", hint="Subtract 2400000.5.")
    if not isfinite(flux) and isfinite(one.limit) and one.limit > 0.0:
        if one.limit > IMPLAUSIBLE_NJY:
            return None, Flag.IMPLAUSIBLE_FLUX
        if preparation.rows != "all":
            return None, 0
        return Seen(time, band, 0.0, float(one.limit) * band.factor / 5.0, False, True), 0
    if not (isfinite(flux) and isfinite(error)):
        return None, Flag.DROPPED_NAN
    if error <= 0.0:
        return None, Flag.DROPPED_BAD_ERROR
    if abs(flux) > IMPLAUSIBLE_NJY or error > IMPLAUSIBLE_NJY:
        return None, Flag.IMPLAUSIBLE_FLUX
    detected = flux >= band.detection_snr * error if one.detected is None else bool(one.detected)
    if preparation.rows == "detections" and not detected:
        return None, 0
    return Seen(time, band, flux * band.factor, error * band.factor, detected, False), 0


def _features(
    preparation: Preparation, memory: Memory, seen: Seen, time: float
) -> tuple[tuple[Any, ...], Memory]:
    """Numbers of one row `time` days from the trigger, and the memory with that row in it."""
    band = seen.band
    wavelength = band.wavelength or 0.0
    magnitude = features.asinh_magnitude(seen.flux, band.depth, features.FLOATS)
    here = Last(band.name, time, magnitude, wavelength)
    last = memory.last or here
    other = (memory.other or here) if last.name == band.name else last
    own = memory.bands.get(band.name) or Band(time, magnitude, magnitude, time, 0, 0)
    first = memory.last is None
    row = features.Row(
        time,
        wavelength,
        band.width,
        band.depth,
        seen.flux,
        seen.error,
        float(seen.detected),
        float(seen.limit),
        magnitude,
        time - last.time,
        time - own.time,
        own.rows,
        own.magnitude,
        other.magnitude,
        other.wavelength,
        time - other.time,
        magnitude if first else memory.best,
        0.0 if first else time - memory.best_time,
        own.best,
        time - own.best_time,
        memory.detections + seen.detected,
        own.detections + seen.detected,
    )
    brightest, band_brightest = magnitude <= memory.best, magnitude <= own.best
    memory = Memory(
        here,
        memory.other if last.name == band.name else last,
        magnitude if brightest else memory.best,
        time if brightest else memory.best_time,
        {
            **memory.bands,
            band.name: Band(
                time,
                magnitude,
                magnitude if band_brightest else own.best,
                time if band_brightest else own.best_time,
                own.rows + 1,
                own.detections + seen.detected,
            ),
        },
        memory.detections + seen.detected,
    )
    numbers = features.default if preparation.features == "default" else features.reference
    return numbers(row, features.FLOATS), memory
