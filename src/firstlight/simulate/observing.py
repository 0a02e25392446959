"""What a survey reports of a light curve: noise, detections, limits, and when an object has triggered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstlight.simulate.synthesis import NJY

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Observing:
    """The measured behaviour of ZTF alerts (38,465 detections and 27,377 exposures of real objects).

    Reported error: sigma_F / F = sqrt(floor^2 + host^2 10^(0.4 (m-18)) + (sky 0.2 10^(0.4 (m-L)))^2), m
    the magnitude and L the 5-sigma limit of the exposure, one value a band (g, r), with log-normal
    `error_scatter` (dex) and the host term times `host_range` an object. The true scatter is `honest`
    times that, `outlier_factor` times for a share `outliers`: the reported errors of real alerts are
    too large.

    An exposure gives a row with probability `plateau` / (1 + exp((m - L - centre) / width)), L made
    worse by |N(0, `depth_loss`)| an object, times `late` from `late_from` days after maximum.
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
class Rows:
    """The rows of one object: MJD, band index, flux, error and limit in nJy (NaN where none), detected."""

    time: Floats
    band: NDArray[np.int8]
    flux: Floats
    flux_err: Floats
    limit: Floats
    detected: NDArray[np.bool_]


def alerts(
    rng: np.random.Generator,
    time: Floats,
    band: NDArray[np.int8],
    limit: Floats,
    flux: Floats,
    since_maximum: Floats,
    rules: Observing,
) -> Rows:
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
    uniform, normal, scatter, wild = (
        rng.random((4, n)),
        rng.standard_normal(n),
        rng.standard_normal(n),
        rng.random(n),
    )

    depth = 10.0 ** (-0.4 * limit)
    true = np.maximum(flux, 1e-3 * depth)
    floor, b, c = (np.asarray(values)[band] for values in (rules.floor, rules.host, rules.sky))
    variance = floor**2 + (host * b) ** 2 * 10.0**-7.2 / true + (c * 0.2 * depth / true) ** 2
    sigma = true * np.sqrt(variance) * 10.0 ** (rules.error_scatter * scatter)
    measured = true + normal * rules.honest * sigma * np.where(
        wild < rules.outliers, rules.outlier_factor, 1.0
    )

    faint = -2.5 * np.log10(true / depth) + loss
    efficiency = rules.plateau / (1.0 + np.exp((faint - np.asarray(rules.centre)[band]) / rules.width))
    efficiency = np.where(since_maximum > rules.late_from, rules.late * efficiency, efficiency)
    seen = np.ones(n, dtype=np.bool_) if complete else uniform[0] < rules.kept
    # A second exposure of a night and band is often of an overlapping field, which this position does not
    # see.
    night = np.floor(time - 0.2).astype(np.int64)
    key = 10**6 * band.astype(np.int64) + night
    order = np.argsort(key, kind="stable")
    step = np.diff(key[order], prepend=-9)
    # The same night, or every other night of a run of nights.
    again = np.empty(n, dtype=np.bool_)
    again[order] = (step == 0) | ((step == 1) & (night[order] % 2 == 1))
    seen &= ~again | (uniform[2] < (1.0 if overlap < rules.repeats_all else rules.repeats_else))
    # Some objects have no reference image in a band, or lie on a quadrant that often fails in it.
    if lacking < rules.one_band + rules.poor_band:
        seen &= (band != poor_band) | (uniform[3] < (0.0 if lacking < rules.one_band else poor_share))
    seen &= flux < 10.0 ** (-0.4 * rules.saturation)
    row = seen & (uniform[1] < efficiency) & (measured > rules.weak_snr * sigma)
    detected = row & (measured >= rules.detection_snr * sigma)
    # A limit stands in an alert's history of 30 d: keep those with a row of the object less than that later.
    after = np.searchsorted(time[row], time) if row.any() else np.zeros(n, dtype=np.intp)
    following = np.append(time[row], np.inf)[after] if row.any() else np.full(n, np.inf)
    limits = seen & ~row & (following - time <= rules.history_days)
    keep = row | limits
    nan = np.nan
    return Rows(
        time[keep],
        band[keep],
        np.where(row, measured, nan)[keep] * NJY,
        np.where(row, sigma, nan)[keep] * NJY,
        np.where(row, nan, depth)[keep] * NJY,
        detected[keep],
    )


def trigger(time: Floats, flux: Floats) -> float:
    """First detection of the season: back from the brightest night over gaps up to 30 d, at most 120 d.

    The rule of the benchmark's tables; it looks at the whole curve, as any label of the past does.
    """
    peak = time[int(np.argmax(flux))]
    before = np.unique(time[(time <= peak + 0.5) & (time >= peak - 120.0)])
    gaps = np.flatnonzero(np.diff(before) > 30.0)
    return float(before[gaps[-1] + 1] if len(gaps) else before[0])


# Fraction with a spectroscopic class against the brightest magnitude: measured on the ZTF Bright Transient
# Survey table down to 18.9, the tail below fitted to the magnitudes of classified objects.
_BTS_MAGNITUDE = (17.0, 17.75, 18.1, 18.4, 18.6, 18.9, 19.3, 20.0)
_BTS_FRACTION = (0.995, 0.981, 0.947, 0.943, 0.706, 0.35, 0.02, 0.0)


def classified_fraction(magnitude: Floats | float) -> Floats:
    """Probability that an object of this brightest magnitude has a class in a survey like BTS."""
    return np.asarray(np.interp(magnitude, _BTS_MAGNITUDE, _BTS_FRACTION))


# A logistic curve (magnitude of one half, width) that brings volume-weighted simulated objects to the peak
# magnitudes of PLAsTiCC's training set, fitted to seven classes together (mean Kolmogorov distance 0.13).
_PLASTICC_HALF, _PLASTICC_WIDTH = 21.75, 0.45


def plasticc_fraction(magnitude: Floats | float) -> Floats:
    """Probability that an object of this brightest magnitude is in a training set like PLAsTiCC's."""
    return np.asarray(1.0 / (1.0 + np.exp((np.asarray(magnitude) - _PLASTICC_HALF) / _PLASTICC_WIDTH)))
