"""Surveys and their passbands: the packaged ones and a user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts.arrays import as_arrow
from firstlight.facts.extinction import extinction_at
from firstlight.facts.names import Spellings, load_toml, refuse_unknown_keys, text_of

_PASSBAND_KEYS = ("wavelength_um", "width_um", "extinction", "depth", "aliases", "source", "depth_source")
_PLAIN_KEYS = (
    "zero_point",
    "time_scale",
    "time_reference",
    "detection_snr",
    "trigger_detections",
    "trigger_separation_days",
)
_SURVEY_KEYS = (
    *_PLAIN_KEYS,
    "name",
    "aliases",
    "passbands",
    "zero_point_source",
    "time_source",
    "detection_source",
    "trigger_source",
)


@dataclass(frozen=True)
class Passband:
    """One filter of one survey.

    Attributes
    ----------
    name : str
        Qualified by the survey: ``"ZTF-g"``, ``"LSST-y"``.
    survey, short : str
        The two parts of the name.
    wavelength_um, width_um : float
        Transmission-weighted mean wavelength and equivalent width, um.
    extinction : float
        A / E(B-V), Fitzpatrick 1999 with R_V = 3.1, for E(B-V) on the scale of Schlafly & Finkbeiner 2011
        (0.86 times the SFD map).
    depth : float
        Typical 5-sigma AB magnitude of one visit.
    aliases : tuple of str
        Other spellings within the survey, numbers among them.
    source, depth_source : str
        Where the first three numbers and the depth come from.
    """

    name: str
    survey: str
    short: str
    wavelength_um: float
    width_um: float
    extinction: float
    depth: float
    aliases: tuple[str, ...] = ()
    source: str = "given by the user"
    depth_source: str = "given by the user"

    def __post_init__(self) -> None:
        for name in ("wavelength_um", "width_um", "extinction", "depth"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise DataError(f"{name} is {value!r}", where=f"passband '{self.name}'", hint="Give it > 0.")
        if not 0.05 < self.wavelength_um < 30:
            raise DataError(
                f"wavelength_um is {self.wavelength_um}",
                where=f"passband '{self.name}'",
                hint="It is in micrometres: 4800 Angstrom are 0.48.",
            )


@dataclass(frozen=True)
class Survey:
    """A survey: its passbands, clock and detection rule.

    Attributes
    ----------
    name : str
    passbands : tuple of Passband
    zero_point : float or None
        AB zero point of the native flux; for information.
    time_scale : {"utc", "tai"}
    time_reference : {"start", "middle"}
        Which moment of the exposure a time stands for.
    detection_snr : float
        Signal to noise from which a measurement counts as a detection where no flag says so.
    trigger_detections : int
    trigger_separation_days : float
        A transient is announced after so many detections, so far apart.
    aliases : tuple of str
        Other names of the survey.
    sources : mapping
        Source of each group of numbers.
    """

    name: str
    passbands: tuple[Passband, ...]
    zero_point: float | None = None
    time_scale: Literal["utc", "tai"] = "utc"
    time_reference: Literal["start", "middle"] = "start"
    detection_snr: float = 5.0
    trigger_detections: int = 2
    trigger_separation_days: float = 0.02
    aliases: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, hash=False)

    def __post_init__(self) -> None:
        if not self.passbands:
            raise DataError("has no passbands", where=f"survey '{self.name}'")
        if self.time_scale not in ("utc", "tai"):
            raise UnknownNameError(
                "time scale", self.time_scale, ("utc", "tai"), where=f"survey '{self.name}'"
            )
        if self.time_reference not in ("start", "middle"):
            raise UnknownNameError("time reference", self.time_reference, ("start", "middle"))
        for spelling, one, other in self._spellings.clashes:
            raise DataError(f"'{spelling}' means both {one} and {other}", where=f"survey '{self.name}'")

    @cached_property
    def _spellings(self) -> Spellings:
        prefixes = (self.name, *self.aliases)
        pairs: list[tuple[str, str]] = []
        for band in self.passbands:
            own = dict.fromkeys((band.short, band.name, *band.aliases))
            pairs += [(spelling, band.name) for spelling in own]
        seen = {spelling for spelling, _ in pairs}
        for band in self.passbands:
            prefixed = dict.fromkeys(f"{prefix}-{band.short}" for prefix in prefixes)
            pairs += [(spelling, band.name) for spelling in prefixed if spelling not in seen]
        return Spellings(pairs)

    @cached_property
    def _by_name(self) -> dict[str, Passband]:
        return {band.name: band for band in self.passbands}

    def find(self, name: object) -> Passband | None:
        """The passband that this survey calls `name`, or None."""
        found = self._spellings.find(text_of(name))
        return self._by_name[found] if found else None

    def passband(self, name: object) -> Passband:
        """The passband that this survey calls `name`.

        Parameters
        ----------
        name : str, int or bytes
            Any spelling: ``"g"``, ``"ztfg"``, ``"ZTF_g"``, ``1``.

        Raises
        ------
        UnknownNameError
            With the nearest spelling.

        Examples
        --------
        >>> survey("LSST").passband("lsst_Y").name
        'LSST-y'
        """
        found = self.find(name)
        if found is None:
            raise UnknownNameError("passband", text_of(name), self.spellings, where=f"survey {self.name}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """The survey as a mapping of plain values that `survey` reads back."""
        bands = {}
        for band in self.passbands:
            values = asdict(band)
            bands[band.short] = {k: v for k, v in values.items() if k not in ("name", "survey", "short")}
        plain = {key: getattr(self, key) for key in _PLAIN_KEYS if getattr(self, key) is not None}
        return {"name": self.name, **plain, "aliases": self.aliases, "passbands": bands, **self.sources}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Survey:
        """The survey of a mapping, without making its name known in this process (`survey` does)."""
        return _survey(values, where=f"survey '{values.get('name', 'without name')}'")

    @property
    def is_packaged(self) -> bool:
        """Whether it comes with firstlight."""
        return _packaged().get(self.name) == self

    @property
    def spellings(self) -> tuple[str, ...]:
        """Short names first, then the aliases, for error messages."""
        shorts = [band.short for band in self.passbands]
        return (*shorts, *(alias for band in self.passbands for alias in band.aliases if alias not in shorts))

    def codes(self, names: Sequence[object] | NDArray[Any] | pa.Array | pa.ChunkedArray) -> NDArray[np.int16]:
        """Positions in `passbands` of many names, -1 where unknown or missing; shape (n,).

        Each distinct name is looked up once.
        """
        array = as_arrow(names)
        encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
        values = encoded.dictionary.to_pylist()
        order = {band.name: code for code, band in enumerate(self.passbands)}
        table = np.full(len(values) + 1, -1, dtype=np.int16)
        for position, value in enumerate(values):
            band = None if value is None else self.find(value)
            table[position] = -1 if band is None else order[band.name]
        indices = encoded.indices
        if indices.null_count:
            indices = indices.fill_null(len(values))
        return table[np.asarray(indices, dtype=np.intp)]


def _passband(survey_name: str, short: str, row: Mapping[str, Any]) -> Passband:
    where = f"survey '{survey_name}', passband '{short}'"
    refuse_unknown_keys(row, _PASSBAND_KEYS, where=where)
    for key in ("wavelength_um", "width_um", "depth"):
        if key not in row:
            raise DataError(f"lacks {key}", where=where, hint="Needed: wavelength_um, width_um, depth.")
    wavelength = float(row["wavelength_um"])
    extra = {key: str(row[key]) for key in ("source", "depth_source") if key in row}
    return Passband(
        name=f"{survey_name}-{short}",
        survey=survey_name,
        short=short,
        wavelength_um=wavelength,
        width_um=float(row["width_um"]),
        extinction=float(row["extinction"]) if "extinction" in row else extinction_at(wavelength),
        depth=float(row["depth"]),
        aliases=tuple(text_of(alias) for alias in row.get("aliases", ())),
        **extra,
    )


def _survey(row: Mapping[str, Any], *, where: str) -> Survey:
    """A survey from a mapping shaped like one table of ``surveys.toml`` with its `name` inside."""
    refuse_unknown_keys(row, _SURVEY_KEYS, where=where)
    for key in ("name", "passbands"):
        if not row.get(key):
            raise DataError(
                f"lacks {key}", where=where, hint="Needed: name, and [passbands.<short name>] tables."
            )
    name = str(row["name"])
    plain = {key: row[key] for key in _PLAIN_KEYS if key in row}
    return Survey(
        name=name,
        passbands=tuple(_passband(name, short, band) for short, band in row["passbands"].items()),
        aliases=tuple(str(alias) for alias in row.get("aliases", ())),
        sources={key: str(value) for key, value in row.items() if key.endswith("_source")},
        **plain,
    )


@cache
def _packaged() -> dict[str, Survey]:
    rows = load_toml("surveys.toml")
    return {name: _survey({"name": name, **row}, where=f"surveys.toml, {name}") for name, row in rows.items()}


_own: dict[str, Survey] = {}  # what users brought into this process, so that a qualified name finds its facts


def survey(which: str | Path | Mapping[str, Any] | Survey) -> Survey:
    """A survey: one of the packaged ones by name, or a user's own.

    Parameters
    ----------
    which : str, Path, mapping or Survey
        A name (``"ZTF"``, any case; ``"PS1"``), a path of a TOML file, a mapping of the same shape, or a
        survey. A user's own needs ``name`` and for each passband ``wavelength_um``, ``width_um`` and
        ``depth``; ``extinction`` is computed at the wavelength where it is not given.

    Raises
    ------
    UnknownNameError
        For an unknown name or key, with the nearest known one.
    DataError
        Where a number is missing or impossible.

    Examples
    --------
    >>> survey("ztf").passband(2).wavelength_um
    0.6422
    >>> bands = {"w": {"wavelength_um": 0.61, "width_um": 0.38, "depth": 20.5, "aliases": ["white"]}}
    >>> survey({"name": "MyScope", "passbands": bands}).passband("white").name
    'MyScope-w'
    """
    if isinstance(which, Survey):
        return _remember(which)
    if isinstance(which, Mapping):
        return _remember(Survey.from_dict(which))
    if isinstance(which, Path) or str(which).endswith(".toml"):
        return _remember(_read(Path(which)))
    known = {**_packaged(), **_own}
    if which in known:
        return known[which]
    pairs = [(spelling, name) for name, one in known.items() for spelling in (name, *one.aliases)]
    found = Spellings(pairs).find(str(which))
    if found is None:
        raise UnknownNameError(
            "survey", which, known, hint="Your own survey: give the path of its TOML file, ending in .toml."
        )
    return known[found]


def _read(path: Path) -> Survey:
    try:
        row = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("no such file", where=str(path), hint="It should describe a survey.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"is not TOML: {error}", where=str(path)) from error
    return _survey(row, where=str(path))


def _remember(one: Survey) -> Survey:
    packaged = _packaged().get(one.name)
    if packaged is not None and packaged != one:
        raise UsageError(
            f"survey '{one.name}' is packaged with other numbers", hint="Give your survey another name."
        )
    if packaged is None:
        _own[one.name] = one
    return one


def surveys() -> tuple[str, ...]:
    """The names of the packaged surveys, then those that the user brought into this process."""
    return (*_packaged(), *_own)


def all_passbands() -> dict[str, Passband]:
    """Every known passband by its qualified name: packaged surveys and those of the user in this process."""
    every: Iterable[Survey] = (*_packaged().values(), *_own.values())
    return {band.name: band for one in every for band in one.passbands}


def passband(qualified: str) -> Passband:
    """The passband of a qualified name.

    Raises
    ------
    UnknownNameError
        With the nearest qualified name. Passbands of a user's own survey are known once it was given to
        `survey` in this process.

    Examples
    --------
    >>> passband("LSST-y").wavelength_um
    0.9754
    """
    known = all_passbands()
    if qualified not in known:
        raise UnknownNameError(
            "passband", qualified, known, hint="A survey of your own is known once it was given to survey()."
        )
    return known[qualified]
