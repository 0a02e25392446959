"""How given columns become rows in nJy and MJD, and what is wrong with each of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight._arithmetic import COLUMNS, Arithmetic
from firstlight._types import Bits, Bools, Floats
from firstlight.errors import Arg, DataError, UnknownNameError, UsageError, Words
from firstlight.facts import Survey
from firstlight.facts import survey as find_survey
from firstlight.facts import zero_point as zero_point_of
from firstlight.lightcurves.clock import Clock, is_time
from firstlight.lightcurves.columnar import Columnar
from firstlight.lightcurves.flags import UNUSABLE, Flag, flag_column, mark
from firstlight.lightcurves.object_table import assemble
from firstlight.lightcurves.photometry import (
    Photometry,
    flux_error_from_magnitude,
    flux_from_magnitude,
    magnitude_limit,
    to_njy,
)
from firstlight.lightcurves.rows import Rows, refuse_unequal, settle
from firstlight.notes import Notes
from firstlight.tables.columns import as_arrow, floats, signs, truths
from firstlight.tables.identifiers import identifiers
from firstlight.tables.objects import object_table

UnknownPassbands = Literal["error", "drop"]
# AB -1.1, 1e8 times a peak of 19 mag: no transient, a broken row.
IMPLAUSIBLE_NJY = 1e13
# Magnitudes outside are codes for "missing" (-999, 99, 999).
_MAGNITUDES = (-10.0, 50.0)
_UNITS = ("nJy", "uJy", "mJy", "Jy", "FLUXCAL")  # those that are advised


def brightness(given: Photometry, size: int) -> tuple[Floats, Floats, Floats, Bools]:
    """Flux, error and limit in nJy, and which rows have a sign that cannot be read."""
    bad = np.zeros(size, bool)
    missing = np.full(size, np.nan)
    limit = missing if given.limit is None else floats(given.limit, "limit")
    if given.mag is not None:
        if given.flux is not None:
            raise UsageError("both flux and mag are given", hint="Give one of them.")
        if given.flux_unit is not None or given.zero_point is not None:
            raise UsageError(
                "magnitudes have no flux unit",
                hint=("They are AB; leave ", Arg("flux_unit"), " and ", Arg("zero_point"), " out."),
            )
        if given.mag_err is None:
            raise DataError("magnitudes without errors", hint=("Give ", Arg("mag_err"), "."))
        mag, mag_err = floats(given.mag, "mag"), floats(given.mag_err, "mag_err")
        value, error, bad = _from_magnitudes(mag, mag_err, given.sign)
        return value, error, magnitude_limit(limit), bad
    if given.sign is not None:
        raise UsageError("sign is for magnitudes", hint="A flux carries its own sign.")
    if given.flux is None and given.limit is None:
        raise UsageError("neither flux nor mag nor limit is given")
    if given.flux is not None and given.flux_err is None:
        raise DataError("fluxes without errors", hint=("Give ", Arg("flux_err"), "."))
    point = _zero_point(given.flux_unit, given.zero_point)
    value = missing if given.flux is None else floats(given.flux, "flux")
    error = missing if given.flux is None else floats(given.flux_err, "flux_err")
    _refuse_magnitudes(value, error)
    if np.ndim(point) == 0 and point == zero_point_of("nJy"):
        return value, error, limit, bad
    return to_njy(value, point), to_njy(error, point), to_njy(limit, point), bad


def _zero_point(flux_unit: str | None, zero_point_ab: Any) -> float | Floats:
    if (flux_unit is None) == (zero_point_ab is None):
        problem: Words = "no flux unit"
        if flux_unit is not None:
            problem = ("both ", Arg("flux_unit"), " and ", Arg("zero_point"), " are given")
        raise UsageError(
            problem, hint=("Say ", Arg("flux_unit", _UNITS), " or ", Arg("zero_point", 25.0), " (AB).")
        )
    if flux_unit is not None:
        return zero_point_of(flux_unit)
    return float(zero_point_ab) if np.ndim(zero_point_ab) == 0 else floats(zero_point_ab, "zero_point")


def _from_magnitudes(mag: Floats, mag_err: Floats, sign: Any) -> tuple[Floats, Floats, Bools]:
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


def _refuse_magnitudes(flux: Floats, error: Floats) -> None:
    """Raise when fluxes look like magnitudes: everything in 10..30 and every error below 1."""
    good = np.isfinite(flux) & np.isfinite(error)
    if good.sum() < 3:
        return
    value, sigma = flux[good], error[good]
    if value.min() >= 10 and value.max() <= 30 and sigma.max() < 1:
        raise DataError(
            f"values {value.min():g} ... {value.max():g} with errors below 1 look like magnitudes",
            where="column 'flux'",
            hint=(
                "Give magnitudes as ",
                Arg("mag"),
                " and ",
                Arg("mag_err"),
                ". If they are fluxes, give them in nJy.",
            ),
        )


def passband_codes(
    survey: Survey, passband: Any, object_id: pa.Array, unknown: UnknownPassbands
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
        hint=(
            f"{lost.size:,} rows, {objects:,} objects; ",
            Arg("unknown_passbands", "drop"),
            " leaves them out, flagged.",
        ),
    )


def classify_rows(
    *,
    time: Floats,
    passband: NDArray[np.int16],
    flux: Floats,
    flux_err: Floats,
    limit: Floats,
    detected: tuple[Bools, Bools] | None,
    detection_snr: float,
    flags: Bits,
) -> Rows:
    """Rows with their flags: what is measured, what is only a limit, what cannot be used."""
    with np.errstate(invalid="ignore"):
        measured, limited, bits = judged(time, flux, flux_err, limit, COLUMNS)
        found = flux >= detection_snr * flux_err
    flags = flags | bits
    mark(flags, passband < 0, Flag.DROPPED_UNKNOWN_PASSBAND)
    if detected is not None:
        found = np.where(detected[1], detected[0], found)
    return Rows(
        time=np.where(is_time(time, COLUMNS), time, np.nan),
        passband=passband,
        # Adding 0 turns -0.0 into 0.0, so that equal rows are equal bit by bit.
        flux=np.where(measured, flux, np.nan) + 0.0,
        flux_err=np.where(measured & np.isfinite(flux_err), flux_err, np.nan),
        limit=np.where(limited, limit, np.nan),
        detected=found & measured & ((flags & np.uint16(UNUSABLE)) == 0),
        flags=flags,
    )


def judged(time: Any, flux: Any, flux_err: Any, limit: Any, a: Arithmetic) -> tuple[Any, Any, Any]:
    """Whether a flux was measured, whether there is only a limit, and the bits of what forbids the row.

    Of columns, or of the plain numbers of one observation.
    """
    measured = a.finite(flux)
    limited = a.no(measured) & a.finite(limit) & (limit > 0)
    known = measured & a.finite(flux_err)
    absent = a.no(is_time(time, a)) | a.no(measured | limited) | (measured & a.no(known))
    huge = measured & ((abs(flux) > IMPLAUSIBLE_NJY) | (flux_err > IMPLAUSIBLE_NJY))
    bits = absent * np.uint16(Flag.DROPPED_NAN)
    bits = bits | (known & (flux_err <= 0)) * np.uint16(Flag.DROPPED_BAD_ERROR)
    huge = huge | (limited & (limit > IMPLAUSIBLE_NJY))
    return measured, limited, bits | huge * np.uint16(Flag.IMPLAUSIBLE_FLUX)


class FromColumns(Columnar):
    """Light curves from columns of any spelling."""

    @classmethod
    def from_columns(
        cls,
        *,
        object_id: Any,
        time: Any,
        passband: Any,
        survey: str | Path | Mapping[str, Any] | Survey,
        flux: Any = None,
        flux_err: Any = None,
        limit: Any = None,
        detected: Any = None,
        flux_unit: str | None = None,
        zero_point: Any = None,
        mag: Any = None,
        mag_err: Any = None,
        sign: Any = None,
        objects: Any = None,
        flags: Any = None,
        unknown_passbands: UnknownPassbands = "error",
        dereddened: bool = False,
        time_system: Literal["mjd", "jd"] = "mjd",
        report: list[str] | None = None,
    ) -> Self:
        """Light curves from columns with one entry an observation, in any order.

        Rows are kept and flagged, never removed. Objects stand in order of first appearance; their rows are
        sorted by time, then passband, then flux, whatever the order given.

        Parameters
        ----------
        object_id : column of str or int
        time : column, days
            MJD, or Julian dates with ``time_system="jd"``; ISO dates and timestamps too. Values that
            contradict this are refused; single ones outside the years 1900 to 2100 are missing, and told.
        passband : column of str or int
            Any spelling that the survey knows.
        survey : str, Path, mapping or Survey
            See `firstlight.facts.survey`.
        flux, flux_err : column, optional
            Difference flux and its error, with `flux_unit` (``"nJy"``, ``"uJy"``, ``"FLUXCAL"``, ...) or
            `zero_point` (AB; a number or a column).
        mag, mag_err : column, optional
            AB magnitude of the difference, instead of a flux; `sign` says whether it is a positive one
            (``isdiffpos``: t, f, 1, 0, -1, True, ...), all are where it is not given.
        limit : column, optional
            5-sigma upper limit where nothing was measured: in the unit of the flux, or an AB magnitude where
            `mag` is given.
        detected : column of bool, optional
            Where missing: flux / error >= the survey's ``detection_snr``, positive only.
        objects : table or mapping, optional
            Metadata with `object_id`. Ids without observations become objects without observations.
        flags : column of uint16, optional
            Flags that the reader sets, e.g. ``BAD_QUALITY``.
        unknown_passbands : {"error", "drop"}
            ``"drop"`` keeps such rows, unusable and flagged.
        dereddened : bool
            Whether Milky Way extinction is already out of the fluxes.
        report : list of str, optional
            Receives a sentence for each thing noticed: ids in one table only, sentinels, unknown passbands.

        Raises
        ------
        DataError, UnknownNameError, UsageError
            No unit; magnitudes or Julian dates where others were stated; unknown passband; unequal lengths;
            an id with conflicting metadata.
        """
        photometry = Photometry(
            object_id=object_id,
            time=time,
            passband=passband,
            survey=survey,
            flux=flux,
            flux_err=flux_err,
            limit=limit,
            detected=detected,
            flux_unit=flux_unit,
            zero_point=zero_point,
            mag=mag,
            mag_err=mag_err,
            sign=sign,
            objects=objects,
            flags=flags,
            dereddened=dereddened,
            clock=Clock(time_system),
        )
        notes = Notes.of(report)
        return cls.from_photometry(photometry, notes, unknown_passbands=unknown_passbands)

    @classmethod
    def from_photometry(
        cls, given: Photometry, notes: Notes, *, unknown_passbands: UnknownPassbands = "error"
    ) -> Self:
        """`from_columns` of columns that are one value already, of one survey."""
        which = find_survey(given.survey)
        ids = identifiers(given.object_id)
        when = given.clock.modified_julian(given.time, notes.at(given.where))
        refuse_unequal({name: len(values) for name, values in given.columns().items()})
        codes = passband_codes(which, given.passband, ids, unknown_passbands)
        value, error, bound, unsigned = brightness(given, len(when))
        bits = flag_column(given.flags, len(when))
        mark(bits, unsigned, Flag.BAD_QUALITY)
        rows = classify_rows(
            time=when,
            passband=codes,
            flux=value,
            flux_err=error,
            limit=bound,
            detected=None
            if given.detected is None
            else truths(given.detected, "detected", notes.at(given.where)),
            detection_snr=which.detection_snr,
            flags=bits,
        )
        settled = settle(ids, rows)
        table = assemble(
            settled.names,
            None if given.objects is None else object_table(given.objects),
            notes,
            survey=which.name,
            dereddened=given.dereddened,
            time_system=given.clock.system,
        )
        lost = int(np.count_nonzero(codes < 0))
        if lost:
            notes.say(f"{lost:,} observations in passbands unknown to {which.name} are not used.")
        empty = table.num_rows - len(settled.names)
        offsets = np.concatenate([settled.offsets, np.full(empty, len(when), np.int64)])
        return cls.from_rows(settled.rows, offsets, which.passbands, table)
