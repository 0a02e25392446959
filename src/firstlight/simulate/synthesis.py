"""From spectra to the flux in a passband: throughputs, redshift, dust, and smooth errors of colour.

The integral over wavelength is linear, so it is done first, once an object and passband, on the source's
own phases; the visits are then interpolated in the resulting light curve. That is the bilinear
interpolation of the spectral grid, thousands of times a second.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from firstlight._types import Floats
from firstlight.facts import Passband, Survey
from firstlight.facts import passband as passband_of
from firstlight.facts import survey as survey_of
from firstlight.simulate.library import STEP, Library, Template

BandCodes = NDArray[np.int8]  # index of the passband of each row
ByWavelength = Callable[[Floats], Floats]  # a factor by rest wavelength (A)

NJY = 3.63078e12  # nJy of an AB magnitude 0 source
_AB = 3.63078e-20 * 2.99792458e18  # erg/s/cm2/Hz of AB magnitude 0 times the speed of light in A/s


@dataclass(frozen=True, eq=False)
class Bandpass:
    """A passband on 20 A: the sum of F_lambda (erg/s/cm2/A) x `weight` is maggies; `mean` wavelength in A."""

    name: str
    wave: Floats
    weight: Floats
    mean: float


def bandpass(name: str, wave: Floats, throughput: Floats) -> Bandpass:
    """That of a photon-counting throughput curve, on multiples of 20 A, cut under 0.2 % of its peak."""
    grid = np.arange(math.ceil(wave[0] / STEP) * STEP, wave[-1] + 0.1, STEP)
    # Average over each cell so that narrow features keep their area.
    fine = np.linspace(-STEP / 2, STEP / 2, 9)
    t = np.interp(grid[:, None] + fine, wave, throughput, left=0.0, right=0.0).mean(axis=1)
    keep = t > 0.002 * t.max()
    grid, t = grid[keep], t[keep]
    weight = grid * t * STEP / (_AB * np.sum(t / grid) * STEP)
    return Bandpass(name, grid, weight, float(np.sum(grid * t) / np.sum(t)))


@dataclass(frozen=True, eq=False)
class Bandpasses:
    """Some passbands, also end to end, so that a function of wavelength is asked once for all of them."""

    each: tuple[Bandpass, ...]

    def __iter__(self) -> Iterator[Bandpass]:
        return iter(self.each)

    def __len__(self) -> int:
        return len(self.each)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Qualified names."""
        return tuple(one.name for one in self.each)

    @cached_property
    def short(self) -> tuple[str, ...]:
        """Names without the survey."""
        return tuple(name.split("-")[-1] for name in self.names)

    @cached_property
    def means(self) -> Floats:
        """Effective wavelengths (A)."""
        return np.array([one.mean for one in self.each])

    @cached_property
    def blue_and_red(self) -> tuple[Bandpass, Bandpass]:
        """Those that stand for g and r: nearest to 4,800 and 6,400 A."""
        blue, red = (int(np.abs(self.means - wanted).argmin()) for wanted in (4800.0, 6400.0))
        return self.each[blue], self.each[red]

    @cached_property
    def blueness(self) -> Floats:
        """How far each lies from r towards g: 1 in g, 0 in r, at least -1: what spreads a colour g-r."""
        blue, red = (one.mean for one in self.blue_and_red)
        if blue == red:
            return np.zeros(len(self))
        return np.clip((self.means - red) / (blue - red), -1.0, None)

    @cached_property
    def wave(self) -> Floats:
        """Every wavelength (A) of every passband, one after the other."""
        return np.concatenate([one.wave for one in self.each])

    @cached_property
    def weight(self) -> Floats:
        """What makes maggies of F_lambda at each `wave`."""
        return np.concatenate([one.weight for one in self.each])

    @cached_property
    def row(self) -> NDArray[np.intp]:
        """Index of the passband of each `wave`."""
        return np.repeat(np.arange(len(self.each)), [len(one.wave) for one in self.each])

    @cached_property
    def cuts(self) -> tuple[int, ...]:
        """Where each passband begins in `wave`, and the end."""
        return (0, *itertools.accumulate(len(one.wave) for one in self.each))

    def parted(self, values: Floats) -> list[Floats]:
        """An array by `wave` as one a passband."""
        return [values[a:b] for a, b in itertools.pairwise(self.cuts)]

    def filters(self, z: float, sky: Floats, *factors: ByWavelength) -> Floats:
        """What multiplies a spectrum at `wave`: the Milky Way's `sky`, and functions of rest wavelength."""
        rest, product = self.wave / (1.0 + z), sky
        for factor in factors:
            product = product * factor(rest)
        return product


def bandpasses(survey: Survey, library: Library, only: tuple[str, ...] = ()) -> Bandpasses:
    """The passbands of a survey, or `only` those (short names), in the survey's order.

    Each is the throughput curve of the data folder, else a box of the stated width.
    """
    chosen = (one for one in survey.passbands if not only or one.short in only)
    return Bandpasses(tuple(_bandpass_of(one, survey, library) for one in chosen))


def _bandpass_of(known: Passband, survey: Survey, library: Library) -> Bandpass:
    for prefix in (survey.name, *survey.aliases):
        file = f"{prefix.lower()}_{known.short}"
        if library.has(f"filters/{file}.dat"):
            return bandpass(known.name, *library.throughput(file))
    middle, width = 1e4 * known.wavelength_um, 1e4 * known.width_um
    wave = middle + width * np.array([-0.5 - 1e-6, -0.5, 0.5, 0.5 + 1e-6])
    return bandpass(known.name, wave, np.array([0.0, 1.0, 1.0, 0.0]))


def reference(name: str, bands: Bandpasses, library: Library) -> Bandpass:
    """The passband for which magnitudes of a class are stated; without a name the last of `bands`."""
    if not name:
        return bands.each[-1]
    for one in bands:
        if one.name == name:
            return one
    known = passband_of(name)
    return _bandpass_of(known, survey_of(known.survey), library)


def curves(series: Template, bands: Bandpasses, z: float, filters: Floats) -> Floats:
    """Maggies [band, phase] of a spectral series at redshift `z`, at the distance that its flux is for.

    Parameters
    ----------
    filters : float64 [wavelengths of all passbands]
        What multiplies the spectrum: dust, colour law, warps.
    """
    out = np.zeros((len(bands), len(series.phase)))
    width = series.flux.shape[1]
    position = (bands.wave / (1.0 + z) - series.first) / STEP
    cell = np.floor(position).astype(np.intp)
    inside = (cell >= 0) & (cell < width - 1)
    right = (position - cell)[inside]
    w = (bands.weight * filters)[inside]
    cell, row = cell[inside], bands.row[inside]
    at = cell + row * width
    size = len(bands) * width
    weights = np.bincount(at, w * (1.0 - right), size) + np.bincount(at + 1, w * right, size)
    ends = np.searchsorted(row, np.arange(len(bands) + 1))
    for band_row, (a, b) in enumerate(itertools.pairwise(ends)):
        if a < b:
            first, last = int(cell[a]), int(cell[b - 1]) + 2
            mine = weights[band_row * width + first : band_row * width + last]
            out[band_row] = series.flux[:, first:last] @ mine
    return out / (1.0 + z)


def brightest(series: Template, reference: Bandpass) -> float:
    """Maggies of a series at its maximum in one passband, at rest and without dust."""
    alone = Bandpasses((reference,))
    return float(curves(series, alone, 0.0, np.ones_like(alone.wave)).max())


_HC_K = 1.438776877e8  # h c / k in A K
_TWO_HC2 = 1.191042972e27  # 2 h c^2 in erg/s/cm2/A x A^5


def blackbody(temperature: Floats, wave: Floats) -> Floats:
    """Pi B_lambda [n, wave] in erg/s/cm2/A of temperatures (K) at wavelengths (A)."""
    x = np.minimum(_HC_K / np.multiply.outer(temperature, wave), 600.0)
    return np.pi * _TWO_HC2 / wave**5 / np.expm1(x)


def blackbody_curves(
    temperature: Floats,
    log_radius: Floats,
    bands: Bandpasses,
    z: float,
    filters: Floats,
    shape: ByWavelength | None = None,
) -> Floats:
    """Maggies [band, phase] at 10 pc of photospheres at redshift `z`; `shape` multiplies the spectrum."""
    size = (10.0**log_radius / 3.0856775815e19) ** 2  # (R / 10 pc)^2
    rest = bands.wave / (1.0 + z)
    weights = bands.weight * filters
    if shape is not None:
        weights = weights * shape(rest)
    spectrum = blackbody(temperature, rest)
    out = np.empty((len(bands), len(temperature)))
    for row, (a, b) in enumerate(itertools.pairwise(bands.cuts)):
        out[row] = spectrum[:, a:b] @ weights[a:b]
    return out * size / (1.0 + z)


def colour_warp(rng: np.random.Generator, sigma: float) -> ByWavelength:
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


# The extinction law of Fitzpatrick 1999, PASP 111, 63, appendix: a natural cubic spline through anchors in
# the optical, the form of Fitzpatrick & Massa (1990) in the ultraviolet, coefficients of the "average curve".
_X0, _GAMMA, _C3, _C4, _C5 = 4.596, 0.99, 3.23, 0.41, 5.9
_ANCHORS_UM = np.array([np.inf, 2.65, 1.22, 0.60, 0.547, 0.467, 0.411, 0.270, 0.260])
_RV_GRID = np.arange(1.5, 5.51, 0.1)
_WAVE_GRID = np.arange(1000.0, 26000.0, 20.0)


def _ultraviolet(x: Floats, rv: float) -> Floats:
    c2 = -0.824 + 4.717 / rv
    c1 = 2.030 - 3.007 * c2
    d = x**2 / ((x**2 - _X0**2) ** 2 + (x * _GAMMA) ** 2)
    y = np.maximum(x - _C5, 0.0)
    return c1 + c2 * x + _C3 * d + _C4 * (0.5392 * y**2 + 0.05644 * y**3)


def _natural_spline(x: Floats, y: Floats, at: Floats) -> Floats:
    h = np.diff(x)
    n = len(x)
    matrix, right = np.eye(n), np.zeros(n)
    for i in range(1, n - 1):  # nine anchors
        matrix[i, i - 1 : i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        right[i] = 6 * ((y[i + 1] - y[i]) / h[i] - (y[i] - y[i - 1]) / h[i - 1])
    second = np.linalg.solve(matrix, right)
    cell = np.clip(np.searchsorted(x, at) - 1, 0, n - 2)
    a, b = (x[cell + 1] - at) / h[cell], (at - x[cell]) / h[cell]
    bend = ((a**3 - a) * second[cell] + (b**3 - b) * second[cell + 1]) * h[cell] ** 2 / 6
    return np.asarray(a * y[cell] + b * y[cell + 1] + bend)


def fitzpatrick99(wave: Floats, rv: float = 3.1) -> Floats:
    """A(wavelength)/A_V of Fitzpatrick (1999).

    Parameters
    ----------
    wave : float64 [n]
        Vacuum wavelengths in Angstrom, 910 to 60,000.
    rv : float
        A_V / E(B-V), 1.5 to 6.
    """
    x = 1e4 / np.asarray(wave, dtype=np.float64)
    knots = 1.0 / _ANCHORS_UM
    values = np.array(
        [
            -rv,
            0.26469 * rv / 3.1 - rv,
            0.82925 * rv / 3.1 - rv,
            -0.422809 + 1.00270 * rv + 2.13572e-4 * rv**2 - rv,
            -5.13540e-2 + 1.00216 * rv - 7.35778e-5 * rv**2 - rv,
            0.700127 + 1.00184 * rv - 3.32598e-5 * rv**2 - rv,
            1.19456 + 1.01707 * rv - 5.46959e-3 * rv**2 + 7.97809e-4 * rv**3 - 4.45636e-5 * rv**4 - rv,
            *_ultraviolet(knots[-2:], rv),
        ]
    )
    excess = np.where(x < knots[-2], _natural_spline(knots, values, x), _ultraviolet(x, rv))
    return np.asarray(1.0 + excess / rv)


@cache
def _law_table() -> Floats:
    return np.stack([fitzpatrick99(_WAVE_GRID, float(rv)) for rv in _RV_GRID])


def law_at(wave: Floats, rv: float) -> Floats:
    """A(wavelength)/A_V from a table in wavelength (20 A) and R_V (nearest 0.1): for many calls."""
    row = _law_table()[min(max(round((rv - 1.5) / 0.1), 0), len(_RV_GRID) - 1)]
    return np.asarray(np.interp(wave, _WAVE_GRID, row))


def dust(av: float, rv: float) -> ByWavelength:
    """The transmission of A_V magnitudes of dust, by wavelength (at rest for a host)."""
    return lambda wave: np.asarray(10.0 ** (-0.4 * av * law_at(wave, rv)))
