"""Rare sources, kept out of training as anomalies: nickel, kilonovae, plateaus of mergers, lenses."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import UsageError
from firstlight.simulate.cosmology import distance_modulus
from firstlight.simulate.event import Event, Source, band_filters, blueness, rest_means
from firstlight.simulate.library import Library
from firstlight.simulate.photospheres import SIGMA, cutoff
from firstlight.simulate.populations import Population
from firstlight.simulate.shapes import with_rise, with_tail
from firstlight.simulate.synthesis import Band, blackbody_curves, colour_warp, curves, drift, dust_filter

Floats = NDArray[np.float64]
_DAY, _SUN, _C = 86_400.0, 1.989e33, 2.998e10  # s, g, cm/s


def nickel_luminosity(days: Floats, nickel: float, mass: float, velocity: float, kappa: float) -> Floats:
    """Luminosity (erg/s) of decaying nickel diffusing out of ejecta (Arnett 1982).

    Parameters
    ----------
    days : float64 [n]
        Rest-frame days from the explosion, ascending, from above zero.
    nickel, mass : float
        Solar masses of nickel and of ejecta.
    velocity : float
        km/s.
    kappa : float
        Opacity in cm^2/g; that of gamma rays is 0.027.
    """
    t = days * _DAY
    v = velocity * 1e5
    diffusion = math.sqrt(2.0 * kappa * mass * _SUN / (13.8 * _C * v))
    trapping = 3.0 * 0.027 * mass * _SUN / (4.0 * math.pi * v**2)
    decay = nickel * (6.45e43 * np.exp(-days / 8.8) + 1.45e43 * np.exp(-days / 111.3))
    x = t / diffusion
    # Integral of L_in x' exp(x'^2 - x^2) dx' from 0, piece by piece so that nothing overflows.
    kernel = np.tril(np.exp(-np.maximum(np.subtract.outer(x**2, x**2), 0.0)))
    weight = decay * x * np.gradient(x)
    return np.asarray(2.0 * (kernel @ weight - 0.5 * weight) * -np.expm1(-trapping / t**2))


def nickel(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """Explosions that shine by nickel: calcium-rich transients, pair-instability supernovae."""
    grid = np.geomspace(0.4, 600.0, 160)

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        amount, mass = population.draw("nickel_mass", rng), population.draw("ejecta_mass", rng)
        velocity, kappa = population.draw("velocity", rng), population.draw("opacity", rng)
        floor = population.draw("temperature", rng)
        edge, slope = population.draw("cutoff", rng), population.draw("cutoff_slope", rng)
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        luminosity = nickel_luminosity(grid, amount, mass, velocity, kappa)
        radius = velocity * 1e5 * grid * _DAY
        kelvin = (luminosity / (4 * math.pi * SIGMA * radius**2)) ** 0.25
        kelvin = np.clip(kelvin, floor, 60_000.0)
        log_radius = 0.5 * np.log10(luminosity / (4 * math.pi * SIGMA * kelvin**4))
        warp = colour_warp(rng, population.number_of("warp"))
        filters = band_filters(bands, z, sky, lambda wave: dust_filter(wave, av, rv), warp)
        flux = blackbody_curves(kelvin, log_radius, bands, z, filters, cutoff(edge, slope))
        flux = flux * 10.0 ** (-0.4 * distance_modulus(z))
        phase = grid - grid[int(luminosity.argmax())]
        flux = flux * drift(rng, phase, rest_means(bands, z), population.number_of("drift"), 15.0)
        phase, flux = with_rise(phase, flux, 0.4)
        truth: dict[str, float | str] = {
            "magnitude": float(luminosity.max()), "nickel_mass": amount, "ejecta_mass": mass,
            "velocity": velocity, "host_av": av, "host_rv": rv, "template": "nickel",
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)

    return make


def plateau(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """Intermediate-luminosity red transients: a rise, a plateau that falls by half, an exponential end."""

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        luminosity, rise = population.draw("log_luminosity", rng), population.draw("rise_days", rng)
        length, fade = population.draw("plateau_days", rng), population.draw("decline_days", rng)
        temperature, heating = population.draw("temperature", rng), population.draw("heating", rng)
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        before = np.linspace(-3.5 * rise, 0.0, 20, endpoint=False)
        after = length + np.linspace(0.1, 8.0, 20) * fade
        phase = np.concatenate([before, np.linspace(0.0, length, 20), after])
        shape = np.exp(-0.5 * (np.minimum(phase, 0.0) / rise) ** 2)
        shape = (
            shape
            * 0.5 ** (np.clip(phase, 0.0, length) / length)
            * np.exp(-np.maximum(phase - length, 0.0) / fade)
        )
        kelvin = np.clip(temperature + heating * phase, 2_500.0, 15_000.0)
        log_radius = 0.5 * (luminosity + np.log10(shape) - np.log10(4 * np.pi * SIGMA) - 4 * np.log10(kelvin))
        warp = colour_warp(rng, population.number_of("warp"))
        filters = band_filters(bands, z, sky, lambda wave: dust_filter(wave, av, rv), warp)
        flux = blackbody_curves(kelvin, log_radius, bands, z, filters) * 10.0 ** (-0.4 * distance_modulus(z))
        flux = flux * drift(rng, phase, rest_means(bands, z), population.number_of("drift"))
        phase, flux = with_rise(phase, flux, 1.0)
        phase, flux = with_tail(phase, flux)
        truth: dict[str, float | str] = {
            "magnitude": luminosity, "rise": rise, "plateau_end": length, "host_av": av, "host_rv": rv,
            "template": "plateau",
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)

    return make


def kilonova(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """Kilonovae: one of the Kasen+ 2017 models, or a blue and a red one, seen by a viewing angle."""
    library.path("templates/templates.csv")  # sncosmo has none
    names = list(population.templates) + library.template_names(population.template_classes)
    blue = [library.template(name) for name in names if name.endswith("1e-5")]
    red = [library.template(name) for name in names if not name.endswith("1e-5")]
    if not blue or not red:
        raise UsageError("no kilonova template is installed", where=population.name)
    two = population.number_of("mix", 0.5)

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        first, second = blue[int(rng.integers(len(blue)))], red[int(rng.integers(len(red)))]
        kind, view = rng.random(), rng.uniform(0.15, 0.85)
        weights = (
            (2 * view, 2 * (1.0 - view))
            if kind < two
            else ((1.0, 0.0) if kind < 0.5 * (1 + two) else (0.0, 1.0))
        )
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        shift = population.draw("magnitude_scatter", rng)
        warp = colour_warp(rng, population.number_of("warp"))
        filters = band_filters(bands, z, sky, lambda wave: dust_filter(wave, av, rv), warp)
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
        truth: dict[str, float | str] = {
            "magnitude": shift,
            "host_av": av,
            "host_rv": rv,
            "template": "+".join(used),
        }
        return Event(phase * (1.0 + z), flux, truth)

    return make


_BEFORE, _AFTER = 900.0, 400.0  # days; the reference image lies in the first part


def microlensing(population: Population, library: Library, bands: tuple[Band, ...]) -> Source:
    """Single lenses (Paczynski 1986): the light of a blended star, less its mean in the reference image."""
    time = np.arange(-_BEFORE, _AFTER, 1.0)
    lever = blueness(bands)

    def make(rng: np.random.Generator, z: float, sky: list[Floats], faintest: float) -> Event | None:
        nearest, crossing = population.draw("impact", rng), population.draw("crossing_days", rng)
        magnitude, blend = population.draw("source_magnitude", rng), population.draw("blending", rng)
        colour = population.draw("colour", rng)
        u2 = max(nearest, 1e-3) ** 2 + (time / crossing) ** 2
        extra = (u2 + 2.0) / np.sqrt(u2 * (u2 + 4.0)) - 1.0
        extra -= extra[time < -_BEFORE + rng.uniform(60.0, 400.0)].mean()
        star = np.array([blend * 10.0 ** (-0.4 * (magnitude + colour * one)) for one in lever])
        star *= np.array([float(one.mean()) for one in sky])
        seen = time > -300.0
        truth: dict[str, float | str] = {
            "magnitude": magnitude, "impact": nearest, "crossing_days": crossing, "blending": blend,
            "template": "single lens",
        }  # fmt: skip
        return Event(time[seen], np.multiply.outer(star, extra[seen]), truth)

    return make
