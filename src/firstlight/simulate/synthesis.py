"""From spectra to the flux in a passband: weights, redshift, dust and smooth errors of colour.

The integral over wavelength is linear, so it is done first, once an object and passband, on the source's
own phases; the visits are then interpolated in the resulting light curve. That is the bilinear
interpolation of the spectral grid, thousands of times a second.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from firstlight.simulate.dust import law_at
from firstlight.simulate.library import STEP, Template

Floats = NDArray[np.float64]
NJY = 3.63078e12  # nJy of an AB magnitude 0 source
_AB = 3.63078e-20 * 2.99792458e18  # erg/s/cm2/Hz of AB magnitude 0 times the speed of light in A/s


@dataclass(frozen=True, eq=False)
class Band:
    """A passband on 20 A: the sum of F_lambda (erg/s/cm2/A) x `weight` is maggies; `mean` wavelength in A."""

    name: str
    wave: Floats
    weight: Floats
    mean: float


def band(name: str, wave: Floats, throughput: Floats) -> Band:
    """The band of a photon-counting throughput curve, on multiples of 20 A, cut under 0.2 % of its peak."""
    grid = np.arange(math.ceil(wave[0] / STEP) * STEP, wave[-1] + 0.1, STEP)
    # Average over each cell so that narrow features keep their area.
    fine = np.linspace(-STEP / 2, STEP / 2, 9)
    t = np.interp(grid[:, None] + fine, wave, throughput, left=0.0, right=0.0).mean(axis=1)
    keep = t > 0.002 * t.max()
    grid, t = grid[keep], t[keep]
    weight = grid * t * STEP / (_AB * np.sum(t / grid) * STEP)
    return Band(name, grid, weight, float(np.sum(grid * t) / np.sum(t)))


@dataclass(frozen=True, eq=False)
class Joined:
    """Some bands end to end, so that a function of wavelength is asked once for all of them.

    `wave`, `weight` and `row` (index of the band) hold every wavelength of every band; `cuts` part them.
    """

    wave: Floats
    weight: Floats
    row: NDArray[np.intp]
    cuts: tuple[int, ...]

    def parted(self, values: Floats) -> list[Floats]:
        """An array by wavelength as one a band."""
        return [values[a:b] for a, b in itertools.pairwise(self.cuts)]


@lru_cache(maxsize=64)
def joined(bands: tuple[Band, ...]) -> Joined:
    """Bands end to end."""
    sizes = [len(one.wave) for one in bands]
    return Joined(
        np.concatenate([one.wave for one in bands]),
        np.concatenate([one.weight for one in bands]),
        np.repeat(np.arange(len(bands)), sizes),
        (0, *itertools.accumulate(sizes)),
    )


def curves(series: Template, bands: tuple[Band, ...], z: float, filters: list[Floats]) -> Floats:
    """Maggies [band, phase] of a spectral series at redshift `z`, at the distance that its flux is for.

    Parameters
    ----------
    filters : list of float64 [wavelengths of the band]
        What multiplies the spectrum in each band: dust, colour law, warps.
    """
    out = np.zeros((len(bands), len(series.phase)))
    width = series.flux.shape[1]
    every = joined(bands)
    position = (every.wave / (1.0 + z) - series.first) / STEP
    cell = np.floor(position).astype(np.intp)
    inside = (cell >= 0) & (cell < width - 1)
    right = (position - cell)[inside]
    w = (every.weight * np.concatenate(filters))[inside]
    cell, row = cell[inside], every.row[inside]
    at = cell + row * width
    size = len(bands) * width
    weights = np.bincount(at, w * (1.0 - right), size) + np.bincount(at + 1, w * right, size)
    ends = np.searchsorted(row, np.arange(len(bands) + 1))
    for band_row, (a, b) in enumerate(itertools.pairwise(ends)):
        if a < b:
            first, last = int(cell[a]), int(cell[b - 1]) + 2
            mine = weights[band_row * width + first : band_row * width + last]
            out[band_row] = series.spectra[:, first:last] @ mine
    return out / (1.0 + z)


_HC_K = 1.438776877e8  # h c / k in A K
_TWO_HC2 = 1.191042972e27  # 2 h c^2 in erg/s/cm2/A x A^5


def blackbody(temperature: Floats, wave: Floats) -> Floats:
    """Pi B_lambda [n, wave] in erg/s/cm2/A of temperatures (K) at wavelengths (A)."""
    x = np.minimum(_HC_K / np.multiply.outer(temperature, wave), 600.0)
    return np.pi * _TWO_HC2 / wave**5 / np.expm1(x)


def blackbody_curves(
    temperature: Floats,
    log_radius: Floats,
    bands: tuple[Band, ...],
    z: float,
    filters: list[Floats],
    shape: Callable[[Floats], Floats] | None = None,
) -> Floats:
    """Maggies [band, phase] at 10 pc of photospheres at redshift `z`; `shape` multiplies the spectrum."""
    size = (10.0**log_radius / 3.0856775815e19) ** 2  # (R / 10 pc)^2
    every = joined(bands)
    rest = every.wave / (1.0 + z)
    weights = every.weight * np.concatenate(filters)
    if shape is not None:
        weights = weights * shape(rest)
    spectrum = blackbody(temperature, rest)
    out = np.empty((len(bands), len(temperature)))
    for row, (a, b) in enumerate(itertools.pairwise(every.cuts)):
        out[row] = spectrum[:, a:b] @ weights[a:b]
    return out * size / (1.0 + z)


def dust_filter(wave: Floats, av: float, rv: float) -> Floats:
    """Transmission of A_V magnitudes of dust at `wave` (rest wavelengths for a host)."""
    return np.asarray(10.0 ** (-0.4 * av * law_at(wave, rv)))


def colour_warp(rng: np.random.Generator, sigma: float) -> Callable[[Floats], Floats]:
    """A smooth random factor by rest wavelength: magnitudes `sigma`, correlated over about 2,000 A."""
    frequency = rng.normal(0.0, 1.0 / 1500.0, 6)
    angle = rng.uniform(0.0, 2 * np.pi, 6)
    scale = 0.4 * math.log(10.0) * sigma / math.sqrt(3.0)

    def factor(wave: Floats) -> Floats:
        waves = np.cos(np.multiply.outer(frequency, wave) + angle[:, None])
        return np.asarray(np.exp(scale * waves.sum(axis=0)))

    return factor


def drift(rng: np.random.Generator, phase: Floats, means: Floats, sigma: float, days: float = 14.0) -> Floats:
    """A smooth random factor [band, phase]: `sigma` magnitudes, correlated over `days`, common and in colour.

    `means` are the bands' rest wavelengths in A.
    """
    angle = rng.uniform(0.0, 2 * np.pi, (2, 6))
    frequency = rng.normal(0.0, 1.0 / days, (2, 6))
    waves = np.cos(frequency[:, :, None] * phase + angle[:, :, None]).sum(axis=1) / math.sqrt(3.0)
    lever = (means - 5500.0) / 1500.0
    return np.asarray(np.exp(0.921 * sigma * (waves[0] + lever[:, None] * waves[1])))
