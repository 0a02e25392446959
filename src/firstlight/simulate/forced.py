"""Forced photometry: flux and error at every visit, which of them are detections, and the trigger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstlight.facts import zero_point
from firstlight.simulate.observing import Observing, Rows
from firstlight.simulate.synthesis import NJY

Floats = NDArray[np.float64]
ByBand = tuple[float, ...]  # one value for all bands, or one a band

_FLUXCAL = 10.0 ** (0.4 * (zero_point("nJy") - zero_point("FLUXCAL")))  # nJy


@dataclass(frozen=True)
class Noise:
    """Error of a flux F where the 5-sigma limit is f5, all in nJy.

    sigma^2 = sky f5^2 + depth_photons f5 F + photons F + (floor F)^2; F counts only above zero.
    """

    sky: ByBand = (0.04,)
    depth_photons: ByBand = (0.0,)
    photons: ByBand = (0.0,)
    floor: ByBand = (0.0,)

    def sigma(self, flux: Floats, depth: Floats, band: NDArray[np.int8]) -> Floats:
        """Errors in nJy of true fluxes in nJy."""
        sky, mixed, photons, floor = (
            np.asarray(values)[band if len(values) > 1 else 0]
            for values in (self.sky, self.depth_photons, self.photons, self.floor)
        )
        above = np.maximum(flux, 0.0)
        variance = sky * depth**2 + mixed * depth * above + photons * above + (floor * above) ** 2
        return np.asarray(np.sqrt(variance))


def _phot_err_model(gamma: ByBand, floor: float) -> Noise:
    """arXiv:0805.2366, equations 4 and 5: sigma^2 = (0.04 - gamma) x + gamma x^2, x = f5 / F; and a floor."""
    return Noise(sky=gamma, depth_photons=tuple(0.04 - value for value in gamma), floor=(floor,))


LSST_NOISE = _phot_err_model((0.038, 0.039, 0.039, 0.039, 0.039, 0.039), 0.005)
ANY_NOISE = _phot_err_model((0.039,), 0.005)
# Fitted to the errors of PLAsTiCC supernovae in the wide survey and the nightly stacks of the deep fields.
PLASTICC_WIDE = Noise(photons=(0.03 * _FLUXCAL,), floor=(0.006,))
PLASTICC_DEEP = Noise(floor=(0.0053,))

# Share of PLAsTiCC measurements that are `detected`, by signal to noise of either sign (measured).
PLASTICC_EFFICIENCY = (
    (2.9, 0.0), (3.25, 0.07), (3.75, 0.13), (4.25, 0.23), (4.75, 0.34), (5.25, 0.46), (5.75, 0.57),
    (6.5, 0.73), (7.5, 0.86), (8.5, 0.94), (12.0, 0.98), (15.0, 0.985),
)  # fmt: skip


@dataclass(frozen=True)
class Forced:
    """How a survey measures every visit: noise, detection, saturation.

    `efficiency` gives the share detected by S/N (of either sign); without it every S/N >= `detection_snr` is
    one. `kept`: share of the visits that give a measurement. `saturation` in magnitudes. `before`: days of
    visits before the event.
    """

    wide: Noise = ANY_NOISE
    deep: Noise | None = None
    efficiency: tuple[tuple[float, float], ...] = ()
    detection_snr: float = 5.0
    saturation: float = 13.0
    kept: float = 1.0
    before: float = 100.0
    history_days: float = 30.0


LSST = Forced(LSST_NOISE, None, PLASTICC_EFFICIENCY, saturation=15.5)
PLASTICC = Forced(PLASTICC_WIDE, PLASTICC_DEEP, PLASTICC_EFFICIENCY, saturation=15.5)


def ztf_forced(rules: Observing) -> Forced:
    """ZTF's forced photometry with the noise measured in its alerts; 13 % of the exposures miss an object."""
    noise = Noise(
        sky=tuple((0.2 * value) ** 2 for value in rules.sky),
        photons=tuple(value**2 * 10.0**-7.2 * NJY for value in rules.host),
        floor=rules.floor,
    )
    return Forced(noise, detection_snr=rules.detection_snr, saturation=rules.saturation, kept=0.87)


def forced(
    rng: np.random.Generator,
    time: Floats,
    band: NDArray[np.int8],
    limit: Floats,
    flux: Floats,
    rules: Forced,
    *,
    deep: bool = False,
) -> Rows:
    """Flux and error of one object at every visit.

    Parameters
    ----------
    limit : float64 [n]
        5-sigma AB magnitudes.
    flux : float64 [n]
        True maggies (difference flux: may be negative).
    """
    n = len(time)
    normal, chance, lost = rng.standard_normal(n), rng.random(n), rng.random(n)
    depth, true = 10.0 ** (-0.4 * limit) * NJY, flux * NJY
    sigma = (rules.deep if deep and rules.deep is not None else rules.wide).sigma(true, depth, band)
    measured = true + normal * sigma
    ratio = measured / sigma
    if rules.efficiency:
        snr, share = np.array(rules.efficiency).T
        detected = chance < np.interp(np.abs(ratio), snr, share)
    else:
        detected = ratio >= rules.detection_snr
    # Noise alone is no detection: a source that is not there cannot trigger.
    detected &= np.abs(true) > 0.1 * depth
    keep = (lost < rules.kept) & (flux < 10.0 ** (-0.4 * rules.saturation))
    nothing = np.full(int(keep.sum()), np.nan)
    return Rows(time[keep], band[keep], measured[keep], sigma[keep], nothing, detected[keep])


def as_alerts(rows: Rows, history_days: float) -> Rows:
    """What alerts tell of forced photometry: detections, and 5-sigma limits in the days before them."""
    following = np.append(rows.time[rows.detected], np.inf)[
        np.searchsorted(rows.time[rows.detected], rows.time)
    ]
    keep = rows.detected | (following - rows.time <= history_days)
    nan, seen = np.nan, rows.detected
    return Rows(
        rows.time[keep],
        rows.band[keep],
        np.where(seen, rows.flux, nan)[keep],
        np.where(seen, rows.flux_err, nan)[keep],
        np.where(seen, nan, 5.0 * rows.flux_err)[keep],
        seen[keep],
    )


def first_pair(time: Floats, count: int, separation: float) -> float | None:
    """First detection, where there are `count` of them at least `separation` days apart; else None."""
    if not len(time):
        return None
    nights = 1
    last = start = float(time[0])
    for when in time[1:]:
        if nights >= count:
            break
        if when - last >= separation:
            nights, last = nights + 1, float(when)
    return start if nights >= count else None
