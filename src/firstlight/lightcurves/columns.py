"""How rows become light curves: the one place where order, duplicates, errors and units are settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts import Survey, zero_point
from firstlight.facts.arrays import as_arrow
from firstlight.lightcurves.arrays import FloatArray, floats, group, identifiers, signs, truths
from firstlight.lightcurves.flags import UNUSABLE, Flag, mark
from firstlight.lightcurves.photometry import flux_error_from_magnitude, flux_from_magnitude, to_njy

# AB -1.1, 1e8 times a peak of 19 mag: no transient, a broken row.
IMPLAUSIBLE_NJY = 1e13
# Magnitudes outside are codes for "missing" (-999, 99, 999), limits outside 10..25 likewise.
_MAGNITUDES = (-10.0, 50.0)
_LIMIT_MAGNITUDES = (5.0, 40.0)
_JD = 2_400_000.0


@dataclass(frozen=True)
class Rows:
    """Observations as they were given, in nJy and MJD, not yet in order; all of shape (N,)."""

    time: FloatArray
    passband: NDArray[np.int16]
    flux: FloatArray
    flux_err: FloatArray
    limit: FloatArray
    detected: NDArray[np.bool_]
    flags: NDArray[np.uint16]


@dataclass(frozen=True)
class Settled:
    """Observations in order: `names` (n,), `offsets` (n + 1,), and rows."""

    names: pa.Array
    offsets: NDArray[np.int64]
    rows: Rows


def brightness(
    *,
    flux: Any,
    flux_err: Any,
    limit: Any,
    flux_unit: str | None,
    zero_point_ab: Any,
    mag: Any,
    mag_err: Any,
    sign: Any,
    size: int,
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
    """Flux, error and limit in nJy, and which rows have a sign that cannot be read."""
    bad = np.zeros(size, bool)
    missing = np.full(size, np.nan)
    if mag is not None:
        if flux is not None:
            raise UsageError("both flux and mag are given", hint="Give one of them.")
        if flux_unit is not None or zero_point_ab is not None:
            raise UsageError(
                "magnitudes have no flux unit", hint="They are AB; leave flux_unit and zero_point out."
            )
        if mag_err is None:
            raise DataError("magnitudes without errors", hint="Give mag_err.")
        value, error, bad = _from_magnitudes(floats(mag, "mag"), floats(mag_err, "mag_err"), sign)
        bound = missing if limit is None else _magnitude_limit(floats(limit, "limit"))
        return value, error, bound, bad
    if sign is not None:
        raise UsageError("sign is for magnitudes", hint="A flux carries its own sign.")
    if flux is None and limit is None:
        raise UsageError("neither flux nor mag nor limit is given")
    if flux is not None and flux_err is None:
        raise DataError("fluxes without errors", hint="Give flux_err.")
    point = _zero_point(flux_unit, zero_point_ab)
    value = missing if flux is None else floats(flux, "flux")
    error = missing if flux is None else floats(flux_err, "flux_err")
    bound = missing if limit is None else floats(limit, "limit")
    if value.shape == error.shape:
        _refuse_magnitudes(value, error)
    if np.ndim(point) == 0 and point == zero_point("nJy"):
        return value, error, bound, bad
    return to_njy(value, point), to_njy(error, point), to_njy(bound, point), bad


def _zero_point(flux_unit: str | None, zero_point_ab: Any) -> float | FloatArray:
    if (flux_unit is None) == (zero_point_ab is None):
        problem = "no flux unit" if flux_unit is None else "both flux_unit and zero_point are given"
        raise UsageError(
            problem, hint="Say flux_unit='nJy', 'uJy', 'mJy', 'Jy' or 'FLUXCAL', or zero_point=25.0 (AB)."
        )
    if flux_unit is not None:
        return zero_point(flux_unit)
    return float(zero_point_ab) if np.ndim(zero_point_ab) == 0 else floats(zero_point_ab, "zero_point")


def _from_magnitudes(
    mag: FloatArray, mag_err: FloatArray, sign: Any
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    mag = np.where((mag > _MAGNITUDES[0]) & (mag < _MAGNITUDES[1]), mag, np.nan)
    flux = flux_from_magnitude(mag)
    # The sign of the error is kept, so that an error of -999 is seen as what it is.
    error = flux_error_from_magnitude(flux, mag_err) if mag_err.shape == mag.shape else mag_err
    bad = np.zeros(len(mag), bool)
    if sign is not None:
        direction = signs(sign, "sign")
        if direction.shape == mag.shape:
            bad = np.isnan(direction) & np.isfinite(mag)
            flux = np.where(np.isnan(direction), flux, flux * direction)
    return flux, error, bad


def _magnitude_limit(limit: FloatArray) -> FloatArray:
    plausible = (limit > _LIMIT_MAGNITUDES[0]) & (limit < _LIMIT_MAGNITUDES[1])
    return flux_from_magnitude(np.where(plausible, limit, np.nan))


def _refuse_magnitudes(flux: FloatArray, error: FloatArray) -> None:
    """Raise when fluxes look like magnitudes: everything in 10..30 and every error below 1."""
    good = np.isfinite(flux) & np.isfinite(error)
    if good.sum() < 3:
        return
    value, sigma = flux[good], error[good]
    if value.min() >= 10 and value.max() <= 30 and sigma.max() < 1:
        raise DataError(
            f"values {value.min():g} ... {value.max():g} with errors below 1 look like magnitudes",
            where="column 'flux'",
            hint="Give magnitudes as mag and mag_err (--mag). If they are fluxes, give them in nJy.",
        )


def modified_julian(time: FloatArray, system: str) -> FloatArray:
    """`time` as MJD; `system` is ``"mjd"`` or ``"jd"`` and is checked against the values."""
    if system not in ("mjd", "jd"):
        raise UnknownNameError("time system", system, ("mjd", "jd"))
    known = time[np.isfinite(time)]
    if system == "mjd" and known.size and known.max() > _JD:
        raise DataError(
            f"holds {known.min():.1f} ... {known.max():.1f}: not MJD",
            where="column 'time'",
            hint="If these are Julian dates say time_system='jd' (--time-format jd).",
        )
    if system == "jd" and known.size and known.min() < _JD:
        raise DataError(
            f"holds {known.min():.1f} ... {known.max():.1f}: not Julian dates",
            where="column 'time'",
            hint="If these are modified Julian dates say time_system='mjd'.",
        )
    return time - 2_400_000.5 if system == "jd" else time


def passband_codes(
    survey: Survey, passband: Any, object_id: pa.Array, unknown: Literal["error", "drop"]
) -> NDArray[np.int16]:
    """Positions among the survey's passbands; -1 where unknown and `unknown` is ``"drop"``."""
    if unknown not in ("error", "drop"):
        raise UnknownNameError("choice for unknown_passbands", unknown, ("error", "drop"))
    names = as_arrow(passband)
    codes = survey.codes(names)
    lost = np.flatnonzero(codes < 0)
    if unknown == "drop" or not lost.size:
        return codes
    objects = len(object_id.take(pa.array(lost)).unique()) if len(object_id) == len(codes) else 0
    example = names[int(lost[0])].as_py()
    raise UnknownNameError(
        "passband",
        "" if example is None else example,
        survey.spellings,
        where=f"survey {survey.name}",
        hint=f"{lost.size:,} rows, {objects:,} objects; unknown_passbands='drop' leaves them out, flagged.",
    )


def classify_rows(
    *,
    time: FloatArray,
    passband: NDArray[np.int16],
    flux: FloatArray,
    flux_err: FloatArray,
    limit: FloatArray,
    detected: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None,
    detection_snr: float,
    flags: NDArray[np.uint16],
) -> Rows:
    """Rows with their flags: what is measured, what is only a limit, what cannot be used."""
    measured = np.isfinite(flux)
    limited = ~measured & np.isfinite(limit) & (limit > 0)
    error_known = np.isfinite(flux_err)
    flags = flags.copy()
    mark(flags, ~np.isfinite(time) | ~(measured | limited) | (measured & ~error_known), Flag.DROPPED_NAN)
    mark(flags, measured & error_known & (flux_err <= 0), Flag.DROPPED_BAD_ERROR)
    mark(flags, passband < 0, Flag.DROPPED_UNKNOWN_PASSBAND)
    with np.errstate(invalid="ignore"):
        huge = measured & ((np.abs(flux) > IMPLAUSIBLE_NJY) | (flux_err > IMPLAUSIBLE_NJY))
        mark(flags, huge | (limited & (limit > IMPLAUSIBLE_NJY)), Flag.IMPLAUSIBLE_FLUX)
        found = flux >= detection_snr * flux_err
    if detected is not None:
        found = np.where(detected[1], detected[0], found)
    return Rows(
        time=np.where(np.isfinite(time), time, np.nan),
        passband=passband,
        # Adding 0 turns -0.0 into 0.0, so that equal rows are equal bit by bit.
        flux=np.where(measured, flux, np.nan) + 0.0,
        flux_err=np.where(measured & error_known, flux_err, np.nan),
        limit=np.where(limited, limit, np.nan),
        detected=found & measured & ((flags & np.uint16(UNUSABLE)) == 0),
        flags=flags,
    )


def settle(object_id: Any, rows: Rows) -> Settled:
    """Rows in order: objects as they first appear, then time, passband, flux; duplicates flagged.

    The order within an object does not depend on the order given.
    """
    names, starts, codes = group(identifiers(object_id))
    n, size = len(names), len(rows.time)
    if len(starts) == n:
        offsets = np.append(starts, size).astype(np.int64)
    else:
        code = np.repeat(codes, np.diff(np.append(starts, size)))
        rows = take_rows(rows, np.argsort(code, kind="stable"))
        offsets = np.concatenate([[0], np.cumsum(np.bincount(code, minlength=n))]).astype(np.int64)
    return Settled(names, offsets, _in_order(rows, offsets))


def take_rows(rows: Rows, index: NDArray[Any]) -> Rows:
    """The rows at `index`, a boolean mask or positions."""
    return Rows(**{name: value[index] for name, value in vars(rows).items()})


def _in_order(rows: Rows, offsets: NDArray[np.int64]) -> Rows:
    """Rows sorted within their objects, touching only objects that are not yet."""
    time, band = rows.time, rows.passband
    if len(time) < 2:
        return rows
    ascending = (time[:-1] < time[1:]) | ((time[:-1] == time[1:]) & (band[:-1] < band[1:]))
    inner = offsets[1:-1]
    ascending[inner[(inner > 0) & (inner < len(time))] - 1] = True
    disorder = np.flatnonzero(~ascending)
    if not disorder.size:
        return rows
    objects = np.unique(np.searchsorted(offsets, disorder, side="right") - 1)
    where, owner = ragged_positions(offsets[objects], np.diff(offsets)[objects])
    part = take_rows(rows, where)
    unusable = (part.flags & np.uint16(UNUSABLE)) != 0
    # Usable rows first among equals, so that the copy that is kept of a duplicate is a good one.
    keys = (
        part.flags,
        ~part.detected,
        part.flux_err,
        unusable,
        part.limit,
        part.flux,
        part.passband,
        part.time,
    )
    part = take_rows(part, np.lexsort((*keys, owner)))
    mark(part.flags, _repeats(part, owner), Flag.DROPPED_DUPLICATE)
    part.detected[(part.flags & np.uint16(UNUSABLE)) != 0] = False
    whole = {name: value.copy() for name, value in vars(rows).items()}
    for name, value in vars(part).items():
        whole[name][where] = value
    return Rows(**whole)


def _repeats(rows: Rows, owner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which sorted rows repeat the one before in time, passband, flux and limit."""

    def same(values: NDArray[Any]) -> NDArray[np.bool_]:
        equal = values[1:] == values[:-1]
        if values.dtype.kind == "f":
            equal |= np.isnan(values[1:]) & np.isnan(values[:-1])
        return np.asarray(equal)

    dropped = Flag.DROPPED_NAN | Flag.DROPPED_UNKNOWN_PASSBAND
    repeated = np.zeros(len(rows.time), bool)
    repeated[1:] = same(owner) & same(rows.time) & same(rows.passband) & same(rows.flux) & same(rows.limit)
    return np.asarray(repeated & ((rows.flags & np.uint16(dropped)) == 0))


def ragged_positions(
    starts: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row positions of segments laid end to end, and the segment of each; both of shape (sum of counts,)."""
    owner = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    before = np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(counts) else np.zeros(0, np.int64)
    return np.arange(len(owner), dtype=np.int64) + (starts - before)[owner], owner


def given_flags(flags: Any, size: int) -> NDArray[np.uint16]:
    """Flags of observations as uint16; zeros where none are given."""
    if flags is None:
        return np.zeros(size, np.uint16)
    values = floats(flags, "flags")
    return np.nan_to_num(values).astype(np.uint16)


def given_detections(detected: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Detection flags as (value, known); None where none are given."""
    return None if detected is None else truths(detected, "detected")


def refuse_unequal(columns: dict[str, int]) -> None:
    """Raise unless all columns are of one length."""
    if len(set(columns.values())) > 1:
        text = ", ".join(f"{name} {size:,}" for name, size in columns.items())
        raise DataError(f"columns are of different length: {text}")
