"""The engine: events of a class seen by a survey, one random stream an object.

Object `k` of class number `c` draws everything from ``SeedSequence(seed, spawn_key=(c, k))``, what is known
of its host from ``spawn_key=(c, k, 1)``. Objects 0, 1, 2, ... are made until enough have triggered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import UnknownNameError, UsageError
from firstlight.facts import Survey
from firstlight.simulate.dust import law_at
from firstlight.simulate.event import Source
from firstlight.simulate.forced import Forced, as_alerts, first_pair, forced
from firstlight.simulate.library import Library
from firstlight.simulate.observing import Observing, Rows, alerts, trigger
from firstlight.simulate.populations import Population, populations
from firstlight.simulate.sources import source
from firstlight.simulate.synthesis import NJY, Band, joined
from firstlight.simulate.views import View, Visits, view
from firstlight.simulate.visits import Place, SequenceLog

Floats = NDArray[np.float64]
_BEFORE_ALERTS = 35.0  # days of visits before an event: the history of its first alert


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
    rows: Rows
    values: dict[str, float | str]


@dataclass(frozen=True, eq=False)
class Simulator:
    """One class in one survey, ready to make objects; `sky` is the Milky Way's A/A_V by wavelength."""

    population: Population
    make: Source
    view: View
    selection: Selection = field(default_factory=Selection)
    sky: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def bands(self) -> tuple[Band, ...]:
        """The passbands, in the order of the codes of the rows."""
        return self.view.bands

    @cached_property
    def rules_of_class(self) -> Observing | None:
        """The rules of ZTF alerts with what the population table changes for events of this class."""
        rules = self.view.rules
        if rules is None:
            return None
        own = {key: self.population.number_of(key, getattr(rules, key)) for key in ("depth_loss", "late")}
        noise = self.population.number_of("host_noise", 1.0)
        low, high = rules.host_range
        return replace(
            rules, host_range=(low * noise, high * noise), depth_loss=own["depth_loss"], late=own["late"]
        )

    @cached_property
    def _least(self) -> tuple[int, float]:
        ztf, chosen = self.view.seasonal, self.selection
        count = chosen.detections or (3 if ztf else self.view.survey.trigger_detections)
        faint = 20.2 if ztf else (24.5 + chosen.deeper if chosen.classified else 99.0)
        return count, chosen.faintest if chosen.faintest is not None else faint

    def simulate(self, seed: int, number: int) -> Simulated | None:
        """Object `number` of the class, None when it does not trigger."""
        stream = np.random.SeedSequence(seed, spawn_key=(self.population.number, number))
        rng = np.random.Generator(np.random.PCG64(stream))
        least, faintest = self._least
        z = self.population.draw_redshift(rng)
        place = self.view.log.place(rng)
        maximum, ebv = place.time, place.ebv
        hopeless = min(faintest, place.faintest) + 0.5
        dust = 0.0 if self.view.log.dereddened else ebv
        sky = joined(self.bands).parted(10.0 ** (-0.4 * 3.1 * dust * self.sky))
        event = self.make(rng, z, sky, hopeless)
        if event is None or event.flux.max() < 10.0 ** (-0.4 * hopeless):
            return None
        before = _BEFORE_ALERTS if self.rules_of_class is not None else self.view.measure.before
        time, which, limit = self.view.log.visits(
            place, maximum + event.time[0] - before, maximum + event.time[-1]
        )
        if len(time) < least:
            return None
        days = time - maximum
        flux = event.at(days, which)
        seen = self._observe(rng, time, which, limit, flux, days, place)
        if int(np.count_nonzero(seen.detected)) < least:
            return None
        start = self._trigger(seen)
        brightest = -2.5 * np.log10(np.abs(seen.flux[seen.detected]).max() / NJY)
        shift = self.population.number_of("classified_shift")
        share = self.view.classified
        accepted = (
            float(share(brightest - shift - self.selection.deeper))
            if self.selection.classified and share is not None
            else 1.0
        )
        if start is None or brightest > faintest or rng.random() >= accepted:
            return None
        peak = event.flux.max(axis=1)
        values: dict[str, float | str] = {
            "mwebv": ebv * max(1.0 + rng.normal(0.0, 0.10), 0.3),
            **self._redshifts(seed, number, z),
            "ra": place.ra,
            "dec": place.dec,
            "trigger_mjd": start,
            "sim_redshift": z,
            "sim_peak_mjd": maximum,
            "sim_mwebv": ebv,
            "sim_deep": float(place.deep),
            **{
                f"sim_peak_{b.name.split('-')[-1]}": -2.5 * np.log10(max(p, 1e-30))
                for b, p in zip(self.bands, peak, strict=True)
            },
            **{f"sim_{key}": value for key, value in event.truth.items()},
        }
        if share is not None:
            values["sim_classified"] = float(share(brightest - shift))
        return Simulated(number, seen, values)

    def _observe(
        self,
        rng: np.random.Generator,
        time: Floats,
        which: NDArray[np.int8],
        limit: Floats,
        flux: Floats,
        days: Floats,
        place: Place,
    ) -> Rows:
        if self.rules_of_class is not None:
            return alerts(rng, time, which, limit, flux, days, self.rules_of_class)
        rows = forced(rng, time, which, limit, flux, self.view.measure, deep=place.deep)
        return as_alerts(rows, self.view.measure.history_days) if self.view.product == "alerts" else rows

    def _trigger(self, rows: Rows) -> float | None:
        seen, survey = rows.detected, self.view.survey
        if self.view.seasonal:
            return trigger(rows.time[seen], rows.flux[seen])
        return first_pair(rows.time[seen], survey.trigger_detections, survey.trigger_separation_days)

    def _redshifts(self, seed: int, number: int, z: float) -> dict[str, float]:
        if self.population.galactic:
            return dict.fromkeys(("redshift", "photoz", "photoz_err"), math.nan)
        stream = np.random.SeedSequence(seed, spawn_key=(self.population.number, number, 1))
        return self.view.hosts.values(np.random.Generator(np.random.PCG64(stream)), z)

    def triggered(self, seed: int, first: int = 0) -> Iterator[Simulated | None]:
        """Objects `first`, `first` + 1, ... without end; None for those that do not trigger."""
        number = first
        while True:
            yield self.simulate(seed, number)
            number += 1

    def first(self, seed: int, count: int) -> list[Simulated]:
        """The first `count` objects that trigger; UsageError when none of 200,000 does."""
        kept: list[Simulated] = []
        for tried, one in enumerate(self.triggered(seed), start=1):
            if one is not None:
                kept.append(one)
                if len(kept) == count:
                    break
            if not kept and tried >= 200_000:
                hint = "Its priors are too faint or too far for this survey."
                raise UsageError(f"none of {tried:,} events triggered", where=self.population.name, hint=hint)
        return kept


def expected(population: Population, seed: int, area: float) -> int:
    """Number of events of a class in `area` square degrees x years, drawn once for a seed.

    Raises
    ------
    UsageError
        The class has no rate per volume.
    """
    if population.density <= 0.0:
        raise UsageError(
            "has no rate per volume", where=population.name, hint="Give it a number of its own instead."
        )
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(population.number,)))
    return int(rng.poisson(population.density * area))


def simulators(
    survey: str | Path | Survey,
    classes: list[str],
    *,
    data: str | Path | None = None,
    population_table: str | Path | None = None,
    product: str | None = None,
    rules: Observing | Forced | None = None,
    selection: Selection | None = None,
    visits: Visits | None = None,
) -> dict[str, Simulator]:
    """Simulators by class name; everything that can be wrong is found here, before the run."""
    library = Library(None if data is None else Path(data))
    if data is not None and not Path(data).is_dir():
        raise UsageError(
            "there is no such folder", where=str(data), hint="It is the simulator's data folder."
        )
    known = populations(population_table)
    for name in classes:
        if name not in known:
            raise UnknownNameError("class", name, known, where="simulate")
    seen = view(survey, library, product=product, rules=rules, visits=visits)
    chosen = selection or Selection()
    if chosen.classified and seen.classified is None:
        raise UsageError(
            f"which objects of {seen.survey.name} get a spectrum is not known", where="classified",
            hint="Leave it out; ZTF (Bright Transient Survey) and LSST (PLAsTiCC) have such a selection.",
        )  # fmt: skip
    table = populations(population_table, deep=seen.deep)
    sky = law_at(joined(seen.bands).wave, 3.1)
    made = {
        name: Simulator(
            table[name], source(table[name], library, seen.bands), _own_share(seen, table[name]), chosen, sky
        )
        for name in classes
    }
    clear = joined(seen.bands).parted(np.ones_like(sky))
    for one in made.values():
        # An event that nobody sees: a parameter that the source needs and the table lacks is found now.
        one.make(np.random.default_rng(0), one.population.redshift[0], clear, math.inf)
    return made


def _own_share(seen: View, population: Population) -> View:
    """The view with donors in deep fields as often as the class has them, unless a share was asked for."""
    share, log = population.number_of("donor_deep_share", -1.0), seen.log
    if share < 0.0 or not isinstance(log, SequenceLog) or not log.dereddened or log.deep_share is not None:
        return seen
    return replace(seen, log=replace(log, deep_share=share))
