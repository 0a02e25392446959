"""Milky Way dust: light curves as they would be without it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._arithmetic import COLUMNS, Arithmetic
from firstlight._types import Bools, Floats
from firstlight.lightcurves import LightCurves


def factor(extinction: Any, mwebv: Any, a: Arithmetic) -> Any:
    """Factor that undoes dust of E(B-V) `mwebv` in passbands of A/E(B-V) `extinction`; 1 where unknown."""
    amount = extinction * mwebv
    return a.where(a.finite(amount), a.power(10.0, 0.4 * amount), 1.0)


def factors(curves: LightCurves) -> Floats:
    """Factor that undoes the dust for each observation, float64 [N]; 1 where unknown or already undone."""
    table = np.array([*(band.extinction for band in curves.bands), 0.0])  # the last one is for passband -1
    made = factor(table[curves.passband], uncorrected(curves)[curves.owner], COLUMNS)
    return np.asarray(made)


def deredden(curves: LightCurves) -> LightCurves:
    """The same light curves corrected for Milky Way dust, by `mwebv` of each object.

    Objects without `mwebv`, and those whose column `dereddened` says so already, stay as they are.
    """
    known = np.isfinite(uncorrected(curves))
    undone = factors(curves)
    objects = curves.objects
    done = known | _dereddened(curves)
    position = objects.column_names.index("dereddened")
    objects = objects.set_column(position, "dereddened", pa.array(done))
    return dataclasses.replace(
        curves,
        flux=curves.flux * undone,
        flux_err=curves.flux_err * undone,
        limit=curves.limit * undone,
        objects=objects,
    )


def _dereddened(curves: LightCurves) -> Bools:
    return np.asarray(curves.column("dereddened"), np.bool_)


def uncorrected(curves: LightCurves) -> Floats:
    """E(B-V) that is still to be corrected for, float64 [n]; NaN where unknown or done."""
    return np.where(_dereddened(curves), np.nan, np.asarray(curves.column("mwebv"), np.float64))
