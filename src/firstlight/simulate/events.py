"""One event as a source gives it: light curves in every passband, and shapes in time that sources share.

Shapes work on rest-frame days from maximum and curves [band, phase]: how a light curve begins, ends, is
stretched, and is blended with another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from firstlight._types import Floats
from firstlight.simulate.synthesis import BandCodes

# Magnitudes by which a band may be brighter than the luminosity function's: K-correction, colour, drift.
MARGIN = 1.0


Truth = dict[str, float | str]  # what was drawn for an event, by name


@dataclass(frozen=True, eq=False)
class Event:
    """One event: maggies `flux` [band, time] on observer days from maximum; `truth` is what was drawn."""

    time: Floats
    flux: Floats
    truth: Truth

    def at(self, days: Floats, band: BandCodes) -> Floats:
        """Maggies at visits: days from maximum and index of the band; linear in between, 0 outside."""
        right = np.searchsorted(self.time, days, side="right").clip(1, len(self.time) - 1)
        left = right - 1
        low, start = self.flux[band, left], self.time[left]
        slope = (self.flux[band, right] - low) / (self.time[right] - start)
        inside = (days >= self.time[0]) & (days <= self.time[-1])
        return np.asarray(np.where(inside, low + slope * (days - start), 0.0))


class EventSource(Protocol):
    """What makes events of a class: with host and Milky Way dust, a beginning, a tail, and their truth."""

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """An event at redshift `z`; None where it is surely fainter than `faintest`.

        `sky` is what the Milky Way lets through, by wavelength of the source's passbands.
        """
        ...


def with_rise(phase: Floats, flux: Floats, gap: float) -> tuple[Floats, Floats]:
    """The curve begun by flux ~ t^2 from `gap` days before its first phase.

    A step up from nothing would be learnt by a network.
    """
    before = phase[0] - gap * np.array([1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.12])
    part = ((before - before[0]) / gap) ** 2
    return np.concatenate([before, phase]), np.concatenate([flux[:, :1] * part, flux], axis=1)


def with_tail(
    phase: Floats,
    flux: Floats,
    until: float = 320.0,
    drop: tuple[float, float] | None = None,
    floor: float = 0.01,
) -> tuple[Floats, Floats]:
    """The curve continued to `until` by the magnitude slope of its last 15 d, at least `floor` mag/d.

    With `drop` (magnitudes, day) the plateau first ends: a logistic of 7 d, after it 0.012 mag/d.
    """
    last = float(phase[-1])
    if last >= until:
        return phase, flux
    after = np.arange(last + 2.0, until, 4.0)
    anchor = int(np.searchsorted(phase, last - 15.0))
    span = max(last - float(phase[anchor]), 1e-3)
    slope = 2.5 * np.log10(np.maximum(flux[:, anchor], 1e-300) / np.maximum(flux[:, -1], 1e-300)) / span
    if drop is None:
        fade = np.multiply.outer(np.clip(slope, floor, 0.15), after - last)
    else:
        depth, day = drop[0], max(drop[1], last + 4.0)
        plateau = np.clip(slope, 0.0, 0.04)[:, None] * (np.minimum(after, day) - last)
        fall = depth / (1.0 + np.exp((day - after) / 3.5)) - depth / (1.0 + math.exp((day - last) / 3.5))
        fade = plateau + fall + 0.012 * np.maximum(after - day, 0.0)
    return np.concatenate([phase, after]), np.concatenate(
        [flux, flux[:, -1:] * 10.0 ** (-0.4 * fade)], axis=1
    )


def reshaped_rise(phase: Floats, flux: Floats, power: float) -> Floats:
    """The curve with its rise, relative to maximum, raised to `power` (under 1: a quick jump)."""
    if power == 1.0:
        return flux
    before = phase < 0.0
    top = np.maximum(flux.max(axis=1, keepdims=True), 1e-300)
    return np.where(before, top * (flux / top) ** power, flux)


def stretched(phase: Floats, rise: float, fall: float) -> Floats:
    """Phases with a factor before maximum and one after."""
    return np.where(phase < 0.0, phase * rise, phase * fall)


def with_blue_start(phase: Floats, flux: Floats, means: Floats, amount: float, days: float = 8.0) -> Floats:
    """The curve made bluer at its beginning: `amount` magnitudes in 1,500 A, e-folding `days`."""
    lever = (means[:, None] - 5500.0) / 1500.0
    return np.asarray(
        flux * 10.0 ** (-0.4 * amount * lever * np.exp(-np.maximum(phase - phase[0], 0.0) / days))
    )


def blend(parts: list[tuple[float, Floats, Floats]]) -> tuple[Floats, Floats]:
    """Weighted mean in magnitudes of two curves aligned at maximum (in flux before either has risen)."""
    if len(parts) == 1:
        return parts[0][1], parts[0][2]
    (wa, pa, fa), (wb, pb, fb) = parts
    phase = np.unique(np.concatenate([pa, pb]))
    a = np.stack([np.interp(phase, pa, row, left=0.0) for row in fa])
    b = np.stack([np.interp(phase, pb, row, left=0.0) for row in fb])
    floor = 1e-4 * max(float(a.max()), float(b.max()))
    return phase, np.exp(wa * np.log(a + floor) + wb * np.log(b + floor)) - floor


def with_cooling(phase: Floats, flux: Floats, depth: float, decay: float) -> Floats:
    """The curve with a shock-cooling peak at its beginning, `depth` magnitudes under the maximum."""
    start = float(phase[np.argmax(flux[0] > 0.01 * flux[0].max())]) - 1.0
    age = np.maximum(phase - start, 0.0)
    pulse = np.where(age < 1.0, age * np.exp(1.0 - age), np.exp(-(age - 1.0) / decay))
    height = flux.max(axis=1, keepdims=True) * 10.0 ** (-0.4 * depth)
    return np.asarray(flux + pulse * height)
