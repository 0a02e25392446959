"""The population table: what each class is made of, read from TOML and checked before anything runs."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from firstlight._types import Floats
from firstlight.errors import DataError, FirstlightError, UnknownNameError, UsageError
from firstlight.simulate.cosmology import rate_integral, redshift_quantiles
from firstlight.simulate.distributions import Law, law

# Names that stand for tables in the package; the first is the default.
_PACKAGED = {"populations": "populations.toml", "literature": "literature.toml"}

_STRUCTURE = {
    "number", "source", "templates", "template_classes", "preferred", "rate", "evolution", "redshift",
    "magnitude_band", "early_peak", "note", "held_out", "galactic", "deep", "correction", "model",
}  # fmt: skip
_NUMBERS = {
    "alpha", "beta", "volume_weight", "warp", "drift", "mix", "depth_loss", "host_noise", "late",
    "classified_shift", "reddening_stretch_correlation", "reddening_spread", "decline_power",
    "donor_deep_share",
}  # fmt: skip
_LAWS = {
    "magnitude", "x1", "c", "stretch", "stretch_rise", "stretch_fall", "reddening", "tilt", "host_av",
    "host_rv", "plateau_drop", "plateau_end", "rise_power", "rise_gap", "blue_start", "decline",
    "magnitude_scatter", "temperature_factor", "cutoff", "cutoff_slope", "log_luminosity", "log_mass",
    "colour", "rise_days", "decline_days", "temperature", "heating", "nickel_mass", "ejecta_mass", "velocity",
    "opacity", "plateau_days", "impact", "crossing_days", "source_magnitude", "blending",
}  # fmt: skip
_DEFAULTS: dict[str, Any] = {
    "stretch": 1.0, "stretch_rise": 1.0, "stretch_fall": 1.0, "reddening": 0.0, "tilt": 0.0, "host_av":
    0.0, "host_rv": {"normal": [3.0, 0.5], "within": [1.5, 5.5]}, "plateau_drop": 0.0, "plateau_end":
    95.0, "rise_power": 1.0, "blue_start": 0.0, "decline": 0.0, "rise_gap": {"uniform": [2.0, 8.0]},
    "temperature_factor": 1.0, "magnitude_scatter": 0.0,
}  # fmt: skip
# What the models can do: a law that leaves its range is refused before the run.
_RANGES = {
    "host_rv": (1.5, 5.5), "host_av": (0.0, 10.0), "x1": (-6.0, 6.0), "c": (-1.0, 3.0),
    "stretch": (0.1, 10.0), "stretch_rise": (0.1, 10.0), "stretch_fall": (0.1, 10.0),
    "magnitude": (-30.0, -5.0), "tilt": (-5.0, 5.0), "temperature": (1e3, 1e6),
    "log_luminosity": (37.0, 47.0), "log_mass": (4.0, 11.0), "rise_power": (0.01, 10.0),
    "rise_gap": (0.05, 60.0), "plateau_end": (0.0, 320.0), "rise_days": (0.1, 500.0),
    "decline_days": (0.1, 2e3), "temperature_factor": (0.2, 5.0), "cutoff": (500.0, 10_000.0),
    "nickel_mass": (1e-5, 100.0), "ejecta_mass": (1e-3, 1e3), "velocity": (100.0, 1e5),
    "opacity": (1e-3, 10.0), "plateau_days": (0.5, 1e3), "impact": (0.0, 10.0),
    "crossing_days": (0.05, 2e3), "source_magnitude": (5.0, 32.0), "blending": (0.0, 1.0),
}  # fmt: skip


# Sources that need no file that is not in the package.
WITHOUT_DATA = frozenset({"magnetar_table", "tde", "agn", "nickel", "plateau", "microlensing"})


@dataclass(frozen=True)
class EarlyPeak:
    """A shock-cooling peak: how often, magnitudes under the maximum, e-folding days of its decay."""

    probability: float
    depth: Law
    decay_days: Law


@dataclass(frozen=True, eq=False)
class Correction:
    """Magnitudes to add to a template: `magnitudes` [days, wavelengths] on rest `days` and A; flat beyond."""

    days: Floats
    wavelengths: Floats
    magnitudes: Floats

    def at(self, phase: Floats, wave: Floats) -> Floats:
        """The correction [wave, phase], bilinear."""
        by_wave = np.stack([np.interp(wave, self.wavelengths, row) for row in self.magnitudes])
        return np.stack([np.interp(phase, self.days, column) for column in by_wave.T])


def _correction(table: Mapping[str, Any], where: str) -> Correction:
    absent = {"days", "wavelengths", "magnitudes"} - table.keys()
    if absent:
        raise DataError(f"'{min(absent)}' is missing", where=where)
    days, waves = (np.asarray(table[key], dtype=np.float64) for key in ("days", "wavelengths"))
    rows = [len(row) for row in table["magnitudes"]]
    if rows != [len(waves)] * len(days):
        raise DataError(
            f"magnitudes are {len(rows)} rows of {sorted(set(rows))}", where=where,
            hint=f"Give a row a day ({len(days)}), in it a number a wavelength ({len(waves)}).",
        )  # fmt: skip
    if min(len(days), len(waves)) < 2 or np.any(np.diff(days) <= 0) or np.any(np.diff(waves) <= 0):
        raise DataError("days and wavelengths must be two or more and increase", where=where)
    return Correction(days, waves, np.asarray(table["magnitudes"], dtype=np.float64))


@dataclass(frozen=True, eq=False)
class Population:
    """One class of the population table; `draw` gives a value of one of its parameters.

    `density` is the number of events a year and square degree in the redshift range, 0 where no rate is
    known; `held_out` classes are left out unless they are named; `galactic` ones have no redshift; `model` is
    that of LightCurveLynx.
    """

    name: str
    number: int
    source: str
    rate: float
    redshift: tuple[float, float]
    templates: tuple[str, ...] = ()
    template_classes: tuple[str, ...] = ()
    preferred: Mapping[str, float] = field(default_factory=dict)
    magnitude_band: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    laws: Mapping[str, Law] = field(default_factory=dict)
    early_peak: EarlyPeak | None = None
    correction: Correction | None = None
    quantiles: Floats = field(default_factory=lambda: np.zeros(2))
    density: float = 0.0
    held_out: bool = False
    galactic: bool = False
    model: str = ""

    def draw(self, parameter: str, rng: np.random.Generator) -> float:
        """One value of a parameter; UsageError when the table gives none."""
        if parameter not in self.laws:
            raise UsageError(f"source '{self.source}' needs the parameter '{parameter}'", where=self.name)
        return self.laws[parameter](rng)

    def number_of(self, parameter: str, default: float = 0.0) -> float:
        """A plain number of the table, `default` when it is not there."""
        return self.numbers.get(parameter, default)

    def draw_redshift(self, rng: np.random.Generator) -> float:
        """A redshift, weighted by volume and rate; 0 in the Milky Way."""
        if self.galactic:
            return 0.0
        return float(np.interp(rng.random(), _steps(len(self.quantiles)), self.quantiles))


@cache
def _steps(count: int) -> Floats:
    return np.linspace(0.0, 1.0, count)


def _checked(name: str, table: Mapping[str, Any], source: PopulationTable) -> Population:
    """The class of a table; a value of the wrong kind is an error that names the class."""
    at = f"{source.where} [{name}]"
    try:
        made = _population(name, table, at)
        if not source.packaged:
            for key in made.laws.keys() & _RANGES.keys():
                made.laws[key].check(*_RANGES[key])
        return made
    except FirstlightError:
        raise
    except KeyError as error:
        raise DataError(f"{error} is missing", where=at) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"a value is of the wrong kind: {error}", where=at) from None


def _population(name: str, table: Mapping[str, Any], at: str) -> Population:
    if table.get("galactic"):
        table = {"redshift": [1e-4, 2e-4], "rate": 0.0, "evolution": "constant", **table}
    for key in table:
        if key not in _STRUCTURE | _NUMBERS | _LAWS:
            raise UnknownNameError("parameter", key, sorted(_STRUCTURE | _NUMBERS | _LAWS), where=at)
    for key in ("number", "source", "redshift", "rate", "evolution"):
        if key not in table:
            raise DataError(f"'{key}' is missing", where=at)
    low, high = (float(value) for value in table["redshift"])
    if not 0.0 < low < high <= 6.0:
        raise DataError(f"redshift range [{low}, {high}] is not within (0, 6]", where=at)
    specs = {**_DEFAULTS, **{key: table[key] for key in _LAWS if key in table}}
    laws = {key: law(spec, f"{at} {key}") for key, spec in specs.items()}
    early = table.get("early_peak")
    return Population(
        name=name,
        number=int(table["number"]),
        source=str(table["source"]),
        rate=float(table["rate"]),
        redshift=(low, high),
        templates=tuple(table.get("templates", ())),
        template_classes=tuple(table.get("template_classes", ())),
        preferred={key: float(value) for key, value in table.get("preferred", {}).items()},
        magnitude_band=str(table.get("magnitude_band", "")),
        numbers={key: float(table[key]) for key in _NUMBERS if key in table},
        laws=laws,
        early_peak=None
        if early is None
        else EarlyPeak(float(early["probability"]), law(early["depth"], at), law(early["decay_days"], at)),
        correction=None
        if "correction" not in table
        else _correction(table["correction"], f"{at} correction"),
        quantiles=redshift_quantiles(table["evolution"], low, high, at),
        density=float(table["rate"]) * rate_integral(table["evolution"], low, high, at),
        held_out=bool(table.get("held_out", False)),
        galactic=bool(table.get("galactic", False)),
        model=str(table.get("model", "")),
    )


@dataclass(frozen=True, eq=False)
class PopulationTable:
    """A population table as it was read; its classes are made, and checked, by `populations`.

    Attributes
    ----------
    where : str
        Where it lies, as errors name it.
    classes : mapping
        What it says of each class, that of the table which it extends included.
    sha256 : str
        A hash of the text.
    packaged : bool
        Whether it is the package's, so that its laws need no check before a run.
    """

    where: str
    classes: Mapping[str, Mapping[str, Any]]
    sha256: str
    packaged: bool

    def populations(self, names: Iterable[str] | None = None, *, deep: bool = False) -> dict[str, Population]:
        """The classes `names` (all) by name; a table of one's own is checked as a whole in any case.

        Raises
        ------
        DataError, UnknownNameError, UsageError
            With the class and parameter at fault.
        """
        wanted = list(self.classes if names is None else names)
        made = {
            name: _checked(name, {**table, **(table.get("deep", {}) if deep else {})}, self)
            for name, table in self.classes.items()
            if name in wanted or not self.packaged
        }
        numbers = [one.number for one in made.values()]
        if len(set(numbers)) != len(numbers):
            raise DataError("two classes have the same `number`", where=self.where)
        for name in wanted:
            if name not in made:
                raise UnknownNameError("class", name, self.classes, where="simulate")
        return {name: made[name] for name in wanted}

    def usual(self, *, data: bool) -> list[str]:
        """The classes that a classifier learns: no anomalies; without a data folder those that need none."""
        return [
            name
            for name, table in self.classes.items()
            if not table.get("held_out") and (data or table.get("source") in WITHOUT_DATA)
        ]


def population_table(path: str | Path | None = None) -> PopulationTable:
    """A population table with what it takes from another one.

    A table with ``extends = "populations"`` (a packaged table, or a file beside it) holds only differences:
    a parameter that it names replaces that of the other table, as a whole (also `deep`), and a class that the
    other table lacks is added.

    Parameters
    ----------
    path : path or str, optional
        A TOML file, or a packaged table by name: ``"populations"`` (the default), fitted in part to labelled
        light curves of ZTF, or ``"literature"``, where no number comes from them.

    Raises
    ------
    DataError
        No such file, not TOML, or tables that extend each other in a circle.
    UnknownNameError
        A value at the top that is no class.
    """
    layers: dict[str, _Layer] = {}
    at: str | None = "populations" if path is None else str(path)
    packaged = at in _PACKAGED
    while at is not None:
        layer = _packaged(at) if at in _PACKAGED else _file(at)
        key = at if at in _PACKAGED else str(Path(at).resolve())
        if key in layers:
            raise DataError("the table extends itself", where=next(iter(layers.values())).where)
        layers[key], at = layer, layer.base
    classes: dict[str, Mapping[str, Any]] = {}
    for layer in reversed(layers.values()):
        for name, table in layer.classes.items():
            classes[name] = {**classes.get(name, {}), **table}
    where = next(iter(layers.values())).where
    sha256 = hashlib.sha256("".join(one.text for one in layers.values()).encode()).hexdigest()
    return PopulationTable(where, classes, sha256, packaged)


@dataclass(frozen=True, eq=False)
class _Layer:
    """One file: where it lies, its text, what it says of its classes, and the table that it extends."""

    where: str
    text: str
    classes: Mapping[str, Mapping[str, Any]]
    base: str | None


@cache
def _packaged(name: str) -> _Layer:
    file = _PACKAGED[name]
    text = resources.files("firstlight.simulate").joinpath(file).read_text(encoding="utf-8")
    return _layer(file, text)


def _file(path: str) -> _Layer:
    if not Path(path).is_file():
        raise DataError(
            "there is no population table", where=path,
            hint=f"Give a TOML file, or one of the packaged tables: {', '.join(_PACKAGED)}.",
        )  # fmt: skip
    layer = _layer(path, Path(path).read_text(encoding="utf-8"))
    if layer.base is None or layer.base in _PACKAGED:
        return layer
    return replace(layer, base=str(Path(path).parent / layer.base))


def _layer(where: str, text: str) -> _Layer:
    try:
        classes = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"not TOML: {error}", where=where) from None
    base = classes.pop("extends", None)
    if base is not None and not isinstance(base, str):
        raise DataError(f"`extends` names one table, not {base!r}", where=where)
    for key, value in classes.items():
        if not isinstance(value, Mapping):
            raise UnknownNameError("setting", key, ["extends"], where=where)
    return _Layer(where, text, classes, base)


def populations(path: str | Path | None = None, *, deep: bool = False) -> dict[str, Population]:
    """The classes of a population table by name; of the packaged one when no path is given.

    Parameters
    ----------
    path : path or str, optional
        As of `population_table`.
    deep : bool
        For a survey deeper than 22 mag: with what the sub-table `deep` of a class changes.

    Raises
    ------
    DataError, UnknownNameError, UsageError
        With the class and parameter at fault.
    """
    return population_table(path).populations(deep=deep)
