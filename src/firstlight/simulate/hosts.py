"""What a survey knows of the distance of an event: spectroscopic and photometric redshift of its host."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Hosts:
    """Redshifts as surveys have them.

    Photometric (measured on 4,862 extragalactic objects of PLAsTiCC): a share 1 - `outliers` is
    N(`bias`, `spread`) x (1 + z), the rest is redrawn from redshifts of galaxies; the stated error is
    `stated` x (1 + z) with log-normal scatter, `stated_bad` of outliers. No host at all: `hostless` by
    redshift. A spectrum of the host: `spectroscopic` by redshift (PLAsTiCC SEARCHEFF_zHOST, wide survey),
    with `spectroscopic_error`; None: the event itself has a spectrum, so that every redshift is known.
    """

    spectroscopic: tuple[tuple[float, float], ...] | None = (
        (0.02, 1.0), (0.03, 0.9), (0.04, 0.7), (0.06, 0.4), (0.08, 0.25), (0.09, 0.15), (0.10, 0.072),
        (0.2, 0.067), (0.3, 0.058), (0.4, 0.044), (0.5, 0.024), (0.6, 0.008), (0.75, 0.0011), (0.9, 0.0),
    )  # fmt: skip
    spectroscopic_error: float = 0.001
    bias: float = 0.005
    spread: float = 0.027
    outliers: float = 0.12
    stated: float = 0.021
    stated_bad: tuple[float, float] = (0.4, 0.9)
    hostless: tuple[tuple[float, float], ...] = ((0.3, 0.0), (0.5, 0.05), (1.0, 0.3))

    def values(self, rng: np.random.Generator, z: float) -> dict[str, float]:
        """``redshift``, ``photoz`` and ``photoz_err`` of an event at `z`; NaN where the survey has none."""
        chance, pull, bad, scatter = rng.random(), rng.standard_normal(), rng.random(), rng.standard_normal()
        elsewhere, stated_bad, lost = rng.gamma(3.0, 0.2), rng.uniform(*self.stated_bad), rng.random()
        if self.spectroscopic is None:
            redshift = z
        else:
            at, share = np.array(self.spectroscopic).T
            known = chance < np.interp(z, at, share)
            redshift = z + self.spectroscopic_error * rng.standard_normal() if known else math.nan
        at, share = np.array(self.hostless).T
        if lost < np.interp(z, at, share):
            return {"redshift": redshift if self.spectroscopic is None else math.nan,
                    "photoz": math.nan, "photoz_err": math.nan}  # fmt: skip
        if bad < self.outliers:
            photoz, error = elsewhere, stated_bad * (1.0 + elsewhere)
        else:
            photoz = z + (self.bias + self.spread * pull) * (1.0 + z)
            error = self.stated * (1.0 + z) * 10.0 ** (0.2 * scatter)
        return {"redshift": redshift, "photoz": max(float(photoz), 0.001), "photoz_err": float(error)}


SPECTRA = Hosts(spectroscopic=None)
