"""The numbers that a network reads about observations: one pure function a feature set.

Tables and streams fill the same `Row`, as columns or as plain numbers of one observation, and go through the
same arithmetic. What has not happened yet reads as
the row itself (the magnitude before the first is its own magnitude), hence differences and gaps of 0 and no
branch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from firstlight._arithmetic import COLUMNS, Arithmetic
from firstlight._types import Floats32
from firstlight.facts import zero_point

POGSON = 2.5 / np.log(10.0)
NJY_ZERO_POINT = zero_point("nJy")

DEFAULT = (
    "wavelength",
    "width",
    "time",
    "gap",
    "band_gap",
    "band_first",
    "flux",
    "magnitude",
    "error",
    "signal_to_noise",
    "detected",
    "limit",
    "band_change",
    "band_rate",
    "color",
    "color_wavelength",
    "color_gap",
    "peak_change",
    "peak_gap",
    "band_peak_change",
    "band_peak_gap",
    "detections",
    "band_detections",
)
REFERENCE = ("wavelength", "time", "flux", "flux_err")

# FLUXCAL / 500 in nJy: the unit in which the reference networks were trained (training scripts of astromcad).
REFERENCE_FLUX = 500.0 * 10.0 ** (0.4 * (NJY_ZERO_POINT - zero_point("FLUXCAL")))
# The training data of the reference networks carry the wavelengths of g and r exchanged; its weights know
# no others, so what they read must be exchanged too (true wavelengths cost 0.35 of macro AUROC).
REFERENCE_WAVELENGTHS = (("ZTF-g", 0.6223), ("ZTF-r", 0.4827))


class Row(NamedTuple):
    """What is known when an observation arrives; numbers of one, or columns of shape (M,)."""

    time: Any  # days since the trigger
    wavelength: Any  # um
    width: Any  # um
    depth: Any  # nJy, 5 sigma of a typical visit
    flux: Any  # nJy; 0 for a limit
    error: Any  # nJy; a fifth of a 5 sigma limit
    detected: Any  # 0 or 1
    limit: Any  # 0 or 1
    magnitude: Any  # asinh magnitude of this row
    gap: Any  # days since the last row
    band_gap: Any  # days since the last row in this passband
    band_rows: Any  # earlier rows in this passband
    band_magnitude: Any  # of the last row in this passband
    other_magnitude: Any  # of the last row in another passband
    other_wavelength: Any  # um
    other_gap: Any  # days
    best_magnitude: Any  # brightest before this row, in any passband
    best_gap: Any  # days since then
    band_best_magnitude: Any  # brightest before this row in this passband
    band_best_gap: Any  # days since then
    detections: Any  # so far, this row included
    band_detections: Any  # so far in this passband, this row included


def depth_flux(depth: float) -> float:
    """Flux (nJy) of a 5 sigma depth in AB magnitudes."""
    return float(10.0 ** (0.4 * (NJY_ZERO_POINT - depth)))


def asinh_magnitude(flux: Any, depth: Any, a: Arithmetic) -> Any:
    """AB magnitude that stays finite through zero and negative flux (Lupton, Gunn & Szalay 1999).

    The softening is one sigma of a typical visit, `depth` / 5 (both nJy).
    """
    soft = depth / 5.0
    return NJY_ZERO_POINT - POGSON * (a.asinh(flux / (2.0 * soft)) + a.log(soft))


def measured(flux: Any, flux_err: Any, limit: Any, a: Arithmetic) -> tuple[Any, Any, Any]:
    """Flux and error as they are read, and which rows are limits: 0 and a fifth of the 5 sigma limit."""
    limits = a.no(a.finite(flux))
    return a.where(limits, 0.0, flux), a.where(limits, limit / 5.0, flux_err), limits


def names(which: str) -> tuple[str, ...]:
    """The names of the features of the set `which`, in order."""
    return REFERENCE if which == "reference" else DEFAULT


def columns(which: str, row: Row, a: Arithmetic) -> tuple[Any, ...]:
    """The features of the set `which`, each a number or a column as `row` is."""
    return reference(row) if which == "reference" else default(row, a)


def numbers(which: str, row: Row) -> Floats32:
    """The features of the set `which` ("default" or "reference"), float32 [M, F]."""
    out = np.empty((len(row.time), len(names(which))), np.float32)
    with np.errstate(over="ignore"):
        for k, column in enumerate(columns(which, row, COLUMNS)):
            out[:, k] = column
    return out


def default(row: Row, a: Arithmetic) -> tuple[Any, ...]:
    """The features of `DEFAULT`, in that order, each of order one."""

    def clip(x: Any, bound: float) -> Any:
        return a.most(a.least(x, bound), -bound)

    before = a.least(row.time, 0.0)
    after = a.most(row.time, 0.0)
    change = clip(row.magnitude - row.band_magnitude, 5.0)
    return (
        (row.wavelength - 0.65) / 0.2,
        (row.width - 0.15) / 0.05,
        (a.log1p(after) - a.log1p(-before)) / 2.0 - 1.0,
        a.log1p(row.gap) / 2.0,
        a.log1p(row.band_gap) / 2.0,
        0.0 + (row.band_rows == 0),
        clip(a.asinh(row.flux / row.depth) / 2.0 - 1.0, 8.0),
        clip((row.magnitude - 19.0) / 2.0, 8.0),
        clip(a.log(row.error * 5.0 / row.depth), 8.0) / 2.0,
        clip(a.asinh(row.flux / row.error) / 2.0 - 1.0, 8.0),
        row.detected,
        row.limit,
        change,
        clip(4.0 * change / (row.band_gap + 0.5), 5.0),
        clip(row.magnitude - row.other_magnitude, 5.0),
        (row.wavelength - row.other_wavelength) / 0.2,
        a.log1p(row.other_gap) / 2.0,
        clip(row.magnitude - row.best_magnitude, 5.0),
        a.log1p(row.best_gap) / 2.0,
        clip(row.magnitude - row.band_best_magnitude, 5.0),
        a.log1p(row.band_best_gap) / 2.0,
        a.log1p(row.detections) / 2.0 - 1.0,
        a.log1p(row.band_detections) / 2.0 - 1.0,
    )


def reference(row: Row) -> tuple[Any, ...]:
    """The features of `REFERENCE`: what the networks of astromcad were trained on.

    `row.wavelength` is the one the network knows the passband by (`REFERENCE_WAVELENGTHS`).
    """
    return (
        row.wavelength,
        (row.time + 30.0) / 100.0,
        row.flux / REFERENCE_FLUX,
        row.error / REFERENCE_FLUX,
    )
