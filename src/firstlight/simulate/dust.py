"""Dust: the extinction law of Fitzpatrick (1999) for the spectra, and the map of the Milky Way.

The law is a natural cubic spline through anchors in the optical, and the form of Fitzpatrick & Massa (1990)
in the ultraviolet.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

# Fitzpatrick 1999, PASP 111, 63, appendix; ultraviolet coefficients as in Table "average curve".
_X0, _GAMMA, _C3, _C4, _C5 = 4.596, 0.99, 3.23, 0.41, 5.9
_ANCHORS_UM = np.array([np.inf, 2.65, 1.22, 0.60, 0.547, 0.467, 0.411, 0.270, 0.260])
RV_GRID = np.arange(1.5, 5.51, 0.1)
WAVE_GRID = np.arange(1000.0, 26000.0, 20.0)


def _ultraviolet(x: NDArray[np.float64], rv: float) -> NDArray[np.float64]:
    c2 = -0.824 + 4.717 / rv
    c1 = 2.030 - 3.007 * c2
    d = x**2 / ((x**2 - _X0**2) ** 2 + (x * _GAMMA) ** 2)
    y = np.maximum(x - _C5, 0.0)
    return c1 + c2 * x + _C3 * d + _C4 * (0.5392 * y**2 + 0.05644 * y**3)


def _natural_spline(
    x: NDArray[np.float64], y: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
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


def fitzpatrick99(wave: NDArray[np.float64], rv: float = 3.1) -> NDArray[np.float64]:
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
def _law_table() -> NDArray[np.float64]:
    return np.stack([fitzpatrick99(WAVE_GRID, float(rv)) for rv in RV_GRID])


def law_at(wave: NDArray[np.float64], rv: float) -> NDArray[np.float64]:
    """A(wavelength)/A_V from a table in wavelength (20 A) and R_V (nearest 0.1): for many calls."""
    row = _law_table()[min(max(round((rv - 1.5) / 0.1), 0), len(RV_GRID) - 1)]
    return np.asarray(np.interp(wave, WAVE_GRID, row))


# Galactic north pole and the longitude of the node (Hipparcos catalogue, ESA SP-1200, section 1.5.3).
_POLE_RA, _POLE_DEC, _NODE = math.radians(192.85948), math.radians(27.12825), math.radians(122.93192)


def galactic(ra: float, dec: float) -> tuple[float, float]:
    """Galactic longitude and latitude in degrees of an ICRS position in degrees."""
    a, d = math.radians(ra) - _POLE_RA, math.radians(dec)
    sin_b = math.sin(_POLE_DEC) * math.sin(d) + math.cos(_POLE_DEC) * math.cos(d) * math.cos(a)
    y = math.cos(d) * math.sin(a)
    x = math.cos(_POLE_DEC) * math.sin(d) - math.sin(_POLE_DEC) * math.cos(d) * math.cos(a)
    longitude = math.degrees(_NODE - math.atan2(y, x)) % 360.0
    return longitude, math.degrees(math.asin(min(max(sin_b, -1.0), 1.0)))
