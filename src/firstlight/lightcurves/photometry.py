"""Photometry as it is given: columns of observations; AB magnitudes and fluxes in nJy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from firstlight._types import Floats, Ints
from firstlight.facts import zero_point
from firstlight.lightcurves.clock import Clock

# d(flux)/flux = 0.4 ln(10) d(mag); S/N = 1.0857 / sigma_m.
MAGNITUDE_TO_FRACTION = 0.4 * float(np.log(10.0))


def to_njy(flux: ArrayLike, zero_point_ab: ArrayLike) -> Floats:
    """`flux` (or its error) of an AB zero point as nJy; the zero point may differ from row to row."""
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is no measurement, and flagged
        factor = 10.0 ** (0.4 * (zero_point("nJy") - np.asarray(zero_point_ab, np.float64)))
        return np.asarray(np.asarray(flux, np.float64) * factor)


def flux_from_magnitude(magnitude: ArrayLike) -> Floats:
    """The flux in nJy of an AB magnitude.

    Examples
    --------
    >>> flux_from_magnitude(31.4)
    array(1.)
    """
    return np.asarray(10.0 ** (0.4 * (zero_point("nJy") - np.asarray(magnitude, np.float64))))


def flux_error_from_magnitude(flux: ArrayLike, magnitude_error: ArrayLike) -> Floats:
    """The error of a flux whose magnitude has this error: 0.921 |flux| sigma_m, in the unit of `flux`."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(MAGNITUDE_TO_FRACTION * np.abs(np.asarray(flux)) * np.asarray(magnitude_error))


def magnitude_from_flux(flux: ArrayLike, flux_err: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """AB magnitude and its error of a flux in nJy; NaN where the flux is not positive."""
    flux = np.asarray(flux, np.float64)
    positive = np.where(flux > 0, flux, np.nan)
    error = np.full(flux.shape, np.nan) if flux_err is None else np.asarray(flux_err, np.float64)
    magnitude = zero_point("nJy") - 2.5 * np.log10(positive)
    return np.asarray(magnitude), np.asarray(error / (MAGNITUDE_TO_FRACTION * positive))


# Limits outside are codes for "missing" (0, 99, -999).
_LIMIT_MAGNITUDES = (5.0, 40.0)


def magnitude_limit(limit: Floats) -> Floats:
    """The flux in nJy of limits given as AB magnitudes; NaN for what is a code, not a limit."""
    with np.errstate(invalid="ignore"):
        plausible = (limit > _LIMIT_MAGNITUDES[0]) & (limit < _LIMIT_MAGNITUDES[1])
    return flux_from_magnitude(np.where(plausible, limit, np.nan))


def limit_flux(limit: Floats, zero_point_ab: ArrayLike) -> Floats:
    """Limits given as AB magnitudes beside fluxes of an AB zero point, in the unit of these fluxes."""
    return magnitude_limit(limit) * 10.0 ** (0.4 * (np.asarray(zero_point_ab) - zero_point("nJy")))


@dataclass(frozen=True)
class Photometry:
    """Observations by column, in any order and spelling: what `LightCurves.from_columns` takes.

    Its parameters say what the attributes mean; these are not looked at before light curves are made.

    Attributes
    ----------
    object_id, time, passband : column
    survey : str, Path, mapping, Survey, or column
        Readers may give the survey of each row, or None where nobody said it.
    flux, flux_err, mag, mag_err, sign, limit, detected, flags : column, optional
    flux_unit, zero_point : optional
        One of the two, for fluxes.
    objects : table or mapping, optional
    dereddened : bool
    clock : Clock
        What is said of the times.
    where : str
        The file, for errors.
    """

    object_id: Any
    time: Any
    passband: Any
    survey: Any = None
    flux: Any = None
    flux_err: Any = None
    limit: Any = None
    detected: Any = None
    flux_unit: str | None = None
    zero_point: Any = None
    mag: Any = None
    mag_err: Any = None
    sign: Any = None
    objects: Any = None
    flags: Any = None
    dereddened: bool = False
    clock: Clock = field(default_factory=Clock)
    where: str = ""

    def columns(self) -> dict[str, Any]:
        """What has an entry an observation, by name."""
        named = {name: getattr(self, name) for name in _COLUMNS}
        if np.ndim(self.zero_point):
            named["zero_point"] = self.zero_point
        if isinstance(self.survey, pa.Array):
            named["survey"] = self.survey
        return {name: values for name, values in named.items() if values is not None}

    def take(self, rows: Ints) -> Photometry:
        """The same with only some rows, of arrays; objects stay."""
        index = pa.array(rows)
        part: dict[str, Any] = {
            name: values[rows] if isinstance(values, np.ndarray) else values.take(index)
            for name, values in self.columns().items()
        }
        return replace(self, **part)


_COLUMNS = (
    "object_id",
    "time",
    "passband",
    "flux",
    "flux_err",
    "mag",
    "mag_err",
    "sign",
    "limit",
    "detected",
    "flags",
)
