"""Active galactic nuclei: a damped random walk in magnitude, seen as the difference to a reference image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from firstlight.simulate.cosmology import distance_modulus
from firstlight.simulate.event import MARGIN, Event, Source, blueness
from firstlight.simulate.library import Library
from firstlight.simulate.populations import Population
from firstlight.simulate.synthesis import Band

Floats = NDArray[np.float64]
_STEP = 2.0  # observer days
_BEFORE, _AFTER = 900.0, 400.0  # the reference image lies in the first part, alerts in what follows


def random_walk(rng: np.random.Generator, tau: float, n: int, step: float) -> Floats:
    """`n` values of a damped random walk, zero mean, unit variance, exact at any `step` (unit of `tau`)."""
    decay = math.exp(-step / tau)
    noise = rng.standard_normal(n) * math.sqrt(1.0 - decay**2)
    noise[0] = rng.standard_normal()
    # x_i = sum_j decay^(i-j) noise_j, in pieces short enough that decay^-j does not overflow.
    out, last = np.empty(n), 0.0
    size = max(int(min(n, 200.0 * tau / step)), 1)
    for start in range(0, n, size):
        piece = noise[start : start + size]
        powers = decay ** np.arange(len(piece))
        out[start : start + size] = powers * (last * decay + np.cumsum(piece / powers))
        last = out[min(start + size, n) - 1]
    return out


def agn(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """Variable nuclei.

    Amplitude and time scale by luminosity and mass (Suberlak+ 2021), amplitude by wavelength^-0.479.
    """
    n = int((_BEFORE + _AFTER) / _STEP)
    time: Floats = np.arange(n, dtype=np.float64) * _STEP - _BEFORE
    means = np.array([one.mean for one in bands])
    lever = blueness(bands)

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        magnitude, mass = population.draw("magnitude", rng), population.draw("log_mass", rng)
        apparent = magnitude + distance_modulus(z)
        if apparent > faintest + MARGIN:
            return None
        colour = population.draw("colour", rng)
        common = -0.476 + 0.118 * (magnitude + 23.0) + 0.118 * (mass - 9.0)
        tau = 10.0 ** (2.597 + 0.035 * (magnitude + 23.0) + 0.141 * (mass - 9.0)) * (1.0 + z)
        wander = random_walk(rng, tau, n, _STEP)
        flux = np.empty((len(bands), n))
        reference = (time > -_BEFORE) & (time < -_BEFORE + rng.uniform(60.0, 400.0))
        for row, mean in enumerate(means):
            sigma = 10.0**common * (mean / (1.0 + z) / 4000.0) ** -0.479 / math.sqrt(2.0)
            own = 0.95 * wander + math.sqrt(1 - 0.95**2) * random_walk(rng, 0.3 * tau, n, _STEP)
            bright = 10.0 ** (-0.4 * (apparent + colour * lever[row] + sigma * own)) * float(sky[row].mean())
            flux[row] = bright - bright[reference].mean()
        seen = time > -300.0
        truth: dict[str, float | str] = {
            "magnitude": magnitude,
            "template": "damped random walk",
            "log_mass": mass,
            "tau": tau,
        }
        return Event(time[seen], flux[:, seen], truth)

    return make
