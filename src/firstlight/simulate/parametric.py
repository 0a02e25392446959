"""Sources that are formulas or carried fits, and need no data folder.

Photospheres (blackbodies whose temperature and radius change): superluminous supernovae, tidal disruption
events, explosions that shine by nickel, plateaus of mergers. Variables, seen as the difference to a reference
image: active nuclei and single lenses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from firstlight._types import Floats
from firstlight.simulate.cosmology import distance_modulus
from firstlight.simulate.events import MARGIN, Event, Truth, with_rise, with_tail
from firstlight.simulate.library import Library, Photosphere
from firstlight.simulate.populations import Population
from firstlight.simulate.synthesis import (
    Bandpass,
    Bandpasses,
    ByWavelength,
    blackbody_curves,
    colour_warp,
    drift,
    dust,
)

_SIGMA = 5.670374419e-5  # Stefan-Boltzmann constant, erg/s/cm2/K^4
_DAY, _SUN, _C = 86_400.0, 1.989e33, 2.998e10  # s, g, cm/s
_BEFORE, _AFTER = 900.0, 400.0  # days; the reference image lies in the first part, alerts in what follows


@dataclass(frozen=True, eq=False)
class _Parametric:
    """What these sources have in common: a class and the passbands in which it is seen."""

    population: Population
    bands: Bandpasses

    @classmethod
    def of(cls, population: Population, library: Library, bands: Bandpasses) -> Self:
        """The source of a class."""
        return cls(population, bands)

    def _seen(
        self,
        rng: np.random.Generator,
        z: float,
        sky: Floats,
        body: tuple[Floats, Floats, Floats],
        host: tuple[float, float],
        *,
        shape: ByWavelength | None = None,
        shift: float = 0.0,
        days: float = 14.0,
    ) -> Floats:
        """Maggies [band, phase] of a `body` (phase, temperature, log10 radius) behind dust (A_V, R_V).

        `shape` multiplies the spectrum, `shift` are magnitudes, `days` the correlation of its errors.
        """
        phase, kelvin, log_radius = body
        warp = colour_warp(rng, self.population.number_of("warp"))
        filters = self.bands.filters(z, sky, dust(*host), warp)
        flux = blackbody_curves(kelvin, log_radius, self.bands, z, filters, shape)
        flux = flux * 10.0 ** (-0.4 * (shift + distance_modulus(z)))
        sigma, means = self.population.number_of("drift"), self.bands.means / (1.0 + z)
        return np.asarray(flux * drift(rng, phase, means, sigma, days))


def _cutoff(edge: float, slope: float) -> ByWavelength:
    """The factor (wavelength / edge)^slope below `edge`."""
    return lambda wave: np.asarray(np.minimum(wave / edge, 1.0) ** slope)


def _log_radius(log_luminosity: Floats, kelvin: Floats) -> Floats:
    """Log10 of the radius (cm) of a blackbody."""
    return np.asarray(0.5 * (log_luminosity - np.log10(4 * np.pi * _SIGMA) - 4 * np.log10(kelvin)))


@dataclass(frozen=True, eq=False)
class Magnetars(_Parametric):
    """Superluminous supernovae: one of those fitted, perturbed, with an ultraviolet cut-off."""

    fitted: tuple[Photosphere, ...]

    @classmethod
    def of(cls, population: Population, library: Library, bands: Bandpasses) -> Self:
        """The source of a class."""
        return cls(population, bands, library.photospheres())

    @cached_property
    def _cumulative(self) -> Floats:
        """Shares of the fitted objects, summed."""
        # They come from flux-limited surveys: bright ones are over-represented by the volume in which they
        # are seen.
        red = self.bands.blue_and_red[1]
        peaks = np.array([_peak(one, red) for one in self.fitted])
        weight = self.population.number_of("volume_weight")
        share = np.clip(10.0 ** (weight * (peaks - np.median(peaks))), 0.1, 10.0)
        return np.asarray(np.cumsum(share / share.sum()))

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        draw = self.population.draw
        one = self.fitted[min(int(np.searchsorted(self._cumulative, rng.random())), len(self.fitted) - 1)]
        shift = draw("magnitude_scatter", rng)
        stretch, hotter = draw("stretch", rng), draw("temperature_factor", rng)
        edge, slope = draw("cutoff", rng), draw("cutoff_slope", rng)
        av, rv = draw("host_av", rng), draw("host_rv", rng)
        radius = one.log_radius - 2.0 * math.log10(hotter)  # same luminosity
        phase, shape = one.phase * stretch, _cutoff(edge, slope)
        body = phase, one.temperature * hotter, radius
        flux = self._seen(rng, z, sky, body, (av, rv), shape=shape, shift=shift, days=25.0)
        phase, flux = with_tail(*with_rise(phase, flux, 1.0))
        truth: Truth = {
            "magnitude": shift, "stretch": stretch, "host_av": av, "host_rv": rv, "template": one.name,
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)


def _peak(one: Photosphere, band: Bandpass) -> float:
    alone = Bandpasses((band,))
    flux = blackbody_curves(one.temperature, one.log_radius, alone, 0.0, np.ones_like(band.wave))
    return float(-2.5 * np.log10(flux.max()))


# Phases of a disruption, in units of its rise and of its decline.
_EARLY = np.linspace(-3.5, 0.0, 24, endpoint=False)
_LATE = np.concatenate([np.linspace(0, 3, 30), np.linspace(3.3, 8, 12)])


@dataclass(frozen=True, eq=False)
class Disruptions(_Parametric):
    """Tidal disruption events: Gaussian rise, a decline, a temperature that creeps up.

    The decline is exponential; with `decline_power` a round maximum that goes over into a power law of time.
    """

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        draw, power = self.population.draw, self.population.number_of("decline_power")
        luminosity = draw("log_luminosity", rng)
        rise, decline = draw("rise_days", rng), draw("decline_days", rng)
        temperature, heating = draw("temperature", rng), draw("heating", rng)
        av, rv = draw("host_av", rng), draw("host_rv", rng)
        phase = np.concatenate([_EARLY * rise, _LATE * decline])
        fall = (1.0 + (phase / decline) ** 2) ** (-0.5 * power) if power else np.exp(-phase / decline)
        shape = np.where(phase < 0, np.exp(-0.5 * (phase / rise) ** 2), fall)
        kelvin = np.clip(temperature + heating * np.clip(phase, -50.0, 100.0), 9_000.0, 50_000.0)
        body = phase, kelvin, _log_radius(luminosity + np.log10(shape), kelvin)
        flux = self._seen(rng, z, sky, body, (av, rv), days=25.0)
        phase, flux = with_tail(phase, flux, floor=0.004)
        truth: Truth = {
            "magnitude": luminosity, "stretch": rise, "host_av": av, "host_rv": rv, "template": "blackbody",
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)


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


_SINCE_EXPLOSION = np.geomspace(0.4, 600.0, 160)  # rest days


@dataclass(frozen=True, eq=False)
class NickelPowered(_Parametric):
    """Explosions that shine by nickel: calcium-rich transients, pair-instability supernovae."""

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        draw, days = self.population.draw, _SINCE_EXPLOSION
        amount, mass = draw("nickel_mass", rng), draw("ejecta_mass", rng)
        velocity, kappa = draw("velocity", rng), draw("opacity", rng)
        floor = draw("temperature", rng)
        edge, slope = draw("cutoff", rng), draw("cutoff_slope", rng)
        av, rv = draw("host_av", rng), draw("host_rv", rng)
        luminosity = nickel_luminosity(days, amount, mass, velocity, kappa)
        radius = velocity * 1e5 * days * _DAY
        kelvin = (luminosity / (4 * math.pi * _SIGMA * radius**2)) ** 0.25
        kelvin = np.clip(kelvin, floor, 60_000.0)
        log_radius = 0.5 * np.log10(luminosity / (4 * math.pi * _SIGMA * kelvin**4))
        phase = days - days[int(luminosity.argmax())]
        body, shape = (phase, kelvin, log_radius), _cutoff(edge, slope)
        flux = self._seen(rng, z, sky, body, (av, rv), shape=shape, days=15.0)
        phase, flux = with_rise(phase, flux, 0.4)
        truth: Truth = {
            "magnitude": float(luminosity.max()), "nickel_mass": amount, "ejecta_mass": mass,
            "velocity": velocity, "host_av": av, "host_rv": rv, "template": "nickel",
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)


@dataclass(frozen=True, eq=False)
class Plateaus(_Parametric):
    """Intermediate-luminosity red transients: a rise, a plateau that falls by half, an exponential end."""

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        draw = self.population.draw
        luminosity, rise = draw("log_luminosity", rng), draw("rise_days", rng)
        length, fade = draw("plateau_days", rng), draw("decline_days", rng)
        temperature, heating = draw("temperature", rng), draw("heating", rng)
        av, rv = draw("host_av", rng), draw("host_rv", rng)
        before = np.linspace(-3.5 * rise, 0.0, 20, endpoint=False)
        after = length + np.linspace(0.1, 8.0, 20) * fade
        phase = np.concatenate([before, np.linspace(0.0, length, 20), after])
        shape = np.exp(-0.5 * (np.minimum(phase, 0.0) / rise) ** 2)
        shape = shape * 0.5 ** (np.clip(phase, 0.0, length) / length)
        shape = shape * np.exp(-np.maximum(phase - length, 0.0) / fade)
        kelvin = np.clip(temperature + heating * phase, 2_500.0, 15_000.0)
        body = phase, kelvin, _log_radius(luminosity + np.log10(shape), kelvin)
        flux = self._seen(rng, z, sky, body, (av, rv))
        phase, flux = with_tail(*with_rise(phase, flux, 1.0))
        truth: Truth = {
            "magnitude": luminosity, "rise": rise, "plateau_end": length, "host_av": av, "host_rv": rv,
            "template": "plateau",
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)


def random_walk(rng: np.random.Generator, tau: float, n: int, step: float) -> Floats:
    """`n` values of a damped random walk, zero mean, unit variance, exact at any `step` (unit of `tau`)."""
    decay = math.exp(-step / tau)
    noise = rng.standard_normal(n) * math.sqrt(1.0 - decay**2)
    noise[0] = rng.standard_normal()
    # x_i = sum_j decay^(i-j) noise_j, in pieces short enough that decay^-j does not overflow.
    out, last = np.empty(n), 0.0
    size = max(int(min(n, 200.0 * tau / step)), 1)
    for start in range(0, n, size):
        piece = noise[start : start + size]
        powers = decay ** np.arange(len(piece))
        out[start : start + size] = powers * (last * decay + np.cumsum(piece / powers))
        last = out[min(start + size, n) - 1]
    return out


@dataclass(frozen=True, eq=False)
class ActiveNuclei(_Parametric):
    """Variable nuclei: a damped random walk in magnitude, seen as the difference to a reference image.

    Amplitude and time scale by luminosity and mass (Suberlak+ 2021), amplitude by wavelength^-0.479.
    """

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        draw, step = self.population.draw, 2.0  # observer days
        magnitude, mass = draw("magnitude", rng), draw("log_mass", rng)
        apparent = magnitude + distance_modulus(z)
        if apparent > faintest + MARGIN:
            return None
        n = int((_BEFORE + _AFTER) / step)
        time: Floats = np.arange(n, dtype=np.float64) * step - _BEFORE
        colour = draw("colour", rng) * self.bands.blueness
        common = -0.476 + 0.118 * (magnitude + 23.0) + 0.118 * (mass - 9.0)
        tau = 10.0 ** (2.597 + 0.035 * (magnitude + 23.0) + 0.141 * (mass - 9.0)) * (1.0 + z)
        wander = random_walk(rng, tau, n, step)
        flux = np.empty((len(self.bands), n))
        reference = (time > -_BEFORE) & (time < -_BEFORE + rng.uniform(60.0, 400.0))
        clear = self.bands.parted(sky)
        for row, mean in enumerate(self.bands.means):
            sigma = 10.0**common * (mean / (1.0 + z) / 4000.0) ** -0.479 / math.sqrt(2.0)
            own = 0.95 * wander + math.sqrt(1 - 0.95**2) * random_walk(rng, 0.3 * tau, n, step)
            bright = 10.0 ** (-0.4 * (apparent + colour[row] + sigma * own)) * float(clear[row].mean())
            flux[row] = bright - bright[reference].mean()
        seen = time > -300.0
        truth: Truth = {
            "magnitude": magnitude, "template": "damped random walk", "log_mass": mass, "tau": tau,
        }  # fmt: skip
        return Event(time[seen], flux[:, seen], truth)


@dataclass(frozen=True, eq=False)
class SingleLenses(_Parametric):
    """Single lenses (Paczynski 1986): the light of a blended star, less its mean in the reference image."""

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        draw, time = self.population.draw, np.arange(-_BEFORE, _AFTER, 1.0)
        nearest, crossing = draw("impact", rng), draw("crossing_days", rng)
        magnitude, blend = draw("source_magnitude", rng), draw("blending", rng)
        colour = draw("colour", rng) * self.bands.blueness
        u2 = max(nearest, 1e-3) ** 2 + (time / crossing) ** 2
        extra = (u2 + 2.0) / np.sqrt(u2 * (u2 + 4.0)) - 1.0
        extra -= extra[time < -_BEFORE + rng.uniform(60.0, 400.0)].mean()
        star = np.array([blend * 10.0 ** (-0.4 * (magnitude + one)) for one in colour])
        star *= np.array([float(one.mean()) for one in self.bands.parted(sky)])
        seen = time > -300.0
        truth: Truth = {
            "magnitude": magnitude, "impact": nearest, "crossing_days": crossing, "blending": blend,
            "template": "single lens",
        }  # fmt: skip
        return Event(time[seen], np.multiply.outer(star, extra[seen]), truth)
