"""Magnitudes and fluxes: AB, with fluxes in nJy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firstlight.facts import zero_point

FloatArray = NDArray[np.float64]

# d(flux)/flux = 0.4 ln(10) d(mag); S/N = 1.0857 / sigma_m.
MAGNITUDE_TO_FRACTION = 0.4 * float(np.log(10.0))


def to_njy(flux: ArrayLike, zero_point_ab: ArrayLike) -> FloatArray:
    """`flux` (or its error) of an AB zero point as nJy; the zero point may differ from row to row."""
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is no measurement, and flagged
        factor = 10.0 ** (0.4 * (zero_point("nJy") - np.asarray(zero_point_ab, np.float64)))
        return np.asarray(np.asarray(flux, np.float64) * factor)


def flux_from_magnitude(magnitude: ArrayLike) -> FloatArray:
    """The flux in nJy of an AB magnitude.

    Examples
    --------
    >>> flux_from_magnitude(31.4)
    array(1.)
    """
    return np.asarray(10.0 ** (0.4 * (zero_point("nJy") - np.asarray(magnitude, np.float64))))


def flux_error_from_magnitude(flux: ArrayLike, magnitude_error: ArrayLike) -> FloatArray:
    """The error of a flux whose magnitude has this error: 0.921 |flux| sigma_m, in the unit of `flux`."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(MAGNITUDE_TO_FRACTION * np.abs(np.asarray(flux)) * np.asarray(magnitude_error))


def magnitude_from_flux(flux: ArrayLike, flux_err: ArrayLike | None = None) -> tuple[FloatArray, FloatArray]:
    """AB magnitude and its error of a flux in nJy; NaN where the flux is not positive."""
    flux = np.asarray(flux, np.float64)
    positive = np.where(flux > 0, flux, np.nan)
    error = np.full(flux.shape, np.nan) if flux_err is None else np.asarray(flux_err, np.float64)
    magnitude = zero_point("nJy") - 2.5 * np.log10(positive)
    return np.asarray(magnitude), np.asarray(error / (MAGNITUDE_TO_FRACTION * positive))
