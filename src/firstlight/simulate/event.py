"""One event as a source gives it, and what every source needs to make one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstlight.simulate.synthesis import Band, joined

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Event:
    """One event: maggies `flux` [band, time] on observer days from maximum; `truth` is what was drawn."""

    time: Floats
    flux: Floats
    truth: dict[str, float | str]

    def at(self, days: Floats, band: NDArray[np.int8]) -> Floats:
        """Maggies at visits: days from maximum and index of the band; linear in between, 0 outside."""
        right = np.searchsorted(self.time, days, side="right").clip(1, len(self.time) - 1)
        left = right - 1
        low, start = self.flux[band, left], self.time[left]
        slope = (self.flux[band, right] - low) / (self.time[right] - start)
        inside = (days >= self.time[0]) & (days <= self.time[-1])
        return np.asarray(np.where(inside, low + slope * (days - start), 0.0))


# (random stream, redshift, Milky Way filter a band, hopeless magnitude) -> event; None: surely fainter.
Source = Callable[[np.random.Generator, float, list[Floats], float], Event | None]

# Magnitudes by which a band may be brighter than the luminosity function's: K-correction, colour, drift.
MARGIN = 1.0


def band_filters(
    bands: tuple[Band, ...], z: float, sky: list[Floats], *factors: Callable[[Floats], Floats]
) -> list[Floats]:
    """What multiplies the spectrum in each band: the Milky Way's `sky`, and functions of rest wavelength."""
    every = joined(bands)
    rest = every.wave / (1.0 + z)
    product = np.concatenate(sky)
    for factor in factors:
        product = product * factor(rest)
    return every.parted(product)


def rest_means(bands: tuple[Band, ...], z: float) -> Floats:
    """Effective rest wavelengths (A) of the bands at redshift `z`."""
    return np.array([one.mean for one in bands]) / (1.0 + z)


def reference_means(bands: tuple[Band, ...]) -> tuple[float, float]:
    """Mean wavelengths (A) of the bands that stand for g and r: those nearest to 4,800 and 6,400 A."""
    means = np.array([one.mean for one in bands])
    return float(means[np.abs(means - 4800.0).argmin()]), float(means[np.abs(means - 6400.0).argmin()])


def blueness(bands: tuple[Band, ...]) -> Floats:
    """How far each band lies from r towards g: 1 in g, 0 in r, at least -1: what spreads a colour g-r."""
    blue, red = reference_means(bands)
    if blue == red:
        return np.zeros(len(bands))
    return np.clip((np.array([one.mean for one in bands]) - red) / (blue - red), -1.0, None)
