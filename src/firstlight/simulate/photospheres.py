"""Sources that are blackbodies: superluminous supernovae from magnetar fits, and tidal disruption events."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from firstlight.simulate.compact import Photosphere
from firstlight.simulate.cosmology import distance_modulus
from firstlight.simulate.event import Event, Source, band_filters, reference_means, rest_means
from firstlight.simulate.library import Library
from firstlight.simulate.populations import Population
from firstlight.simulate.shapes import with_rise, with_tail
from firstlight.simulate.synthesis import Band, blackbody_curves, colour_warp, drift, dust_filter

Floats = NDArray[np.float64]


def cutoff(edge: float, slope: float) -> Callable[[Floats], Floats]:
    """The factor (wavelength / edge)^slope below `edge`."""
    return lambda wave: np.asarray(np.minimum(wave / edge, 1.0) ** slope)


def _peak(one: Photosphere, band: Band) -> float:
    flux = blackbody_curves(one.temperature, one.log_radius, (band,), 0.0, [np.ones_like(band.wave)])
    return float(-2.5 * np.log10(flux.max()))


def magnetar(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """Superluminous supernovae: one of those fitted, perturbed, with an ultraviolet cut-off."""
    objects = library.photospheres()
    # The fitted objects come from flux-limited surveys: bright ones are over-represented by the volume in
    # which they are seen.
    red = reference_means(bands)[1]
    peaks = np.array([_peak(one, next(band for band in bands if band.mean == red)) for one in objects])
    share = np.clip(10.0 ** (population.number_of("volume_weight") * (peaks - np.median(peaks))), 0.1, 10.0)
    cumulative = np.cumsum(share / share.sum())

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        one = objects[min(int(np.searchsorted(cumulative, rng.random())), len(objects) - 1)]
        shift = population.draw("magnitude_scatter", rng)
        stretch, hotter = population.draw("stretch", rng), population.draw("temperature_factor", rng)
        edge, slope = population.draw("cutoff", rng), population.draw("cutoff_slope", rng)
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        filters = band_filters(
            bands,
            z,
            sky,
            lambda wave: dust_filter(wave, av, rv),
            colour_warp(rng, population.number_of("warp")),
        )
        radius = one.log_radius - 2.0 * math.log10(hotter)  # same luminosity
        flux = blackbody_curves(one.temperature * hotter, radius, bands, z, filters, cutoff(edge, slope))
        flux *= 10.0 ** (-0.4 * (shift + distance_modulus(z)))
        phase = one.phase * stretch
        flux *= drift(rng, phase, rest_means(bands, z), population.number_of("drift"), 25.0)
        phase, flux = with_rise(phase, flux, 1.0)
        phase, flux = with_tail(phase, flux)
        return Event(
            phase * (1.0 + z),
            flux,
            {"magnitude": shift, "stretch": stretch, "host_av": av, "host_rv": rv, "template": one.name},
        )

    return make


SIGMA = 5.670374419e-5  # Stefan-Boltzmann constant, erg/s/cm2/K^4


def tde(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """Tidal disruption events: Gaussian rise, a decline, a temperature that creeps up.

    The decline is exponential; with `decline_power` a round maximum that goes over into a power law of time.
    """
    power = population.number_of("decline_power")
    early, late = (
        np.linspace(-3.5, 0.0, 24, endpoint=False),
        np.concatenate([np.linspace(0, 3, 30), np.linspace(3.3, 8, 12)]),
    )

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        luminosity = population.draw("log_luminosity", rng)
        rise, decline = population.draw("rise_days", rng), population.draw("decline_days", rng)
        temperature, heating = population.draw("temperature", rng), population.draw("heating", rng)
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        phase = np.concatenate([early * rise, late * decline])
        fall = (1.0 + (phase / decline) ** 2) ** (-0.5 * power) if power else np.exp(-phase / decline)
        shape = np.where(phase < 0, np.exp(-0.5 * (phase / rise) ** 2), fall)
        kelvin = np.clip(temperature + heating * np.clip(phase, -50.0, 100.0), 9_000.0, 50_000.0)
        log_radius = 0.5 * (luminosity + np.log10(shape) - np.log10(4 * np.pi * SIGMA) - 4 * np.log10(kelvin))
        filters = band_filters(
            bands,
            z,
            sky,
            lambda wave: dust_filter(wave, av, rv),
            colour_warp(rng, population.number_of("warp")),
        )
        flux = blackbody_curves(kelvin, log_radius, bands, z, filters) * 10.0 ** (-0.4 * distance_modulus(z))
        flux *= drift(rng, phase, rest_means(bands, z), population.number_of("drift"), 25.0)
        phase, flux = with_tail(phase, flux, floor=0.004)
        return Event(
            phase * (1.0 + z),
            flux,
            {"magnitude": luminosity, "stretch": rise, "host_av": av, "host_rv": rv, "template": "blackbody"},
        )

    return make
