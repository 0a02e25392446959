"""The sources: each draws one event of a class and gives its light curve in the bands, on rest-frame days, before dust of the Milky Way.

A source returns an `Event`: maggies at redshift z on its own phases, with a beginning and a tail, and the truth that goes into the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import UnknownNameError, UsageError
from firstlight.simulate.cosmology import distance_modulus
from firstlight.simulate.library import Library, Template
from firstlight.simulate.populations import Population
from firstlight.simulate.synthesis import (
    Band,
    blackbody_curves,
    colour_warp,
    curves,
    drift,
    dust_filter,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Event:
    """One event: `flux` maggies [band, phase] against observer days `time` from maximum, and what was drawn (`truth`)."""

    time: Floats
    flux: Floats
    truth: dict[str, float | str]


Source = Callable[[np.random.Generator, float, list[Floats]], Event]
# (random stream, redshift, Milky Way filter a band) -> event


def source(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """The function that makes events of `population`; files are read here, once."""
    makers = {"salt3": _salt3, "templates": _templates, "magnetar_table": _magnetar, "tde": _tde}
    if population.source not in makers:
        raise UnknownNameError("source", population.source, sorted(makers), where=population.name)
    return makers[population.source](population, library, bands)


# ---------------------------------------------------------------- shapes in time


def with_rise(phase: Floats, flux: Floats, gap: float) -> tuple[Floats, Floats]:
    """The curve [band, phase] begun by flux ~ t^2 from `gap` days before its first phase: a step up from nothing is learnt by a network."""
    before = phase[0] - gap * np.array([1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.12])
    part = ((before - before[0]) / gap) ** 2
    return np.concatenate([before, phase]), np.concatenate([flux[:, :1] * part, flux], axis=1)


def with_tail(
    phase: Floats,
    flux: Floats,
    until: float = 320.0,
    drop: tuple[float, float] | None = None,
    floor: float = 0.01,
) -> tuple[Floats, Floats]:
    """The curve continued to `until` by the magnitude slope of its last 15 d, at least `floor` mag/d.

    With `drop` (magnitudes, day) the plateau first ends: a logistic of 7 d, after it 0.012 mag/d.
    """
    last = float(phase[-1])
    if last >= until:
        return phase, flux
    after = np.arange(last + 2.0, until, 4.0)
    anchor = int(np.searchsorted(phase, last - 15.0))
    span = max(last - float(phase[anchor]), 1e-3)
    slope = 2.5 * np.log10(np.maximum(flux[:, anchor], 1e-300) / np.maximum(flux[:, -1], 1e-300)) / span
    if drop is None:
        fade = np.multiply.outer(np.clip(slope, floor, 0.15), after - last)
    else:
        depth, day = drop[0], max(drop[1], last + 4.0)
        plateau = np.clip(slope, 0.0, 0.04)[:, None] * (np.minimum(after, day) - last)
        fall = depth / (1.0 + np.exp((day - after) / 3.5)) - depth / (1.0 + math.exp((day - last) / 3.5))
        fade = plateau + fall + 0.012 * np.maximum(after - day, 0.0)
    return np.concatenate([phase, after]), np.concatenate([flux, flux[:, -1:] * 10.0 ** (-0.4 * fade)], axis=1)


def reshaped_rise(phase: Floats, flux: Floats, power: float) -> Floats:
    """The curve with its rise, relative to the value at maximum, raised to `power`: under 1 a quick jump and a slow approach."""
    if power == 1.0:
        return flux
    before = phase < 0.0
    top = np.maximum(flux.max(axis=1, keepdims=True), 1e-300)
    return np.where(before, top * (flux / top) ** power, flux)


def _stretched(phase: Floats, rise: float, fall: float) -> Floats:
    return np.where(phase < 0.0, phase * rise, phase * fall)


def _filters(bands: tuple[Band, ...], z: float, sky: list[Floats], *factors: Callable[[Floats], Floats]) -> list[Floats]:
    out = []
    for one, mw in zip(bands, sky, strict=True):
        rest = one.wave / (1.0 + z)
        product = mw
        for factor in factors:
            product = product * factor(rest)
        out.append(product)
    return out


def _means(bands: tuple[Band, ...], z: float) -> Floats:
    return np.array([one.mean for one in bands]) / (1.0 + z)


# ---------------------------------------------------------------- SALT3

_SALT_B, _SALT_V = 4302.57, 5428.55


def salt_colour_law(coefficients: Floats, wave: Floats) -> Floats:
    """CL(wavelength) of SALT2/SALT3 (version 1 files): polynomial in 2,800-8,000 A, straight beyond; flux x 10^(-0.4 c CL)."""
    powers = np.concatenate(([0.0, 1.0 - coefficients.sum()], coefficients))
    low, high = (np.array([2800.0, 8000.0]) - _SALT_B) / (_SALT_V - _SALT_B)
    x = (wave - _SALT_B) / (_SALT_V - _SALT_B)
    inside = np.clip(x, low, high)
    poly = np.polynomial.polynomial
    slope = poly.polyder(powers)
    return np.asarray(-(poly.polyval(inside, powers) + (x - inside) * poly.polyval(inside, slope)))


def _salt3(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    m0, m1, law = library.salt3()
    alpha, beta = population.number_of("alpha"), population.number_of("beta")

    def make(rng: np.random.Generator, z: float, sky: list[Floats]) -> Event:
        x1, c = population.draw("x1", rng), population.draw("c", rng)
        magnitude = population.draw("magnitude", rng) - alpha * x1 + beta * c
        x0 = 10.0 ** (-0.4 * (magnitude + distance_modulus(z) - 10.511))  # m_B of x0 = 1, Bessell B, AB
        filters = _filters(
            bands, z, sky,
            lambda wave: np.asarray(10.0 ** (-0.4 * c * salt_colour_law(law, wave))),
            colour_warp(rng, population.number_of("warp")),
        )
        flux = curves(m0, bands, z, filters)
        flux += x1 * curves(m1, bands, z, filters)
        flux = np.maximum(flux, 0.0) * x0
        flux *= drift(rng, m0.phase, _means(bands, z), population.number_of("drift"))
        phase, flux = with_tail(m0.phase, flux)
        return Event(phase * (1.0 + z), flux, {"x1": x1, "c": c, "magnitude": magnitude, "template": "salt3-f22"})

    return make


# ---------------------------------------------------------------- spectral templates


def _rest_peak(series: Template, reference: Band) -> float:
    return float(curves(series, (reference,), 0.0, [np.ones_like(reference.wave)]).max())


def _templates(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    names = list(population.templates) + library.template_names(population.template_classes)
    if not names:
        raise UsageError("no template of this class is installed", where=population.name)
    series = [library.template(name) for name in names]
    reference = next((one for one in bands if one.name == population.magnitude_band), bands[-1])
    peaks = [_rest_peak(one, reference) for one in series]
    share = np.array([population.preferred.get(name, 1.0) for name in names])
    cumulative = np.cumsum(share / share.sum())
    mix, early = population.number_of("mix"), population.early_peak
    correlation = population.number_of("reddening_stretch_correlation")

    def pick(rng: np.random.Generator) -> int:
        return int(np.searchsorted(cumulative, rng.random(), side="right").clip(0, len(names) - 1))

    def make(rng: np.random.Generator, z: float, sky: list[Floats]) -> Event:
        magnitude = population.draw("magnitude", rng)
        stretch = population.draw("stretch", rng)
        rise, fall = population.draw("stretch_rise", rng) * stretch, population.draw("stretch_fall", rng) * stretch
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        tilt = population.draw("tilt", rng)
        reddening = population.draw("reddening", rng)
        if correlation:
            spread = population.number_of("reddening_spread", 0.12)
            reddening = spread * (correlation * (stretch - 0.975) / 0.096) + math.sqrt(1 - correlation**2) * reddening
        warp = colour_warp(rng, population.number_of("warp"))
        first = pick(rng)
        members = [(first, 1.0)]
        if len(names) > 1 and rng.random() < mix:
            second, weight = pick(rng), float(rng.beta(2.0, 2.0))
            if second != first:
                members = [(first, weight), (second, 1.0 - weight)]
        power = population.draw("rise_power", rng)
        drop = (population.draw("plateau_drop", rng), population.draw("plateau_end", rng))
        scale = 10.0 ** (-0.4 * (magnitude + distance_modulus(z)))
        parts = []
        for index, weight in members:
            one = series[index]
            # Templates that still hold their host's dust get half of it.
            host = (av if one.dereddened else 0.5 * av) + 3.1 * reddening
            filters = _filters(
                bands, z, sky,
                lambda wave, host=host: dust_filter(wave, host, rv),  # type: ignore[misc]
                lambda wave: np.asarray((wave / 5500.0) ** -tilt),
                warp,
            )
            flux = curves(one, bands, z, filters) * (scale / peaks[index])
            phase, flux = with_rise(_stretched(one.phase, rise, fall), flux, rng.uniform(2.0, 8.0))
            flux = reshaped_rise(phase, flux, power)
            phase, flux = with_tail(phase, flux, drop=drop if one.plateau and drop[0] else None)
            parts.append((weight, phase, flux))
        phase, flux = _blend(parts)
        flux = flux * drift(rng, phase, _means(bands, z), population.number_of("drift"))
        if early is not None and rng.random() < early.probability:
            flux = _cooling(phase, flux, early.depth(rng), early.decay_days(rng))
        truth: dict[str, float | str] = {
            "magnitude": magnitude, "stretch": stretch, "host_av": av, "host_rv": rv, "tilt": tilt,
            "template": "+".join(names[index] for index, _ in members),
        }
        return Event(phase * (1.0 + z), flux, truth)

    return make


def _blend(parts: list[tuple[float, Floats, Floats]]) -> tuple[Floats, Floats]:
    """Weighted mean in magnitudes of two curves aligned at maximum (in flux before either has risen)."""
    if len(parts) == 1:
        return parts[0][1], parts[0][2]
    (wa, pa, fa), (wb, pb, fb) = parts
    phase = np.unique(np.concatenate([pa, pb]))
    a = np.stack([np.interp(phase, pa, row, left=0.0) for row in fa])
    b = np.stack([np.interp(phase, pb, row, left=0.0) for row in fb])
    floor = 1e-4 * max(float(a.max()), float(b.max()))
    return phase, np.exp(wa * np.log(a + floor) + wb * np.log(b + floor)) - floor


def _cooling(phase: Floats, flux: Floats, depth: float, decay: float) -> Floats:
    """The curve with a shock-cooling peak at its beginning, `depth` magnitudes under the maximum, bluer band brighter (order of bands)."""
    start = float(phase[np.argmax(flux[0] > 0.01 * flux[0].max())]) - 1.0
    age = np.maximum(phase - start, 0.0)
    pulse = (age / 1.0) * np.exp(1.0 - np.maximum(age, 0.0)) * (age < 1.0) + np.exp(-(age - 1.0) / decay) * (age >= 1.0)
    height = flux.max(axis=1, keepdims=True) * 10.0 ** (-0.4 * depth)
    return flux + pulse * height


# ---------------------------------------------------------------- photospheres


def _cutoff(edge: float, slope: float) -> Callable[[Floats], Floats]:
    return lambda wave: np.asarray(np.minimum(wave / edge, 1.0) ** slope)


def _magnetar(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    objects = library.photospheres()

    def make(rng: np.random.Generator, z: float, sky: list[Floats]) -> Event:
        one = objects[int(rng.integers(len(objects)))]
        shift = population.draw("magnitude_scatter", rng)
        stretch, hotter = population.draw("stretch", rng), population.draw("temperature_factor", rng)
        edge, slope = population.draw("cutoff", rng), population.draw("cutoff_slope", rng)
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        filters = _filters(
            bands, z, sky, lambda wave: dust_filter(wave, av, rv), colour_warp(rng, population.number_of("warp"))
        )
        radius = one.log_radius - 2.0 * math.log10(hotter)  # same luminosity
        flux = blackbody_curves(one.temperature * hotter, radius, bands, z, filters, _cutoff(edge, slope))
        flux *= 10.0 ** (-0.4 * (shift + distance_modulus(z)))
        phase = one.phase * stretch
        flux *= drift(rng, phase, _means(bands, z), population.number_of("drift"), 25.0)
        phase, flux = with_rise(phase, flux, 1.0)
        phase, flux = with_tail(phase, flux)
        return Event(
            phase * (1.0 + z), flux,
            {"magnitude": shift, "stretch": stretch, "host_av": av, "host_rv": rv, "template": one.name},
        )

    return make


_SOLAR = 5.670374419e-5  # Stefan-Boltzmann constant, erg/s/cm2/K^4


def _tde(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    early, late = np.linspace(-3.5, 0.0, 24, endpoint=False), np.concatenate([np.linspace(0, 3, 30), np.linspace(3.3, 8, 12)])

    def make(rng: np.random.Generator, z: float, sky: list[Floats]) -> Event:
        luminosity = population.draw("log_luminosity", rng)
        rise, decline = population.draw("rise_days", rng), population.draw("decline_days", rng)
        temperature, heating = population.draw("temperature", rng), population.draw("heating", rng)
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        phase = np.concatenate([early * rise, late * decline])
        shape = np.where(phase < 0, np.exp(-0.5 * (phase / rise) ** 2), np.exp(-phase / decline))
        kelvin = np.clip(temperature + heating * np.clip(phase, -50.0, 100.0), 9_000.0, 50_000.0)
        log_radius = 0.5 * (luminosity + np.log10(shape) - np.log10(4 * np.pi * _SOLAR) - 4 * np.log10(kelvin))
        filters = _filters(
            bands, z, sky, lambda wave: dust_filter(wave, av, rv), colour_warp(rng, population.number_of("warp"))
        )
        flux = blackbody_curves(kelvin, log_radius, bands, z, filters) * 10.0 ** (-0.4 * distance_modulus(z))
        flux *= drift(rng, phase, _means(bands, z), population.number_of("drift"), 25.0)
        phase, flux = with_tail(phase, flux, floor=0.004)
        return Event(
            phase * (1.0 + z), flux,
            {"magnitude": luminosity, "stretch": rise, "host_av": av, "host_rv": rv, "template": "blackbody"},
        )

    return make
