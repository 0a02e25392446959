"""Events of a class seen by a survey, one random stream an object.

Object `k` of class number `c` draws everything from ``SeedSequence(seed, spawn_key=(c, k))``, what is known
of its host from ``spawn_key=(c, k, 1)``. Objects 0, 1, 2, ... are made until enough have triggered.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from firstlight._types import Floats
from firstlight.errors import Arg, UnknownNameError, UsageError, whole_number
from firstlight.facts import Survey
from firstlight.simulate.events import Event, EventSource, Truth
from firstlight.simulate.library import Library
from firstlight.simulate.lynx import LynxModel, names_code
from firstlight.simulate.observing import (
    Forced,
    Measurements,
    Observing,
    alerts,
    as_alerts,
    first_pair,
    forced,
    trigger,
)
from firstlight.simulate.parametric import (
    ActiveNuclei,
    Disruptions,
    Magnetars,
    NickelPowered,
    Plateaus,
    SingleLenses,
)
from firstlight.simulate.populations import Population
from firstlight.simulate.populations import population_table as read_table
from firstlight.simulate.sky import Exposures, Place
from firstlight.simulate.synthesis import NJY, Bandpasses, law_at
from firstlight.simulate.templates import Kilonovae, Salt3, Templates
from firstlight.simulate.views import View, Visits, view

_BEFORE_ALERTS = 35.0  # days of visits before an event: the history of its first alert
_SOURCES: dict[str, Callable[[Population, Library, Bandpasses], EventSource]] = {
    "salt3": Salt3.of, "templates": Templates.of, "magnetar_table": Magnetars.of, "tde": Disruptions.of,
    "agn": ActiveNuclei.of, "nickel": NickelPowered.of, "plateau": Plateaus.of, "kilonova": Kilonovae.of,
    "microlensing": SingleLenses.of, "lightcurvelynx": LynxModel.of,
}  # fmt: skip


def source(population: Population, library: Library, bands: Bandpasses) -> EventSource:
    """What makes events of `population`; files are read here, once."""
    if population.source not in _SOURCES:
        raise UnknownNameError("source", population.source, sorted(_SOURCES), where=population.name)
    return _SOURCES[population.source](population, library, bands)


@dataclass(frozen=True)
class Selection:
    """Which simulated objects are kept: `detections` at least, and brighter than `faintest`.

    Where they are None the survey says: 3 and 20.2 mag for ZTF; else the detections of a trigger, and any
    magnitude. With `classified` only as many as a spectroscopic survey classifies (ZTF: BTS; LSST: the
    training set of PLAsTiCC), or one `deeper` by so many magnitudes.
    """

    detections: int | None = None
    faintest: float | None = None
    classified: bool = False
    deeper: float = 0.0


@dataclass(frozen=True, eq=False)
class Simulated:
    """One object that triggered: its rows and its truth."""

    number: int
    rows: Measurements
    values: Truth


@dataclass(frozen=True, eq=False)
class Simulator:
    """One class in one survey, ready to make objects."""

    population: Population
    make: EventSource
    view: View
    selection: Selection = field(default_factory=Selection)

    @cached_property
    def _milky_way(self) -> Floats:
        """A/A_V of the Milky Way by wavelength."""
        return law_at(self.view.bands.wave, 3.1)

    @cached_property
    def _rules(self) -> Observing | None:
        """The rules of ZTF alerts with what the population table changes for events of this class."""
        rules, number = self.view.rules, self.population.number_of
        if rules is None:
            return None
        noise, (low, high) = number("host_noise", 1.0), rules.host_range
        return replace(
            rules, host_range=(low * noise, high * noise),
            depth_loss=number("depth_loss", rules.depth_loss), late=number("late", rules.late),
        )  # fmt: skip

    @cached_property
    def _least(self) -> tuple[int, float]:
        """How many detections an object needs, and how faint its brightest may be."""
        ztf, chosen = self.view.seasonal, self.selection
        count = chosen.detections or (3 if ztf else self.view.survey.trigger_detections)
        faint = 20.2 if ztf else (24.5 + chosen.deeper if chosen.classified else 99.0)
        return count, chosen.faintest if chosen.faintest is not None else faint

    def simulate(self, seed: int, number: int) -> Simulated | None:
        """Object `number` of the class, None when it does not trigger."""
        rng = self._stream(seed, number)
        least, faintest = self._least
        z = self.population.draw_redshift(rng)
        place = self.view.log.place(rng)
        hopeless = min(faintest, place.faintest) + 0.5
        dust = 0.0 if self.view.log.dereddened else place.ebv
        event = self.make(rng, z, 10.0 ** (-0.4 * 3.1 * dust * self._milky_way), hopeless)
        if event is None or event.flux.max() < 10.0 ** (-0.4 * hopeless):
            return None
        before = _BEFORE_ALERTS if self._rules is not None else self.view.measure.before
        start, end = place.time + event.time[0] - before, place.time + event.time[-1]
        visits = self.view.log.visits(place, start, end)
        if len(visits[0]) < least:
            return None
        days = visits[0] - place.time
        seen = self._observe(rng, visits, event.at(days, visits[1]), days, place)
        if int(np.count_nonzero(seen.detected)) < least:
            return None
        triggered = self._trigger(seen)
        brightest = -2.5 * np.log10(np.abs(seen.flux[seen.detected]).max() / NJY)
        chosen, share = self.selection, self.view.classified
        shift = self.population.number_of("classified_shift")
        known = 1.0 if share is None else float(share(brightest - shift - chosen.deeper))
        accepted = known if chosen.classified else 1.0
        if triggered is None or brightest > faintest or rng.random() >= accepted:
            return None
        truth = self._truth(z, place, event)
        if share is not None:
            truth["sim_classified"] = float(share(brightest - shift))
        told: Truth = {
            "mwebv": place.ebv * max(1.0 + rng.normal(0.0, 0.10), 0.3), "ra": place.ra, "dec": place.dec,
            "trigger_mjd": triggered, **self._redshifts(seed, number, z),
        }  # fmt: skip
        return Simulated(number, seen, {**told, **truth})

    def _truth(self, z: float, place: Place, event: Event) -> Truth:
        """What nobody knows of a real object: ``sim_...``."""
        peaks = zip(self.view.bands.short, event.flux.max(axis=1), strict=True)
        return {
            "sim_redshift": z,
            "sim_peak_mjd": place.time,
            "sim_mwebv": place.ebv,
            "sim_deep": float(place.deep),
            **{f"sim_peak_{band}": -2.5 * np.log10(max(peak, 1e-30)) for band, peak in peaks},
            **{f"sim_{key}": value for key, value in event.truth.items()},
        }

    def _stream(self, seed: int, *key: int) -> np.random.Generator:
        stream = np.random.SeedSequence(whole_number("seed", seed), spawn_key=(self.population.number, *key))
        return np.random.Generator(np.random.PCG64(stream))

    def _observe(
        self, rng: np.random.Generator, visits: Exposures, flux: Floats, days: Floats, place: Place
    ) -> Measurements:
        if self._rules is not None:
            return alerts(rng, *visits, flux, days, self._rules)
        rows = forced(rng, *visits, flux, self.view.measure, deep=place.deep)
        return as_alerts(rows, self.view.measure.history_days) if self.view.product == "alerts" else rows

    def _trigger(self, rows: Measurements) -> float | None:
        seen, survey = rows.detected, self.view.survey
        if self.view.seasonal:
            return trigger(rows.time[seen], rows.flux[seen])
        return first_pair(rows.time[seen], survey.trigger_detections, survey.trigger_separation_days)

    def _redshifts(self, seed: int, number: int, z: float) -> dict[str, float]:
        if self.population.galactic:
            return dict.fromkeys(("redshift", "photoz", "photoz_err"), math.nan)
        return self.view.hosts.values(self._stream(seed, number, 1), z)

    def some(self, seed: int, first: int, size: int, most: int | None = None) -> list[Simulated]:
        """Those that trigger among `size` events from number `first` on; no more events once `most` have."""
        kept: list[Simulated] = []
        for number in range(first, first + size):
            if most is not None and len(kept) >= most:
                break
            one = self.simulate(seed, number)
            if one is not None:
                kept.append(one)
        return kept

    def first(self, seed: int, count: int) -> list[Simulated]:
        """The first `count` objects that trigger; UsageError when none of 200,000 does."""
        kept: list[Simulated] = []
        tried, step = 0, 200_000
        while len(kept) < count:
            kept += self.some(seed, tried, step, count - len(kept))
            tried += step
            if not kept:
                raise self.nothing(tried)
        return kept

    def nothing(self, tried: int) -> UsageError:
        """The error that none of so many events triggered."""
        hint = "Its priors are too faint or too far for this survey."
        return UsageError(f"none of {tried:,} events triggered", where=self.population.name, hint=hint)

    def expected(self, seed: int, area: float) -> int:
        """Number of events of the class in `area` square degrees x years, drawn once for a seed.

        Raises
        ------
        UsageError
            The class has no rate per volume.
        """
        if self.population.density <= 0.0:
            hint = "Give it a number of its own instead."
            raise UsageError("has no rate per volume", where=self.population.name, hint=hint)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(self.population.number,)))
        return int(rng.poisson(self.population.density * area))


def simulators(
    survey: str | Path | Survey,
    classes: list[str],
    *,
    data: str | Path | None = None,
    population_table: str | Path | None = None,
    product: str | None = None,
    rules: Observing | Forced | None = None,
    selection: Selection | None = None,
    visits: Visits | str | Path | None = None,
    allow_code: bool = False,
) -> dict[str, Simulator]:
    """Simulators by class name; everything that can be wrong is found here, before the run.

    A function that a population table names is called with `allow_code` only.
    """
    library = Library(None if data is None else Path(data))
    if data is not None and not Path(data).is_dir():
        hint = "It is the simulator's data folder."
        raise UsageError("there is no such folder", where=str(data), hint=hint)
    table = read_table(population_table)
    table.populations(classes)
    seen = view(survey, library, product=product, rules=rules, visits=visits)
    chosen = selection or Selection()
    if chosen.classified and seen.classified is None:
        raise UsageError(
            f"which objects of {seen.survey.name} get a spectrum is not known", where=Arg("classified"),
            hint="Leave it out; ZTF (Bright Transient Survey) and LSST (PLAsTiCC) have such a selection.",
        )  # fmt: skip
    populations = table.populations(classes, deep=seen.deep)
    for one in populations.values():
        if names_code(one) and not allow_code:
            raise UsageError(
                f"would run the function '{one.model}'", where=f"{table.where} [{one.name}]",
                hint=("Say ", Arg("allow_code", True), " if you trust this table and that code."),
            )  # fmt: skip
    made = {
        name: Simulator(one, source(one, library, seen.bands), seen.for_class(one), chosen)
        for name, one in populations.items()
    }
    for simulator in made.values():
        # An event that nobody sees: a parameter that the source needs and the table lacks is found now.
        clear = np.ones_like(seen.bands.wave)
        simulator.make(np.random.default_rng(0), simulator.population.redshift[0], clear, math.inf)
    return made
