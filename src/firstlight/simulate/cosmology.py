"""Distances, volumes and the rates at which classes happen: from redshift to magnitude and back.

Flat LambdaCDM, H0 = 70 km/s/Mpc, Omega_m = 0.3.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from firstlight._types import Floats
from firstlight.errors import UnknownNameError

_HUBBLE_DISTANCE = 299_792.458 / 70.0  # Mpc
_OMEGA_M = 0.3


@cache
def _table() -> tuple[Floats, Floats]:
    z = np.concatenate(([0.0], np.geomspace(1e-4, 6.0, 4000)))
    inverse = 1.0 / np.sqrt(_OMEGA_M * (1 + z) ** 3 + 1 - _OMEGA_M)
    steps = 0.5 * (inverse[1:] + inverse[:-1]) * np.diff(z)
    return z, _HUBBLE_DISTANCE * np.concatenate(([0.0], np.cumsum(steps)))


def comoving_distance(z: Floats | float) -> Floats:
    """Comoving distance in Mpc at redshift `z` (0 to 6)."""
    return np.asarray(np.interp(z, *_table()))


def distance_modulus(z: float) -> float:
    """Apparent minus absolute bolometric magnitude at redshift `z` > 0."""
    return 5.0 * math.log10(float(comoving_distance(z)) * (1.0 + z)) + 25.0


def _madau(z: Floats, a: float, b: float, c: float, d: float) -> Floats:
    return a * (1 + z) ** c / (1 + ((1 + z) / b) ** d)


def evolution(law: str | dict[str, float], z: Floats, where: str = "") -> Floats:
    """Rate per comoving volume at `z` over that today.

    ``{"power": n}`` is (1+z)^n; ``md14`` star formation of Madau & Dickinson 2014; ``cc_s15`` core collapse
    of Strolger+ 2015; ``tde`` 10^(-z/1.2) (Kochanek 2016, as in SNANA and ELAsTiCC); ``pisn``
    pair instability of SNANA; ``constant``.
    """
    if isinstance(law, dict):
        return np.asarray((1 + z) ** float(law["power"]))
    zero = np.zeros(1)
    match law:
        case "md14":
            return _madau(z, 0.015, 2.9, 2.7, 5.6) / _madau(zero, 0.015, 2.9, 2.7, 5.6)
        case "cc_s15":
            return _madau(z, 0.015, 1.5, 5.0, 6.1) / _madau(zero, 0.015, 1.5, 5.0, 6.1)
        case "tde":
            return np.asarray(10.0 ** (-0.5 * z / 0.6))
        case "pisn":  # PISN_PLK12 of SNANA
            powers = (1.98, 6.38, 6.558, -4.42, 0.8312, -0.0508)
            return np.maximum(sum(value * z**power for power, value in enumerate(powers)), 0.0) / powers[0]
        case "constant":
            return np.ones_like(z)
    raise UnknownNameError(
        "evolution", law, ["md14", "cc_s15", "tde", "pisn", "constant", "{ power = n }"], where=where
    )


def _density(law: str | dict[str, float], low: float, high: float, where: str) -> tuple[Floats, Floats]:
    z = np.linspace(low, high, 4001)
    distance = comoving_distance(z)
    hubble = np.sqrt(_OMEGA_M * (1 + z) ** 3 + 1 - _OMEGA_M)
    return z, distance**2 / hubble * evolution(law, z, where) / (1 + z)


def rate_integral(law: str | dict[str, float], low: float, high: float, where: str = "") -> float:
    """Mpc^3 of observed rate in a square degree: integral of volume x evolution / (1+z) over [low, high]."""
    z, density = _density(law, low, high, where)
    integral = float(np.sum(0.5 * (density[1:] + density[:-1]) * np.diff(z)))
    return _HUBBLE_DISTANCE * integral * (math.pi / 180.0) ** 2


def redshift_quantiles(law: str | dict[str, float], low: float, high: float, where: str = "") -> Floats:
    """Redshifts at 2,001 equal steps of probability: observed rate in [low, high], volume x rate / (1+z).

    Draw one with ``numpy.interp(u, numpy.linspace(0, 1, 2001), quantiles)``.
    """
    z, density = _density(law, low, high, where)
    total = np.concatenate(([0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(z))))
    return np.interp(np.linspace(0.0, 1.0, 2001), total / total[-1], z)
