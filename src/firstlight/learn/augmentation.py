"""Augmentation: each object as a poorer survey, other weather or another distance would show it.

Each switch stands alone, 0 is off, and all work on LightCurves, so that the preparation sees what a survey
would have delivered. Everything is vectorised over observations.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._types import Bools, Floats, Floats32
from firstlight.learn.recipe import Augmentation
from firstlight.lightcurves import LightCurves

LEAST = 2  # detections that dropping leaves an object, if it had as many


def augment(curves: LightCurves, how: Augmentation, rng: np.random.Generator) -> LightCurves:
    """The light curves with these changes drawn anew; the same objects in the same order."""
    if not how.changes_curves or not len(curves):
        return curves
    before = curves.per_object(curves.detected)
    curves = _measure_again(curves, how, rng)
    dropped = np.zeros(len(curves.time), np.bool_)
    if how.drop_rows:
        share = rng.uniform(0, how.drop_rows, len(curves))
        dropped |= rng.random(len(dropped)) < share[curves.owner]
    if how.drop_passband:
        dropped |= _lost_passband(curves, how.drop_passband, rng)
    if how.start_late:
        dropped |= _late(curves, how.start_late, rng)
    if dropped.any():
        curves = _without(curves, dropped)
    return _retriggered(curves, curves.per_object(curves.detected) != before)


def mask_metadata(mask: Floats32, chance: float, rng: np.random.Generator) -> Floats32:
    """The context mask [s, K]: by this chance an object loses all that is known, else each value by it.

    Objects of which nothing is known are what a live survey has most of, so they must be common.
    """
    whole, single = rng.random((len(mask), 1)) >= chance, rng.random(mask.shape) >= chance
    return (mask * (whole & single)).astype(np.float32)


def _measure_again(curves: LightCurves, how: Augmentation, rng: np.random.Generator) -> LightCurves:
    """Times stretched, fluxes dimmed, shifted and noisier; detections decided anew."""
    n, owner = len(curves), curves.owner
    flux, error, time = curves.flux, curves.flux_err, curves.time
    if how.dilation:
        zero = curves.trigger[owner]
        stretch = 1 + rng.uniform(-how.dilation, how.dilation, n)[owner]
        time = np.where(np.isfinite(zero), zero + (time - zero) * stretch, time)
    if how.dim:
        factor = np.where(rng.random(n) < how.dim, rng.uniform(0.2, 1.0, n), 1.0)
        flux = flux * factor[owner]
    if how.zero_point:
        offset = rng.normal(
            0, how.zero_point, (n, len(curves.passbands) + 1)
        )  # the last one: no known passband
        factor = 10 ** (-0.4 * offset[owner, curves.passband])
        flux, error = flux * factor, error * factor
    if how.noise:
        sigma = rng.uniform(0, how.noise, n)[owner]
        flux = flux + rng.normal(size=len(flux)) * sigma * error
        error = error * np.sqrt(1 + sigma**2)
    changes: dict[str, Any] = {"time": time, "flux": flux, "flux_err": error}
    if how.dim or how.noise:
        changes["detected"] = curves.detected & _above_threshold(curves, flux, error)
    return dataclasses.replace(curves, **changes)


def _above_threshold(curves: LightCurves, flux: Floats, error: Floats) -> Bools:
    """Whether S/N is above the survey's threshold, or at least what a weaker detection of the file had."""
    threshold = np.array([*(band.detection_snr for band in curves.bands), np.inf])[curves.passband]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(flux / error >= np.fmin(threshold, curves.flux / curves.flux_err))


def _lost_passband(curves: LightCurves, chance: float, rng: np.random.Generator) -> Bools:
    """The rows of one passband, drawn among those an object has, for this share of objects."""
    n, bands = len(curves), len(curves.passbands)
    known = curves.passband >= 0
    present = np.zeros((n, bands), np.bool_)
    present[curves.owner[known], curves.passband[known]] = True
    score = np.where(present, rng.random((n, bands)), -1.0)
    lost = np.where(rng.random(n) < chance, score.argmax(axis=1) if bands else 0, -2)
    return np.asarray(curves.passband == lost[curves.owner])


def _late(curves: LightCurves, chance: float, rng: np.random.Generator) -> Bools:
    """The first one to three detections, for this share of objects."""
    count = np.cumsum(curves.detected)
    start = np.concatenate([[0], count])[curves.offsets[:-1]]
    rank = count - start[curves.owner]  # 1 at the first detection
    skipped = np.where(rng.random(len(curves)) < chance, rng.integers(1, 4, len(curves)), 0)
    return np.asarray(curves.detected & (rank <= skipped[curves.owner]))


def _without(curves: LightCurves, dropped: Bools) -> LightCurves:
    """The rows that are not dropped; an object that would keep too few detections keeps all its rows."""
    had = curves.per_object(curves.detected)
    left = curves.per_object(curves.detected & ~dropped)
    spared = left < np.minimum(had, LEAST)
    return curves.where(~dropped | spared[curves.owner])


def _retriggered(curves: LightCurves, changed: Bools) -> LightCurves:
    """Stated triggers moved to the first detection that is left, in objects that lost some."""
    if "trigger_mjd" not in curves.objects.column_names or not changed.any():
        return curves
    stated = np.asarray(curves.column("trigger_mjd"), np.float64)
    found = curves.detected & (curves.time >= stated[curves.owner] - 1e-9)
    rows = np.flatnonzero(found)[::-1]
    first = stated.copy()
    first[curves.owner[rows]] = curves.time[rows]
    first = np.where(changed & np.isfinite(stated), first, stated)
    place = curves.objects.column_names.index("trigger_mjd")
    column = pa.array(first, pa.float64(), mask=~np.isfinite(first))
    return dataclasses.replace(curves, objects=curves.objects.set_column(place, "trigger_mjd", column))
