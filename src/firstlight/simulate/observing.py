"""What a survey reports of a light curve: noise, detections, limits, and when an object has triggered.

`alerts` are those of ZTF as measured; `forced` photometry gives flux and error at every visit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from firstlight._types import Bools, Floats
from firstlight.facts import zero_point
from firstlight.simulate.synthesis import NJY, BandCodes


@dataclass(frozen=True)
class Observing:
    """The measured behaviour of ZTF alerts (38,465 detections and 27,377 exposures of real objects).

    Reported error: sigma_F / F = sqrt(floor^2 + host^2 10^(0.4 (m-18)) + (sky 0.2 10^(0.4 (m-L)))^2), m
    the magnitude and L the 5-sigma limit of the exposure, one value a band (g, r), with log-normal
    `error_scatter` (dex) and the host term times `host_range` an object. The true scatter is `honest`
    times that, `outlier_factor` times for a share `outliers`: the reported errors of real alerts are
    too large.

    An exposure gives a row with probability `plateau` / (1 + exp((m - L - centre) / width)), L made
    worse by abs(N(0, `depth_loss`)) an object, times `late` from `late_from` days after maximum.
    `complete_share` of the objects see every exposure, others a share `kept`; `repeats_all` of the
    objects see all exposures of a night and band and of successive nights, others a share
    `repeats_else` of them; `one_band` of the objects lack a band, `poor_band` see it seldom.
    """

    floor: tuple[float, ...] = (0.0218, 0.0229)
    host: tuple[float, ...] = (0.0473, 0.0448)
    sky: tuple[float, ...] = (0.886, 0.838)
    error_scatter: float = 0.07
    host_range: tuple[float, float] = (0.75, 1.42)
    honest: float = 0.6
    outliers: float = 0.015
    outlier_factor: float = 4.0
    plateau: float = 0.945
    centre: tuple[float, ...] = (0.45, 0.37)
    width: float = 0.30
    depth_loss: float = 0.30
    late: float = 0.8
    late_from: float = 20.0
    complete_share: float = 0.60
    kept: float = 0.85
    repeats_all: float = 0.45
    repeats_else: float = 0.10
    one_band: float = 0.035
    poor_band: float = 0.05
    saturation: float = 13.0
    weak_snr: float = 3.0
    detection_snr: float = 5.0
    history_days: float = 30.0


@dataclass(frozen=True, eq=False)
class Measurements:
    """The rows of one object: MJD, band index, flux, error and limit in nJy (NaN where none), detected."""

    time: Floats
    band: BandCodes
    flux: Floats
    flux_err: Floats
    limit: Floats
    detected: Bools

    def told(self, row: Bools, keep: Bools) -> Measurements:
        """Those to `keep`, of which a `row` tells its flux and any other one its limit."""
        flux, flux_err = (np.where(row, values, np.nan)[keep] for values in (self.flux, self.flux_err))
        limit = np.where(row, np.nan, self.limit)[keep]
        return Measurements(self.time[keep], self.band[keep], flux, flux_err, limit, self.detected[keep])


def alerts(
    rng: np.random.Generator,
    time: Floats,
    band: BandCodes,
    limit: Floats,
    flux: Floats,
    since_maximum: Floats,
    rules: Observing,
) -> Measurements:
    """The alert product of one object: detections, weak points, and limits in the 30 d before them.

    Parameters
    ----------
    flux : float64 [n]
        True maggies at the exposures.
    since_maximum : float64 [n]
        Observer days from maximum.
    """
    n = len(time)
    # What the object draws as a whole: depth lost to its host, its noise, whether it lies in a gap for part
    # of the exposures.
    loss = abs(rng.normal(0.0, rules.depth_loss))
    host = np.exp(rng.uniform(*np.log(rules.host_range)))
    complete = rng.random() < rules.complete_share
    overlap, lacking = rng.random(2)
    poor_band, poor_share = int(rng.random() > 0.6), rng.uniform(0.0, 0.6)
    uniform, normal = rng.random((4, n)), rng.standard_normal(n)
    scatter, wild = rng.standard_normal(n), rng.random(n)

    # What every exposure would measure.
    depth = 10.0 ** (-0.4 * limit)
    true = np.maximum(flux, 1e-3 * depth)
    floor, b, c = (np.asarray(values)[band] for values in (rules.floor, rules.host, rules.sky))
    variance = floor**2 + (host * b) ** 2 * 10.0**-7.2 / true + (c * 0.2 * depth / true) ** 2
    sigma = true * np.sqrt(variance) * 10.0 ** (rules.error_scatter * scatter)
    measured = true + normal * rules.honest * sigma * np.where(
        wild < rules.outliers, rules.outlier_factor, 1.0
    )

    # Which exposures give a row: seen at all, bright enough for their depth, and significant.
    faint = -2.5 * np.log10(true / depth) + loss
    efficiency = rules.plateau / (1.0 + np.exp((faint - np.asarray(rules.centre)[band]) / rules.width))
    efficiency = np.where(since_maximum > rules.late_from, rules.late * efficiency, efficiency)
    seen = np.ones(n, dtype=np.bool_) if complete else uniform[0] < rules.kept
    # A second exposure is often of an overlapping field, which this position does not see.
    share = 1.0 if overlap < rules.repeats_all else rules.repeats_else
    seen &= ~_again(time, band) | (uniform[2] < share)
    # Some objects have no reference image in a band, or lie on a quadrant that often fails in it.
    if lacking < rules.one_band + rules.poor_band:
        seen &= (band != poor_band) | (uniform[3] < (0.0 if lacking < rules.one_band else poor_share))
    seen &= flux < 10.0 ** (-0.4 * rules.saturation)
    row = seen & (uniform[1] < efficiency) & (measured > rules.weak_snr * sigma)
    detected = row & (measured >= rules.detection_snr * sigma)
    keep = row | (seen & _in_history(time, row, rules.history_days))
    every = Measurements(time, band, measured * NJY, sigma * NJY, depth * NJY, detected)
    return every.told(row, keep)


def _again(time: Floats, band: BandCodes) -> Bools:
    """Exposures of a night and band that has one, and of every other night of a run of nights."""
    night = np.floor(time - 0.2).astype(np.int64)
    key = 10**6 * band.astype(np.int64) + night
    order = np.argsort(key, kind="stable")
    step = np.diff(key[order], prepend=-9)
    again = np.empty(len(time), dtype=np.bool_)
    again[order] = (step == 0) | ((step == 1) & (night[order] % 2 == 1))
    return again


def _in_history(time: Floats, row: Bools, days: float) -> Bools:
    """Exposures that stand in the history of an alert: with a row of the object less than `days` later."""
    following = np.append(time[row], np.inf)[np.searchsorted(time[row], time)]
    return np.asarray(following - time <= days)


def trigger(time: Floats, flux: Floats) -> float:
    """First detection of the season: back from the brightest night over gaps up to 30 d, at most 120 d.

    The rule of the benchmark's tables; it looks at the whole curve, as any label of the past does.
    """
    peak = time[int(np.argmax(flux))]
    before = np.unique(time[(time <= peak + 0.5) & (time >= peak - 120.0)])
    gaps = np.flatnonzero(np.diff(before) > 30.0)
    return float(before[gaps[-1] + 1] if len(gaps) else before[0])


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

    def sigma(self, flux: Floats, depth: Floats, band: BandCodes) -> Floats:
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
    band: BandCodes,
    limit: Floats,
    flux: Floats,
    rules: Forced,
    *,
    deep: bool = False,
) -> Measurements:
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
    return Measurements(time[keep], band[keep], measured[keep], sigma[keep], nothing, detected[keep])


def as_alerts(rows: Measurements, history_days: float) -> Measurements:
    """What alerts tell of forced photometry: detections, and 5-sigma limits in the days before them."""
    seen = rows.detected
    keep = seen | _in_history(rows.time, seen, history_days)
    return replace(rows, limit=5.0 * rows.flux_err).told(seen, keep)


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
