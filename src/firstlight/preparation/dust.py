"""Milky Way dust: light curves as they would be without it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.lightcurves import LightCurves


def brightening(extinction: float, mwebv: float) -> float:
    """Factor by which dust of E(B-V) `mwebv` dims a passband of A/E(B-V) `extinction`; 1 if unknown."""
    return float(10.0 ** (0.4 * extinction * mwebv)) if mwebv == mwebv else 1.0


def factors(curves: LightCurves) -> NDArray[np.float64]:
    """Factor that undoes the dust for each observation, float64 [N]; 1 where unknown or already undone."""
    mwebv = _mwebv(curves)
    table = np.array([*(band.extinction for band in curves.bands), 0.0])  # the last one is for passband -1
    amount: NDArray[np.float64] = table[curves.passband] * mwebv[curves.owner]
    return np.where(np.isfinite(amount), 10.0 ** (0.4 * np.nan_to_num(amount)), 1.0)


def deredden(curves: LightCurves) -> LightCurves:
    """The same light curves corrected for Milky Way dust, by `mwebv` of each object.

    Objects without `mwebv`, and those whose column `dereddened` says so already, stay as they are.
    """
    known = np.isfinite(_mwebv(curves))
    factor = factors(curves)
    objects = curves.objects
    done = known | _dereddened(curves)
    position = objects.column_names.index("dereddened")
    objects = objects.set_column(position, "dereddened", pa.array(done))
    return dataclasses.replace(
        curves,
        flux=curves.flux * factor,
        flux_err=curves.flux_err * factor,
        limit=curves.limit * factor,
        objects=objects,
    )


def _dereddened(curves: LightCurves) -> NDArray[np.bool_]:
    return np.asarray(curves.column("dereddened"), np.bool_)


def _mwebv(curves: LightCurves) -> NDArray[np.float64]:
    """E(B-V) that is still to be corrected for, float64 [n]; NaN where unknown or done."""
    return np.where(_dereddened(curves), np.nan, np.asarray(curves.column("mwebv"), np.float64))
