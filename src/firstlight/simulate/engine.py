"""The engine: events of a class seen by a survey, one random stream an object.

Object `k` of class number `c` draws everything from ``SeedSequence(seed, spawn_key=(c, k))``. Objects 0, 1,
2, ... are made until enough have triggered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.errors import UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.simulate.dust import law_at
from firstlight.simulate.event import Source
from firstlight.simulate.library import Library
from firstlight.simulate.observing import Alerts, Observing, alerts, classified_fraction, trigger
from firstlight.simulate.populations import Population, populations
from firstlight.simulate.sources import source
from firstlight.simulate.synthesis import NJY, Band, band
from firstlight.simulate.visits import VisitLog, ztf_log

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Selection:
    """Which simulated objects are kept: `detections` of S/N >= 5 at least, and brighter than `faintest`.

    With `classified` only as many as a spectroscopic survey like BTS classifies, or one `deeper` by so many
    magnitudes.
    """

    detections: int = 3
    faintest: float = 20.2
    classified: bool = False
    deeper: float = 0.0


@dataclass(frozen=True, eq=False)
class Simulated:
    """One object that triggered: its rows and its truth."""

    number: int
    rows: Alerts
    values: dict[str, float | str]


@dataclass(frozen=True, eq=False)
class Simulator:
    """One class in one survey, ready to make objects."""

    population: Population
    make: Source
    bands: tuple[Band, ...]
    log: VisitLog
    rules: Observing = field(default_factory=Observing)
    selection: Selection = field(default_factory=Selection)
    sky: tuple[Floats, ...] = ()

    @cached_property
    def rules_of_class(self) -> Observing:
        """The observing rules with what the population table changes for events of this class."""
        own = {
            key: self.population.number_of(key, getattr(self.rules, key)) for key in ("depth_loss", "late")
        }
        noise = self.population.number_of("host_noise", 1.0)
        low, high = self.rules.host_range
        return replace(
            self.rules, host_range=(low * noise, high * noise), depth_loss=own["depth_loss"], late=own["late"]
        )

    def simulate(self, seed: int, number: int) -> Simulated | None:
        """Object `number` of the class, None when it does not trigger."""
        stream = np.random.SeedSequence(seed, spawn_key=(self.population.number, number))
        rng = np.random.Generator(np.random.PCG64(stream))
        z = self.population.draw_redshift(rng)
        index, maximum, ra, dec, ebv = self.log.place(rng)
        hopeless = self.selection.faintest + 0.5
        event = self.make(rng, z, [10.0 ** (-0.4 * 3.1 * ebv * law) for law in self.sky], hopeless)
        if event is None or event.flux.max() < 10.0 ** (-0.4 * hopeless):
            return None
        rows = self.log.visits(index, maximum + event.time[0] - 35.0, maximum + event.time[-1])
        time, which = self.log.time[rows], self.log.band[rows]
        if len(time) < self.selection.detections:
            return None
        days = time - maximum
        flux = np.empty(len(time))
        for code in range(len(self.bands)):
            mine = which == code
            flux[mine] = np.interp(days[mine], event.time, event.flux[code], left=0.0, right=0.0)
        seen = alerts(rng, time, which, self.log.limit[rows], flux, days, self.rules_of_class)
        count = int(np.count_nonzero(seen.detected))
        if count < self.selection.detections:
            return None
        brightest = -2.5 * np.log10(seen.flux[seen.detected].max() / NJY)
        shift = self.population.number_of("classified_shift")
        chance = float(classified_fraction(brightest - shift))
        accepted = (
            float(classified_fraction(brightest - shift - self.selection.deeper))
            if self.selection.classified
            else 1.0
        )
        if brightest > self.selection.faintest or rng.random() >= accepted:
            return None
        peak = event.flux.max(axis=1)
        values: dict[str, float | str] = {
            "redshift": z,
            "mwebv": ebv * max(1.0 + rng.normal(0.0, 0.10), 0.3),
            "ra": ra,
            "dec": dec,
            "trigger_mjd": trigger(seen.time[seen.detected], seen.flux[seen.detected]),
            "sim_peak_mjd": maximum,
            "sim_mwebv": ebv,
            "sim_classified": chance,
            **{
                f"sim_peak_{b.name.split('-')[-1]}": -2.5 * np.log10(max(p, 1e-30))
                for b, p in zip(self.bands, peak, strict=True)
            },
            **{f"sim_{key}": value for key, value in event.truth.items()},
        }
        return Simulated(number, seen, values)

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


def ztf_bands(library: Library) -> tuple[Band, ...]:
    """The ZTF passbands g and r of a data folder."""
    return tuple(band(f"ZTF-{short}", *library.passband(f"ztf_{short}")) for short in "gr")


def simulators(
    survey: str,
    classes: list[str],
    *,
    data: str | Path,
    population_table: str | Path | None = None,
    rules: Observing | None = None,
    selection: Selection | None = None,
) -> dict[str, Simulator]:
    """Simulators by class name; everything that can be wrong is found here, before the run."""
    if survey.casefold() != "ztf":
        raise UnknownNameError("survey", survey, ["ZTF"], where="simulate")
    table = populations(population_table)
    for name in classes:
        if name not in table:
            raise UnknownNameError("class", name, table, where="simulate")
    library = Library(Path(data))
    log, bands = ztf_log(library), ztf_bands(library)
    sky = tuple(law_at(one.wave, 3.1) for one in bands)
    return {
        name: Simulator(
            table[name],
            source(table[name], library, bands),
            bands,
            log,
            rules or Observing(),
            selection or Selection(),
            sky,
        )
        for name in classes
    }


_TEXT = {"sim_template"}


def to_tables(
    name: str, seed: int, objects: list[Simulated], bands: tuple[Band, ...]
) -> tuple[pa.Table, pa.Table]:
    """Objects table and photometry table of simulated objects of one class."""
    short = "".join(letter for letter in name if letter.isalnum())
    ids = [f"sim{seed}-{short}-{one.number}" for one in objects]
    keys = sorted({key for one in objects for key in one.values})
    columns: dict[str, pa.Array] = {
        "object_id": pa.array(ids, pa.string()),
        "survey": pa.array(["ZTF"] * len(ids), pa.string()),
        "label": pa.array([name] * len(ids), pa.string()),
        "n_det": pa.array([int(one.rows.detected.sum()) for one in objects], pa.int32()),
    }
    for key in keys:
        values = [one.values.get(key) for one in objects]
        columns[key] = pa.array(values, pa.string() if key in _TEXT else pa.float64())
    counts = [len(one.rows.time) for one in objects]
    owner = np.repeat(np.arange(len(objects), dtype=np.int32), counts)

    def joined(key: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(one.rows, key) for one in objects]) if objects else np.zeros(0)

    names = pa.array([one.name.split("-")[-1] for one in bands])
    photometry = pa.table(
        {
            "object_id": pa.DictionaryArray.from_arrays(pa.array(owner), pa.array(ids, pa.string())).cast(
                pa.string()
            ),
            "mjd": pa.array(joined("time")),
            "band": pa.DictionaryArray.from_arrays(pa.array(joined("band").astype(np.int8)), names).cast(
                pa.string()
            ),
            **{key: pa.array(joined(key), from_pandas=True) for key in ("flux", "flux_err", "limit")},
            "detected": pa.array(joined("detected").astype(np.bool_)),
        }
    )
    return pa.table(columns), photometry


def simulate(
    survey: str,
    classes: dict[str, int] | list[str],
    counts: int = 1000,
    seed: int = 0,
    *,
    data: str | Path,
    population_table: str | Path | None = None,
    rules: Observing | None = None,
    selection: Selection | None = None,
) -> LightCurves:
    """Light curves of simulated transients as the alerts of a survey would give them, with truth columns.

    Parameters
    ----------
    survey : str
        ``"ZTF"``.
    classes : dict or list of str
        Number of triggered objects by class (TNS names), or names with `counts` of each.
    seed : int
        Same seed, same result.
    data : path
        The data folder (see `firstlight.simulate.library`).
    population_table : path, optional
        Your own table in place of the packaged ``populations.toml``.
    rules, selection : optional
        How the survey observes, and which objects are kept.

    Returns
    -------
    LightCurves
        Their `objects` carry ``label``, ``redshift``, ``mwebv``, ``trigger_mjd`` and truth as ``sim_*``.

    Raises
    ------
    DataError, UnknownNameError, UsageError
        Before the run: files that are not there, names nobody knows, priors that make no sense.
    """
    wanted = classes if isinstance(classes, dict) else dict.fromkeys(classes, counts)
    if not wanted or any(count <= 0 for count in wanted.values()):
        raise UsageError("classes with a count above zero are wanted", where="simulate")
    made = simulators(
        survey, list(wanted), data=data, population_table=population_table, rules=rules, selection=selection
    )
    parts = [
        to_tables(name, seed, made[name].first(seed, count), made[name].bands)
        for name, count in wanted.items()
    ]
    objects = pa.concat_tables([part[0] for part in parts], promote_options="default")
    rows = pa.concat_tables([part[1] for part in parts])
    return LightCurves.from_columns(
        object_id=rows["object_id"],
        time=rows["mjd"],
        passband=rows["band"],
        survey=survey,
        flux=rows["flux"],
        flux_err=rows["flux_err"],
        limit=rows["limit"],
        detected=rows["detected"],
        flux_unit="nJy",
        objects=objects,
    )
