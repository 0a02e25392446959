"""Sources made of spectral time series: SALT3, templates of supernovae, and models of kilonovae."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from firstlight._types import Floats
from firstlight.errors import UsageError
from firstlight.simulate.cosmology import distance_modulus
from firstlight.simulate.events import (
    MARGIN,
    Event,
    Truth,
    blend,
    reshaped_rise,
    stretched,
    with_blue_start,
    with_cooling,
    with_rise,
    with_tail,
)
from firstlight.simulate.library import Library, Template
from firstlight.simulate.populations import Population
from firstlight.simulate.synthesis import Bandpasses, brightest, colour_warp, curves, drift, dust, reference

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


@dataclass(frozen=True, eq=False)
class Salt3:
    """Type Ia supernovae of SALT3: its components `m0` and `m1`, and its colour law."""

    population: Population
    bands: Bandpasses
    m0: Template
    m1: Template
    law: Floats

    @classmethod
    def of(cls, population: Population, library: Library, bands: Bandpasses) -> Salt3:
        """The source of a class."""
        return cls(population, bands, *library.salt3())

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        population, m0 = self.population, self.m0
        x1, c = population.draw("x1", rng), population.draw("c", rng)
        alpha, beta = population.number_of("alpha"), population.number_of("beta")
        magnitude = population.draw("magnitude", rng) - alpha * x1 + beta * c
        if magnitude + distance_modulus(z) > faintest + MARGIN:
            return None
        x0 = 10.0 ** (-0.4 * (magnitude + distance_modulus(z) - 10.511))  # m_B of x0 = 1, Bessell B, AB

        def colour(wave: Floats) -> Floats:
            return np.asarray(10.0 ** (-0.4 * c * salt_colour_law(self.law, wave)))

        warp = colour_warp(rng, population.number_of("warp"))
        filters = self.bands.filters(z, sky, colour, warp)
        flux = curves(m0, self.bands, z, filters)
        flux += x1 * curves(self.m1, self.bands, z, filters)
        flux = np.maximum(flux, 0.0) * x0
        flux *= drift(rng, m0.phase, self.bands.means / (1.0 + z), population.number_of("drift"))
        phase, flux = with_tail(m0.phase, flux)
        truth: Truth = {"x1": x1, "c": c, "magnitude": magnitude, "template": "salt3-f22"}
        return Event(phase * (1.0 + z), flux, truth)


@dataclass(frozen=True, eq=False)
class Templates:
    """Core-collapse and peculiar supernovae: templates of the class, varied and now and then blended.

    `peaks` are the templates' maxima in the passband of the class's magnitudes; `cumulative` their shares.
    """

    population: Population
    bands: Bandpasses
    series: tuple[Template, ...]
    peaks: tuple[float, ...]
    cumulative: Floats

    @classmethod
    def of(cls, population: Population, library: Library, bands: Bandpasses) -> Templates:
        """The source of a class; UsageError where it has no template."""
        names = _named(population, library)
        if not names:
            raise UsageError("no template of this class is installed", where=population.name)
        series = tuple(library.template(name) for name in names)
        magnitudes_in = reference(population.magnitude_band, bands, library)
        peaks = tuple(brightest(one, magnitudes_in) for one in series)
        preferred = {name.casefold(): value for name, value in population.preferred.items()}
        share = np.array([preferred.get(name.casefold(), 1.0) for name in names])
        return cls(population, bands, series, peaks, np.cumsum(share / share.sum()))

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        population, rest_means = self.population, self.bands.means / (1.0 + z)
        magnitude = population.draw("magnitude", rng)
        if magnitude + distance_modulus(z) > faintest + MARGIN:
            return None
        stretch = population.draw("stretch", rng)
        rise = population.draw("stretch_rise", rng) * stretch
        fall = population.draw("stretch_fall", rng) * stretch
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        tilt = population.draw("tilt", rng)
        reddening = self._reddening(population.draw("reddening", rng), stretch)
        warp = colour_warp(rng, population.number_of("warp"))
        members = self._members(rng)
        power, decline = population.draw("rise_power", rng), population.draw("decline", rng)
        drop = (population.draw("plateau_drop", rng), population.draw("plateau_end", rng))
        scale = 10.0 ** (-0.4 * (magnitude + distance_modulus(z)))
        parts = []
        filters: dict[bool, Floats] = {}
        for index, weight in members:
            one = self.series[index]
            if one.dereddened not in filters:
                # Templates that still hold their host's dust get half of it.
                host = dust((av if one.dereddened else 0.5 * av) + 3.1 * reddening, rv)
                tilted = [lambda wave: np.asarray((wave / 5500.0) ** -tilt)] if tilt else []
                filters[one.dereddened] = self.bands.filters(z, sky, host, *tilted, warp)
            flux = curves(one, self.bands, z, filters[one.dereddened]) * (scale / self.peaks[index])
            phase, flux = with_rise(stretched(one.phase, rise, fall), flux, population.draw("rise_gap", rng))
            flux = reshaped_rise(phase, flux, power)
            flux = flux * 10.0 ** (-0.4 * decline * np.clip(phase, 0.0, 60.0))
            phase, flux = with_tail(phase, flux, drop=drop if one.plateau and drop[0] else None)
            parts.append((weight, phase, flux))
        phase, flux = blend(parts)
        blue = population.draw("blue_start", rng)
        if blue:
            flux = with_blue_start(phase, flux, rest_means, blue)
        if population.correction is not None:
            flux = flux * 10.0 ** (-0.4 * population.correction.at(phase, rest_means))
        flux = flux * drift(rng, phase, rest_means, population.number_of("drift"))
        early = population.early_peak
        if early is not None and rng.random() < early.probability:
            flux = with_cooling(phase, flux, early.depth(rng), early.decay_days(rng))
        truth: Truth = {
            "magnitude": magnitude, "stretch": stretch, "rise": rise, "fall": fall, "rise_power": power,
            "decline": decline, "plateau_drop": drop[0], "plateau_end": drop[1], "host_av": av, "host_rv": rv,
            "tilt": tilt, "template": "+".join(self.series[index].name for index, _ in members),
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)

    def _reddening(self, drawn: float, stretch: float) -> float:
        """E(B-V) of an event; `drawn` itself where it does not go with the stretch."""
        correlation = self.population.number_of("reddening_stretch_correlation")
        if not correlation:
            return drawn
        spread = self.population.number_of("reddening_spread", 0.12)
        return spread * (correlation * (stretch - 0.975) / 0.096) + math.sqrt(1 - correlation**2) * drawn

    def _members(self, rng: np.random.Generator) -> list[tuple[int, float]]:
        """One template or two, by index, and their weights."""
        first = self._pick(rng)
        if len(self.series) > 1 and rng.random() < self.population.number_of("mix"):
            second, weight = self._pick(rng), float(rng.beta(2.0, 2.0))
            if second != first:
                return [(first, weight), (second, 1.0 - weight)]
        return [(first, 1.0)]

    def _pick(self, rng: np.random.Generator) -> int:
        at = np.searchsorted(self.cumulative, rng.random(), side="right")
        return int(at.clip(0, len(self.series) - 1))


@dataclass(frozen=True, eq=False)
class Kilonovae:
    """Kilonovae: one of the Kasen+ 2017 models, or a blue and a red one, seen by a viewing angle."""

    population: Population
    bands: Bandpasses
    blue: tuple[Template, ...]
    red: tuple[Template, ...]

    @classmethod
    def of(cls, population: Population, library: Library, bands: Bandpasses) -> Kilonovae:
        """The source of a class; UsageError where a kind of model is missing."""
        library.path("templates/templates.csv")  # sncosmo has none
        series = [library.template(name) for name in _named(population, library)]
        blue = tuple(one for one in series if one.name.endswith("1e-5"))
        red = tuple(one for one in series if not one.name.endswith("1e-5"))
        if not blue or not red:
            raise UsageError("no kilonova template is installed", where=population.name)
        return cls(population, bands, blue, red)

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        population, bands = self.population, self.bands
        first = self.blue[int(rng.integers(len(self.blue)))]
        second = self.red[int(rng.integers(len(self.red)))]
        kind, view = rng.random(), rng.uniform(0.15, 0.85)
        weights = self._weights(kind, view)
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        shift = population.draw("magnitude_scatter", rng)
        warp = colour_warp(rng, population.number_of("warp"))
        filters = bands.filters(z, sky, dust(av, rv), warp)
        phase = np.unique(np.concatenate([first.phase, second.phase]))
        flux = np.zeros((len(bands), len(phase)))
        used = []
        for weight, one in zip(weights, (first, second), strict=True):
            if weight:
                used.append(one.name)
                part = curves(one, bands, z, filters) * (one.scale * weight)
                flux += np.stack([np.interp(phase, one.phase, row, right=0.0) for row in part])
        flux *= 10.0 ** (-0.4 * (shift + distance_modulus(z)))
        phase, flux = with_rise(phase, flux, float(phase[0]))
        phase, flux = with_tail(phase, flux, until=40.0, floor=0.1)
        truth: Truth = {
            "magnitude": shift, "host_av": av, "host_rv": rv, "template": "+".join(used),
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)

    def _weights(self, kind: float, view: float) -> tuple[float, float]:
        """How much of the blue and of the red model is seen: both with probability `mix`, else either."""
        both = self.population.number_of("mix", 0.5)
        if kind < both:
            return 2 * view, 2 * (1.0 - view)
        return (1.0, 0.0) if kind < 0.5 * (1 + both) else (0.0, 1.0)


def _named(population: Population, library: Library) -> list[str]:
    return [*population.templates, *library.template_names(population.template_classes)]
