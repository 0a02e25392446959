"""The sources by name, and those made of spectral time series: SALT3 and templates.

A source draws one event of a class and gives its light curve in the bands with host and Milky Way dust, on
observer days; with a beginning, a tail, and the truth that goes into the table.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import UnknownNameError, UsageError
from firstlight.simulate.agn import agn
from firstlight.simulate.anomalies import kilonova, microlensing, nickel, plateau
from firstlight.simulate.cosmology import distance_modulus
from firstlight.simulate.event import MARGIN, Event, Source, band_filters, rest_means
from firstlight.simulate.library import Library, Template
from firstlight.simulate.lynx import lynx
from firstlight.simulate.passbands import reference
from firstlight.simulate.photospheres import magnetar, tde
from firstlight.simulate.populations import Population
from firstlight.simulate.shapes import (
    blend,
    reshaped_rise,
    stretched,
    with_blue_start,
    with_cooling,
    with_rise,
    with_tail,
)
from firstlight.simulate.synthesis import Band, colour_warp, curves, drift, dust_filter

Floats = NDArray[np.float64]


# Sources that need no file that is not in the package.
WITHOUT_DATA = frozenset({"magnetar_table", "tde", "agn", "nickel", "plateau", "microlensing"})


def source(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """The function that makes events of `population`; files are read here, once."""
    makers = {
        "salt3": _salt3, "templates": _templates, "magnetar_table": magnetar, "tde": tde, "agn": agn,
        "nickel": nickel, "plateau": plateau, "kilonova": kilonova, "microlensing": microlensing,
        "lightcurvelynx": lynx,
    }  # fmt: skip
    if population.source not in makers:
        raise UnknownNameError("source", population.source, sorted(makers), where=population.name)
    return makers[population.source](population, library, bands)


# ---------------------------------------------------------------- SALT3

_SALT_B, _SALT_V = 4302.57, 5428.55


def salt_colour_law(coefficients: Floats, wave: Floats) -> Floats:
    """CL(wavelength) of SALT3: flux x 10^(-0.4 c CL); a polynomial in 2,800-8,000 A, straight beyond."""
    powers = (0.0, 1.0 - float(coefficients.sum()), *coefficients.tolist())
    low, high = ((end - _SALT_B) / (_SALT_V - _SALT_B) for end in (2800.0, 8000.0))
    x = (wave - _SALT_B) / (_SALT_V - _SALT_B)
    inside = np.minimum(np.maximum(x, low), high)
    value, slope = np.zeros_like(x), np.zeros_like(x)
    for power in reversed(powers):  # Horner, of the polynomial and of its derivative
        slope = slope * inside + value
        value = value * inside + power
    return np.asarray(-(value + (x - inside) * slope))


def _salt3(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    m0, m1, law = library.salt3()
    alpha, beta = population.number_of("alpha"), population.number_of("beta")

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        x1, c = population.draw("x1", rng), population.draw("c", rng)
        magnitude = population.draw("magnitude", rng) - alpha * x1 + beta * c
        if magnitude + distance_modulus(z) > faintest + MARGIN:
            return None
        x0 = 10.0 ** (-0.4 * (magnitude + distance_modulus(z) - 10.511))  # m_B of x0 = 1, Bessell B, AB
        filters = band_filters(
            bands,
            z,
            sky,
            lambda wave: np.asarray(10.0 ** (-0.4 * c * salt_colour_law(law, wave))),
            colour_warp(rng, population.number_of("warp")),
        )
        flux = curves(m0, bands, z, filters)
        flux += x1 * curves(m1, bands, z, filters)
        flux = np.maximum(flux, 0.0) * x0
        flux *= drift(rng, m0.phase, rest_means(bands, z), population.number_of("drift"))
        phase, flux = with_tail(m0.phase, flux)
        return Event(
            phase * (1.0 + z), flux, {"x1": x1, "c": c, "magnitude": magnitude, "template": "salt3-f22"}
        )

    return make


# ---------------------------------------------------------------- spectral templates


def _rest_peak(series: Template, reference: Band) -> float:
    return float(curves(series, (reference,), 0.0, [np.ones_like(reference.wave)]).max())


def _templates(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    names = list(population.templates) + library.template_names(population.template_classes)
    if not names:
        raise UsageError("no template of this class is installed", where=population.name)
    series = [library.template(name) for name in names]
    band = reference(population.magnitude_band, bands, library)
    peaks = [_rest_peak(one, band) for one in series]
    preferred = {name.casefold(): value for name, value in population.preferred.items()}
    share = np.array([preferred.get(name.casefold(), 1.0) for name in names])
    cumulative = np.cumsum(share / share.sum())
    mix, early = population.number_of("mix"), population.early_peak
    correlation = population.number_of("reddening_stretch_correlation")

    def pick(rng: np.random.Generator) -> int:
        return int(np.searchsorted(cumulative, rng.random(), side="right").clip(0, len(names) - 1))

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        magnitude = population.draw("magnitude", rng)
        if magnitude + distance_modulus(z) > faintest + MARGIN:
            return None
        stretch = population.draw("stretch", rng)
        rise, fall = (
            population.draw("stretch_rise", rng) * stretch,
            population.draw("stretch_fall", rng) * stretch,
        )
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        tilt = population.draw("tilt", rng)
        reddening = population.draw("reddening", rng)
        if correlation:
            spread = population.number_of("reddening_spread", 0.12)
            reddening = (
                spread * (correlation * (stretch - 0.975) / 0.096) + math.sqrt(1 - correlation**2) * reddening
            )
        warp = colour_warp(rng, population.number_of("warp"))
        first = pick(rng)
        members = [(first, 1.0)]
        if len(names) > 1 and rng.random() < mix:
            second, weight = pick(rng), float(rng.beta(2.0, 2.0))
            if second != first:
                members = [(first, weight), (second, 1.0 - weight)]
        power = population.draw("rise_power", rng)
        decline = population.draw("decline", rng)
        drop = (population.draw("plateau_drop", rng), population.draw("plateau_end", rng))
        scale = 10.0 ** (-0.4 * (magnitude + distance_modulus(z)))
        parts = []
        filters: dict[bool, list[Floats]] = {}
        for index, weight in members:
            one = series[index]
            if one.dereddened not in filters:
                # Templates that still hold their host's dust get half of it.
                host = (av if one.dereddened else 0.5 * av) + 3.1 * reddening
                dust = partial(dust_filter, av=host, rv=rv)
                tilted = [lambda wave: np.asarray((wave / 5500.0) ** -tilt)] if tilt else []
                filters[one.dereddened] = band_filters(bands, z, sky, dust, *tilted, warp)
            flux = curves(one, bands, z, filters[one.dereddened]) * (scale / peaks[index])
            phase, flux = with_rise(stretched(one.phase, rise, fall), flux, population.draw("rise_gap", rng))
            flux = reshaped_rise(phase, flux, power)
            flux = flux * 10.0 ** (-0.4 * decline * np.clip(phase, 0.0, 60.0))
            phase, flux = with_tail(phase, flux, drop=drop if one.plateau and drop[0] else None)
            parts.append((weight, phase, flux))
        phase, flux = blend(parts)
        blue = population.draw("blue_start", rng)
        if blue:
            flux = with_blue_start(phase, flux, rest_means(bands, z), blue)
        if population.correction is not None:
            flux = flux * 10.0 ** (-0.4 * population.correction.at(phase, rest_means(bands, z)))
        flux = flux * drift(rng, phase, rest_means(bands, z), population.number_of("drift"))
        if early is not None and rng.random() < early.probability:
            flux = with_cooling(phase, flux, early.depth(rng), early.decay_days(rng))
        truth: dict[str, float | str] = {
            "magnitude": magnitude,
            "stretch": stretch,
            "rise": rise,
            "fall": fall,
            "rise_power": power,
            "decline": decline,
            "plateau_drop": drop[0],
            "plateau_end": drop[1],
            "host_av": av,
            "host_rv": rv,
            "tilt": tilt,
            "template": "+".join(names[index] for index, _ in members),
        }
        return Event(phase * (1.0 + z), flux, truth)

    return make
