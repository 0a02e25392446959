"""Surveys and their passbands: the packaged ones and a user's own.

Nothing is registered: a user's own survey is known to the values that were made with it, which carry its
`Passband` values, and to nothing else in the process.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts.names import Spellings, load_toml, refuse_unknown_keys
from firstlight.facts.passband import Passband, passband_of
from firstlight.tables.columns import as_arrow, text_of

_PLAIN_KEYS = (
    "zero_point",
    "time_scale",
    "time_reference",
    "detection_snr",
    "trigger_detections",
    "trigger_separation_days",
)
# What a survey says of every row of it, whichever passband; carried by its passbands.
_OF_ROWS = ("detection_snr", "time_scale", "time_reference")
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

_WHOLE = re.compile(r"^(\d+)\.0+$")


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
        of_rows: dict[str, Any] = {key: getattr(self, key) for key in _OF_ROWS}
        object.__setattr__(self, "passbands", tuple(replace(band, **of_rows) for band in self.passbands))
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
        # What a missing cell turned into 1.0 is 1 again.
        found = self._spellings.find(_WHOLE.sub(r"\1", text_of(name)))
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
            said = ("name", "survey", "short", *_OF_ROWS)
            bands[band.short] = {key: value for key, value in values.items() if key not in said}
        plain = {key: getattr(self, key) for key in _PLAIN_KEYS if getattr(self, key) is not None}
        return {"name": self.name, **plain, "aliases": self.aliases, "passbands": bands, **self.sources}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Survey:
        """The survey that `to_dict` wrote; `survey` refuses one that bears a packaged name."""
        return _survey(values, where=f"survey '{values.get('name', 'without name')}'")

    @classmethod
    def of(cls, passbands: Iterable[Passband]) -> Survey:
        """The survey of these passbands of it: its clock and detection rule, without what is not of rows."""
        bands = tuple(passbands)
        of_rows: dict[str, Any] = {key: getattr(bands[0], key) for key in _OF_ROWS}
        return cls(bands[0].survey, bands, **of_rows)

    def answers_to(self, name: object) -> bool:
        """Whether `name` is its name or an alias, in any case."""
        return Spellings([(one, self.name) for one in (self.name, *self.aliases)]).find(str(name)) is not None

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
        passbands=tuple(passband_of(name, short, band) for short, band in row["passbands"].items()),
        aliases=tuple(str(alias) for alias in row.get("aliases", ())),
        sources={key: str(value) for key, value in row.items() if key.endswith("_source")},
        **plain,
    )


@cache
def _packaged() -> dict[str, Survey]:
    rows = load_toml("surveys.toml")
    return {name: _survey({"name": name, **row}, where=f"surveys.toml, {name}") for name, row in rows.items()}


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
        return _apart(which)
    if isinstance(which, Mapping):
        return _apart(Survey.from_dict(which))
    if isinstance(which, Path) or str(which).endswith(".toml"):
        return _apart(_read(Path(which)))
    known = _packaged()
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


def _apart(own: Survey) -> Survey:
    """The survey, unless it bears the name of a packaged one: that name means the packaged numbers."""
    if own.name in _packaged() and not own.is_packaged:
        raise UsageError(
            f"survey '{own.name}' is packaged with other numbers", hint="Give your survey another name."
        )
    return own


def surveys() -> tuple[str, ...]:
    """The names of the packaged surveys."""
    return tuple(_packaged())


@cache
def _packaged_passbands() -> dict[str, Passband]:
    return {band.name: band for one in _packaged().values() for band in one.passbands}


def all_passbands() -> dict[str, Passband]:
    """Every passband of the packaged surveys by its qualified name."""
    return dict(_packaged_passbands())


def passband(which: str | Passband | Mapping[str, Any], *, among: Iterable[Passband] = ()) -> Passband:
    """A passband: one of the packaged ones by its qualified name, or a user's own.

    Parameters
    ----------
    which : str, mapping or Passband
        A qualified name, what `to_plain` wrote, or a passband.
    among : passbands, optional
        A user's own that names may mean too.

    Raises
    ------
    UnknownNameError
        With the nearest qualified name.

    Examples
    --------
    >>> passband("LSST-y").wavelength_um
    0.9754
    """
    if isinstance(which, Passband):
        return which
    if isinstance(which, Mapping):
        return Passband.from_dict(which)
    known = {**_packaged_passbands(), **{band.name: band for band in among}}
    if which in known:
        return known[which]
    raise UnknownNameError(
        "passband", which, known, hint="One of a survey of your own must come as a Passband, not as a name."
    )


def is_packaged(band: Passband) -> bool:
    """Whether a passband comes with firstlight, with these numbers."""
    return _packaged_passbands().get(band.name) == band


def to_plain(band: Passband) -> str | dict[str, Any]:
    """A passband as a value of JSON that `passband` reads: its name if packaged, else all its numbers."""
    return band.name if is_packaged(band) else {**asdict(band), "aliases": list(band.aliases)}
