"""Two sets of hand-made numbers that sum up a light curve: from detections, and from fluxes.

Both look at nothing but the rows they are given: of a cut light curve they know the cut one only.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from firstlight._types import Bools, Floats, Ints
from firstlight.evaluate.segments import Segments, ratio
from firstlight.facts import zero_point

if TYPE_CHECKING:
    from firstlight.lightcurves import LightCurves

FeatureSet = Literal["detections", "flux"]
Table = dict[str, Floats]

ERROR_FLOOR = 0.01  # mag; keeps a single tiny error from ruling a straight line
MERGED = 0.5  # days between points of a band that count as one night
REACH = 4.0  # days outside the data that interpolation bridges (protocol ztf-5)
AFTER_PEAK = (-10.0, -5.0, 5.0, 10.0, 20.0, 40.0, 80.0)
COLOUR_TIMES = (-10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 30.0, 50.0, 80.0)
PEAK_BINS = (-60.0, -30.0, -15.0, -5.0, 5.0, 15.0, 30.0, 50.0, 80.0, 130.0, 360.0)
TRIGGER_BINS = (-60.0, -20.0, -1.0, 1.0, 5.0, 10.0, 20.0, 35.0, 55.0, 80.0, 130.0, 300.0)


def features(
    curves: LightCurves, which: FeatureSet, passbands: Sequence[str], metadata: Sequence[str] = ()
) -> tuple[tuple[str, ...], Floats]:
    """Names and values float64 [n, F] of a feature set; NaN where a number does not exist.

    Parameters
    ----------
    curves : LightCurves
    which : {"detections", "flux"}
        "detections" (protocol ztf-5: 77 numbers for two passbands) uses detections with positive flux only;
        "flux" (protocol plasticc-8) uses every usable measured flux.
    passbands : sequence of str
        Qualified names in order of wavelength; rows of other passbands are not used. "detections" takes two.
    metadata : sequence of str
        Columns to add as they are; "redshift" or "photoz" add absolute magnitudes and rest-frame times.
    """
    table = (detection_features if which == "detections" else flux_features)(curves, passbands)
    for name in metadata:
        table[name] = np.asarray(curves.column(name), dtype=np.float64)
    redshift = next((name for name in ("redshift", "photoz") if name in metadata), None)
    if redshift is not None:
        table.update(_rest_frame(table, table[redshift], which))
    return tuple(table), np.stack(list(table.values()), axis=1)


def detection_features(curves: LightCurves, passbands: Sequence[str]) -> Table:
    """The numbers of protocol ztf-5 from the detections in two passbands, ``{name: float64 [n]}``."""
    rows, band, days = _rows(curves, passbands)
    keep = curves.detected[rows] & (curves.flux[rows] > 0)
    rows, band, days = rows[keep], band[keep], days[keep]
    flux = curves.flux[rows]
    mag = zero_point("nJy") - 2.5 * np.log10(flux)
    error = 2.5 / np.log(10) * curves.flux_err[rows] / flux
    objects = Segments(curves.owner[rows], len(curves))
    table, nights = _band_table(objects, band, days, mag, error, passbands)
    table.update(_colour_table(nights, passbands, table))
    table.update(_total_table(objects, band, days, mag, error))
    return table


def _rows(curves: LightCurves, passbands: Sequence[str]) -> tuple[Ints, Ints, Floats]:
    """Usable measured rows of these passbands, their place among them, and days since the trigger."""
    lookup = np.array(
        [passbands.index(name) if name in passbands else -1 for name in curves.passbands] + [-1]
    )
    band = lookup[curves.passband]
    usable = curves.usable & (band >= 0) & np.isfinite(curves.flux) & np.isfinite(curves.flux_err)
    rows = np.flatnonzero(usable)
    return rows, band[rows].astype(np.int64), curves.time[rows] - curves.trigger[curves.owner[rows]]


def _band_table(
    objects: Segments, band: Ints, days: Floats, mag: Floats, error: Floats, passbands: Sequence[str]
) -> tuple[Table, tuple[Segments, Floats, Floats]]:
    """22 numbers a passband, and the nightly points they come from (segment = object x passbands + band)."""
    n_bands = len(passbands)
    order = np.lexsort((days, objects.owner * n_bands + band))
    series, t, m, weight = _nights(
        (objects.owner * n_bands + band)[order], days[order], mag[order], error[order], objects.n * n_bands
    )
    brightest = series.arg_min(m)
    found = brightest >= 0
    peak_day = np.where(found, t[brightest] if t.size else np.nan, np.nan)
    peak_mag = np.where(found, m[brightest] if t.size else np.nan, np.nan)
    since = t - peak_day[series.owner]
    start, end = series.at_rank(t, 0), series.at_rank(t, -1)
    fade, fade_error = series.line(t, m, weight, (since >= 0) & (since <= 30))
    numbers: Table = {
        "nights": series.size.astype(np.float64),
        "brightest": peak_mag,
        "brightest_day": peak_day,
        "first": series.at_rank(m, 0) - peak_mag,
        "last": series.at_rank(m, -1) - peak_mag,
        "rise": series.line(t, m, weight, since <= 0)[0],
        "fade": fade,
        "fade_error": fade_error,
        "late": series.line(t, m, weight, since >= 30)[0],
        "first_week": series.line(t, m, weight, t <= start[series.owner] + 7)[0],
        "last_four": series.line(t, m, weight, series.rank >= (series.size - 4)[series.owner])[0],
        "days_above_half": _days_above(series, t, m, peak_mag, 0.5),
        "days_above_quarter": _days_above(series, t, m, peak_mag, 0.25),
        "chi2": _log_chi2(series, m, weight),
        "after_peak": end - peak_day,
    }
    for offset in AFTER_PEAK:
        at = series.interpolate(t, m, np.arange(series.n), peak_day + offset, REACH)
        numbers[f"at{offset:+g}"] = at - peak_mag
    table = {
        f"{_short(name)}_{key}": values[index::n_bands]
        for index, name in enumerate(passbands)
        for key, values in numbers.items()
    }
    return table, (series, t, m)


def _nights(
    owner: Ints, days: Floats, mag: Floats, error: Floats, n: int
) -> tuple[Segments, Floats, Floats, Floats]:
    """Points of a series less than half a day apart merged: segments, mean days, mean magnitude, weight."""
    new = np.ones(owner.size, dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (np.diff(days) > MERGED)
    night = Segments(np.cumsum(new) - 1, int(new.sum()))
    weight = 1.0 / np.maximum(error, ERROR_FLOOR) ** 2
    return (
        Segments(owner[new], n),
        night.mean(days, weight),
        night.mean(mag, weight),
        night.sum(weight),
    )


def _days_above(series: Segments, t: Floats, m: Floats, peak: Floats, share: float) -> Floats:
    """Days between the first and last point brighter than a share of the peak flux."""
    above = m <= peak[series.owner] - 2.5 * np.log10(share)
    rows = series.where(above)
    return rows.at_rank(t[above], -1) - rows.at_rank(t[above], 0)


def _log_chi2(series: Segments, values: Floats, weight: Floats) -> Floats:
    """log10 of the reduced chi-square about the weighted mean; NaN with fewer than two points."""
    residual = values - series.mean(values, weight)[series.owner]
    chi2 = ratio(series.sum(weight * residual**2), np.maximum(series.size - 1.0, 0.0))
    return np.log10(chi2 + 1e-3)


def _colour_table(nights: tuple[Segments, Floats, Floats], passbands: Sequence[str], table: Table) -> Table:
    """18 numbers on the colour: around the peak in the second passband, and over the first's nights."""
    series, t, m = nights
    blue, red = (_short(name) for name in passbands[:2])
    objects = np.arange(series.n // 2)
    zero = table[f"{red}_brightest_day"]
    result: Table = {}
    for offset in COLOUR_TIMES:
        pair = [series.interpolate(t, m, 2 * objects + index, zero + offset, REACH) for index in (0, 1)]
        result[f"colour{offset:+g}"] = pair[0] - pair[1]
    is_blue = series.owner % 2 == 0
    owner, day = series.owner[is_blue], t[is_blue]
    colour = m[is_blue] - series.interpolate(t, m, owner + 1, day, REACH)
    known = np.isfinite(colour)
    points, colour, day = Segments(owner[known] // 2, objects.size), colour[known], day[known]
    lowest, highest = points.extreme(np.minimum, colour), points.extreme(np.maximum, colour)
    everywhere = np.ones(colour.size, dtype=bool)
    return result | {
        "colour_first": points.at_rank(colour, 0),
        "colour_last": points.at_rank(colour, -1),
        "colour_mean": points.mean(colour),
        "colour_min": lowest,
        "colour_max": highest,
        "colour_range": highest - lowest,
        "colour_slope": points.line(day, colour, np.ones(colour.size), everywhere)[0],
        "peak_colour": table[f"{blue}_brightest"] - table[f"{red}_brightest"],
        "peak_lag": table[f"{blue}_brightest_day"] - zero,
    }


def _total_table(objects: Segments, band: Ints, days: Floats, mag: Floats, error: Floats) -> Table:
    """15 numbers on all detections together."""
    brightest = objects.arg_min(mag)
    found = brightest >= 0
    span = objects.at_rank(days, -1) - objects.at_rank(days, 0)
    mean = objects.mean(mag)
    new = np.ones(days.size, dtype=bool)
    new[1:] = (np.diff(objects.owner) != 0) | (np.diff(days) > MERGED)
    first_mag, first_day = objects.at_rank(mag, 0), objects.at_rank(days, 0)
    return {
        "detections": objects.size.astype(np.float64),
        "span": span,
        "blue_detections": objects.sum(band == 0),
        "first_mag": first_mag,
        "first_error": objects.at_rank(error, 0),
        "brightest": np.where(found, mag[brightest] if mag.size else np.nan, np.nan),
        "brightest_day": np.where(found, days[brightest] if mag.size else np.nan, np.nan),
        "last_mag": objects.at_rank(mag, -1),
        "mean_error": objects.mean(error),
        "scatter": np.sqrt(objects.mean((mag - mean[objects.owner]) ** 2)),
        "nights_a_day": objects.sum(new) / (np.nan_to_num(span) + 1.0),
        "second_mag": objects.at_rank(mag, 1) - first_mag,
        "second_day": objects.at_rank(days, 1) - first_day,
        "third_mag": objects.at_rank(mag, 2) - first_mag,
        "third_day": objects.at_rank(days, 2) - first_day,
    }


def flux_features(curves: LightCurves, passbands: Sequence[str]) -> Table:
    """About 200 numbers from all measured fluxes over the brightest detection, ``{name: float64 [n]}``."""
    rows, band, days = _rows(curves, passbands)
    flux, error, detected = curves.flux[rows], np.maximum(curves.flux_err[rows], 1e-3), curves.detected[rows]
    objects = Segments(curves.owner[rows], len(curves))
    brightest = objects.arg_min(np.where(detected, -flux, np.inf))
    found = (brightest >= 0) & (objects.sum(detected) > 0)
    scale = np.where(found, np.maximum(flux[brightest], error[brightest]), np.nan)
    peak_day = np.where(found, days[brightest], np.nan)
    relative, noise = flux / scale[objects.owner], error / scale[objects.owner]
    table = _flux_totals(objects, band, days, flux / error, relative, detected)
    table["peak_mag"] = zero_point("nJy") - 2.5 * np.log10(scale)
    table["peak_day"] = peak_day
    table["peak_band"] = np.where(found, band[brightest], np.nan).astype(np.float64)
    known = np.isfinite(relative)
    since_peak = days - peak_day[objects.owner]
    rows_known = (objects.owner[known], band[known], days[known], since_peak[known])
    table.update(
        _flux_bands(
            *rows_known, relative[known], noise[known], detected[known], passbands, (len(curves), peak_day)
        )
    )
    return table


def _flux_totals(
    objects: Segments, band: Ints, days: Floats, snr: Floats, relative: Floats, detected: Bools
) -> Table:
    """Counts, spans and extremes over all passbands."""
    hits = objects.where(detected)
    first, last = hits.at_rank(days[detected], 0), hits.at_rank(days[detected], -1)
    after = objects.where(detected & (days >= 0))
    above = detected & (relative > 0.5)
    bright = objects.where(above)
    return {
        "points": objects.size.astype(np.float64),
        "detections": objects.sum(detected),
        "detections_share": ratio(hits.size.astype(np.float64), objects.size.astype(np.float64)),
        "detections_after": after.size.astype(np.float64),
        "negative_detections": objects.sum(detected & (relative < 0)),
        "last_day": objects.at_rank(days, -1),
        "detected_span": last - first,
        "days_since_detection": objects.at_rank(days, -1) - last,
        "days_above_half": bright.at_rank(days[above], -1) - bright.at_rank(days[above], 0),
        "highest_snr": objects.extreme(np.maximum, snr),
        "lowest_snr": objects.extreme(np.minimum, snr),
        "mean_detected": hits.mean(relative[detected]),
        "first_detected": hits.at_rank(relative[detected], 0),
        "second_detected": hits.at_rank(relative[detected], 1),
        "second_day": hits.at_rank(days[detected], 1) - first,
        "last_detected": hits.at_rank(relative[detected], -1),
        "first_snr": hits.at_rank(snr[detected], 0),
        "first_band": hits.at_rank(band[detected].astype(np.float64), 0),
    }


def _flux_bands(
    owner: Ints,
    band: Ints,
    days: Floats,
    since_peak: Floats,
    relative: Floats,
    noise: Floats,
    detected: Bools,
    passbands: Sequence[str],
    objects: tuple[int, Floats],
) -> Table:
    """Numbers of each passband, neighbouring-band colours, and mean flux in bins of time."""
    n, peak_day = objects
    n_bands = len(passbands)
    names = [_short(name) for name in passbands]
    order = np.lexsort((days, owner * n_bands + band))
    days, since_peak, detected = days[order], since_peak[order], detected[order]
    relative, noise = relative[order], noise[order]
    series = Segments((owner * n_bands + band)[order], n * n_bands)
    weight = 1.0 / (noise**2 + 1e-4)
    highest = series.arg_min(-relative)
    found = highest >= 0
    fade, _ = series.line(days, relative, weight, (since_peak >= -1) & (since_peak <= 40))
    numbers: Table = {
        "points": series.size.astype(np.float64),
        "detections": series.sum(detected),
        "highest": np.where(found, relative[highest] if relative.size else np.nan, np.nan),
        "highest_day": np.where(found, days[highest] if days.size else np.nan, np.nan),
        "highest_snr": series.extreme(np.maximum, relative / noise),
        "lowest_snr": series.extreme(np.minimum, relative / noise),
        "mean": series.mean(relative, weight),
        "chi2": _log_chi2(series, relative, 1.0 / noise**2),
        "last": series.at_rank(relative, -1),
        "fade": fade,
    }
    numbers["highest_day"] = numbers["highest_day"] - np.repeat(peak_day, n_bands)
    for label, clock, edges in (("peak", since_peak, PEAK_BINS), ("trigger", days, TRIGGER_BINS)):
        for low, high in itertools.pairwise(edges):
            inside = (clock >= low) & (clock < high)
            numbers[f"{label}{low:+g}"] = series.where(inside).mean(relative[inside], weight[inside])
    by_band = {key: values.reshape(n, n_bands) for key, values in numbers.items()}
    table = {f"{name}_{key}": by_band[key][:, i] for i, name in enumerate(names) for key in by_band}
    for key in ("highest", "mean", "peak-5"):
        softened = np.arcsinh(by_band[key] / 0.05)  # like a magnitude, and defined for negative flux
        for i in range(n_bands - 1):
            table[f"{names[i]}-{names[i + 1]}_{key}"] = softened[:, i + 1] - softened[:, i]
    return table


def _rest_frame(table: Table, redshift: Floats, which: FeatureSet) -> Table:
    """Absolute magnitudes, rest-frame durations and decline rates of the numbers in `table`."""
    modulus, stretch = distance_modulus(redshift), 1.0 + redshift
    if which == "flux":
        return {
            "absolute_peak": table["peak_mag"] - modulus,
            **{
                f"rest_{key}": table[key] / stretch
                for key in ("peak_day", "detected_span", "days_above_half")
            },
        }
    bands = sorted({name.split("_")[0] for name in table if name.endswith("_fade")})
    return {
        **{f"{band}_absolute": table[f"{band}_brightest"] - modulus for band in bands},
        **{f"{band}_rest_days": table[f"{band}_days_above_half"] / stretch for band in bands},
        **{f"{band}_rest_fade": table[f"{band}_fade"] * stretch for band in bands},
        "rest_span": table["span"] / stretch,
        "rest_brightest_day": table["brightest_day"] / stretch,
    }


def distance_modulus(redshift: Floats) -> Floats:
    """Distance modulus, mag, in flat LCDM with H0 = 70 km/s/Mpc and 0.3 of matter (protocol ztf-5)."""
    grid = np.linspace(0.0, 5.0, 2001)
    inverse = 1.0 / np.sqrt(0.3 * (1 + grid) ** 3 + 0.7)
    steps = (inverse[1:] + inverse[:-1]) / 2 * np.diff(grid)
    comoving = np.concatenate([[0.0], np.cumsum(steps)]) * 299_792.458 / 70.0  # Mpc
    z = np.clip(redshift, 1e-4, 5.0)
    return np.asarray(5 * np.log10(np.interp(z, grid, comoving) * (1 + z)) + 25)


def _short(passband: str) -> str:
    return passband.rsplit("-", 1)[-1]
