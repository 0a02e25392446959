"""Models of LightCurveLynx as sources: other people's libraries (SIMSED and LCLIB of SNANA and PLAsTiCC).

The population table names one as ``model``: ``"module:function"``, a function that returns the model, or a
folder in SNANA's SIMSED layout (SED.INFO). A model of spectra stands in its rest frame at 10 pc, without a
redshift, dust, or noise: those are the simulator's. A model of band fluxes (LCLIB) is taken as observed, less
its flux at its beginning, where the reference image is.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firstlight._types import Floats
from firstlight.errors import DataError, MissingExtraError, UsageError
from firstlight.simulate.cosmology import distance_modulus
from firstlight.simulate.events import MARGIN, Event, Truth, with_rise, with_tail
from firstlight.simulate.library import STEP, Library, Template
from firstlight.simulate.populations import Population
from firstlight.simulate.synthesis import (
    NJY,
    Bandpass,
    Bandpasses,
    colour_warp,
    curves,
    drift,
    dust,
    reference,
)

_EARLIEST, _LATEST, _CADENCE = -100.0, 400.0, 2.0  # days of a model that states no range of its own
_WAVES = (1_000.0, 12_000.0)  # Angstrom
_FLAM = 1e-32 * 2.99792458e18  # erg/s/cm2/A of 1 nJy at 1 A


@dataclass(frozen=True, eq=False)
class LynxModel:
    """Events of a LightCurveLynx model; with `magnitude` in the table scaled to it, else as it is.

    It is pickled as the name of its model, which need not be picklable.
    """

    population: Population
    bands: Bandpasses
    reference: Bandpass
    model: Any

    @classmethod
    def of(cls, population: Population, library: Library, bands: Bandpasses) -> LynxModel:
        """The source of a class; what is wrong with the model is said here."""
        return cls(
            population, bands, reference(population.magnitude_band, bands, library), _model(population)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.population, self.bands, self.reference)

    def __call__(self, rng: np.random.Generator, z: float, sky: Floats, faintest: float) -> Event | None:
        """One event of the class, as of `EventSource`."""
        population, bands, model = self.population, self.bands, self.model
        scaled = "magnitude" in population.laws
        magnitude = population.draw("magnitude", rng) if scaled else math.nan
        modulus = 0.0 if population.galactic else distance_modulus(z)
        if scaled and magnitude + modulus > faintest + MARGIN:
            return None
        state = model.sample_parameters(num_samples=1, rng_info=rng)
        if not hasattr(model, "evaluate_sed"):
            return _as_observed(model, state, bands, sky)
        series = _series(model, state, population.name)
        alone = Bandpasses((self.reference,))
        own = curves(series, alone, 0.0, np.ones_like(alone.wave))[0]
        if own.max() <= 0.0:
            return None
        av, rv = population.draw("host_av", rng), population.draw("host_rv", rng)
        warp = colour_warp(rng, population.number_of("warp"))
        filters = bands.filters(z, sky, dust(av, rv), warp)
        bright = magnitude if scaled else -2.5 * math.log10(own.max())
        flux = curves(series, bands, z, filters) * (10.0 ** (-0.4 * (bright + modulus)) / own.max())
        phase = (series.phase - series.phase[int(own.argmax())]) * population.draw("stretch", rng)
        flux = flux * drift(rng, phase, bands.means / (1.0 + z), population.number_of("drift"))
        phase, flux = with_tail(*with_rise(phase, flux, population.draw("rise_gap", rng)))
        truth: Truth = {
            "magnitude": bright, "host_av": av, "host_rv": rv, "template": population.model,
        }  # fmt: skip
        return Event(phase * (1.0 + z), flux, truth)


def _again(population: Population, bands: Bandpasses, magnitudes_in: Bandpass) -> LynxModel:
    return LynxModel(population, bands, magnitudes_in, _model(population))


def _series(model: Any, state: Any, where: str) -> Template:
    """The rest-frame spectra of one drawn state, F_lambda at 10 pc."""
    phase = _grid(model.minphase(graph_state=state), model.maxphase(graph_state=state))
    low, high = model.minwave(graph_state=state), model.maxwave(graph_state=state)
    first = math.ceil(max(_WAVES[0], low if low is not None else 0.0) / STEP) * STEP
    wave = np.arange(first, min(_WAVES[1], high if high is not None else math.inf) + 0.1, STEP)
    if len(phase) < 2 or len(wave) < 2:
        raise UsageError("the model covers no time or no wavelength from 1,000 to 12,000 A", where=where)
    flux = np.asarray(model.evaluate_sed(phase, wave, graph_state=state)) * (_FLAM / wave**2)
    return Template(where, phase, first, np.maximum(np.nan_to_num(flux), 0.0))


def _grid(low: float | None, high: float | None) -> Floats:
    start = max(_EARLIEST, low if low is not None else _EARLIEST)
    return np.arange(start, min(_LATEST, high if high is not None else _LATEST) + 1e-9, _CADENCE)


def _as_observed(model: Any, state: Any, bands: Bandpasses, sky: Floats) -> Event | None:
    """The light curve of a model of band fluxes: no distance, no redshift; short names of the bands."""
    time = _grid(model.minphase(graph_state=state), model.maxphase(graph_state=state))
    if len(time) < 2:
        return None
    rows = []
    for short, through in zip(bands.short, bands.parted(sky), strict=True):
        names = np.full(len(time), short)
        total = np.asarray(model.evaluate_bandfluxes(None, time, names, state), dtype=np.float64).ravel()
        rows.append((total - total[0]) * float(through.mean()) / NJY)
    flux = np.nan_to_num(np.stack(rows))
    return Event(time - time[int(np.abs(flux).max(axis=0).argmax())], flux, {"template": "band fluxes"})


def names_code(population: Population) -> bool:
    """Whether the table names a function, which is imported and called, and not a folder."""
    return (
        population.source == "lightcurvelynx"
        and ":" in population.model
        and not Path(population.model).is_dir()
    )


def _model(population: Population) -> Any:
    """The model that the table names; what is wrong with it is said before the run."""
    name, where = population.model, population.name
    if not name:
        raise UsageError("source 'lightcurvelynx' needs `model`", where=where,
                         hint='Give model = "module:function", or a folder with SED.INFO.')  # fmt: skip
    try:
        from lightcurvelynx.models.physical_model import BasePhysicalModel
        from lightcurvelynx.models.sed_template_model import SIMSEDModel
    except ImportError:
        raise MissingExtraError("lightcurvelynx", "lynx", where=where) from None
    module, colon, function = name.rpartition(":")
    if Path(name).is_dir() or not colon:
        if not (Path(name) / "SED.INFO").is_file():
            raise DataError(
                "no SED.INFO is there", where=f"{where}: {name}",
                hint="A SIMSED library is a folder that holds it.",
            )  # fmt: skip
        return SIMSEDModel.from_dir(name, distance=10.0, t0=0.0)
    try:
        model = getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"'{name}' cannot be called: {error}", where=where,
                         hint="Is its folder on PYTHONPATH?") from None  # fmt: skip
    if not isinstance(model, BasePhysicalModel):
        raise UsageError(f"'{name}' returns a {type(model).__name__}, no physical model", where=where)
    if getattr(model, "apply_redshift", False):
        raise UsageError(f"'{name}' has a redshift of its own", where=where,
                         hint="Leave it out: redshift, distance and dust are the simulator's.")  # fmt: skip
    return model
