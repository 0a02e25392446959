"""One passband of a survey, with all that its observations need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np

from firstlight.errors import DataError
from firstlight.facts.extinction import extinction_at
from firstlight.facts.names import refuse_unknown_keys
from firstlight.tables.columns import text_of

_PASSBAND_KEYS = ("wavelength_um", "width_um", "extinction", "depth", "aliases", "source", "depth_source")


@dataclass(frozen=True)
class Passband:
    """One filter of one survey, with all that its observations need: light curves carry it as a value.

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
        Where the first three numbers and the depth come from; two passbands may be equal in spite of them.
    detection_snr : float
    time_scale, time_reference : str
        As of the survey, which sets them.
    """

    name: str
    survey: str
    short: str
    wavelength_um: float
    width_um: float
    extinction: float
    depth: float
    aliases: tuple[str, ...] = ()
    source: str = field(default="given by the user", compare=False)
    depth_source: str = field(default="given by the user", compare=False)
    detection_snr: float = 5.0
    time_scale: Literal["utc", "tai"] = "utc"
    time_reference: Literal["start", "middle"] = "start"

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

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Passband:
        """The passband of a mapping of all its attributes.

        Raises
        ------
        UnknownNameError, DataError
            For a key that a passband does not have, and for one that it lacks.
        """
        where = f"passband '{values.get('name', 'without name')}'"
        known = [one.name for one in fields(cls)]
        refuse_unknown_keys(values, known, where=where)
        for key in known[:7]:  # those without a default
            if key not in values:
                raise DataError(f"lacks {key}", where=where)
        return cls(**{**values, "aliases": tuple(values.get("aliases", ()))})


def passband_of(survey_name: str, short: str, row: Mapping[str, Any]) -> Passband:
    """The passband of one table of a survey's TOML file."""
    where = f"survey '{survey_name}', passband '{short}'"
    refuse_unknown_keys(row, _PASSBAND_KEYS, where=where)
    for key in ("wavelength_um", "width_um", "depth"):
        if key not in row:
            raise DataError(f"lacks {key}", where=where, hint="Needed: wavelength_um, width_um, depth.")
    wavelength = float(row["wavelength_um"])
    extra: dict[str, Any] = {key: str(row[key]) for key in ("source", "depth_source") if key in row}
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


def united(*collections: Iterable[Passband], where: str = "") -> tuple[Passband, ...]:
    """The passbands of several collections, each once, as they first appear.

    Raises
    ------
    DataError
        When one name stands for two passbands with different numbers.
    """
    found: dict[str, Passband] = {}
    for band in (band for collection in collections for band in collection):
        if found.setdefault(band.name, band) != band:
            raise DataError(
                f"two surveys are called '{band.survey}', and '{band.name}' has other numbers in each",
                where=where,
                hint="Give one of the two another name.",
            )
    return tuple(found.values())
