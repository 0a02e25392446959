"""Long tables, one row an observation: which columns are read, and what the caller must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight import facts
from firstlight._types import Bits, Floats
from firstlight.errors import Arg, DataError, UnknownNameError, Words
from firstlight.lightcurves.clock import Clock
from firstlight.lightcurves.flags import Flag
from firstlight.lightcurves.from_columns import UnknownPassbands
from firstlight.lightcurves.photometry import Photometry, limit_flux
from firstlight.notes import Notes
from firstlight.readers.alert_rows import negative_detections
from firstlight.readers.delimited import CellKind
from firstlight.readers.joining import gather, kinds, scatter_flags, surveys_of
from firstlight.readers.roles import (
    bare,
    check_chosen,
    declared_unit,
    flux_zero_point,
    listed,
    match,
    named,
    require,
    roles,
    source_prefixes,
)
from firstlight.readers.table_files import Source
from firstlight.tables.columns import numbers, plain, texts, words
from firstlight.tables.frames import TIME_SYSTEM
from firstlight.tables.identifiers import identities

TimeSystem = Literal["mjd", "jd"]
SurveyLike = str | Path | Mapping[str, Any] | facts.Survey
_TEXT_ROLES = ("passband", "survey", "sign", "detected", "magsys", "quality")
# Roles that are read where magnitudes are, and where fluxes are.
_NUMBERS = ("zero_point", "flux", "flux_err", "mag", "mag_err", "limit_mag")
_NEEDED = ("flux", "flux_err", "mag", "mag_err", "zero_point")
_OF_MAGNITUDES, _OF_FLUXES = ("mag", "mag_err", "sign"), ("flux", "flux_err", "zero_point")


@dataclass(frozen=True)
class Options:
    """What the caller of `read_table` says of a table; the attributes are its parameters."""

    survey: SurveyLike | None = None
    flux_unit: str | None = None
    zero_point: float | None = None
    time_format: TimeSystem | None = None
    columns: Mapping[str, str | None] | None = None
    label: str | None = None
    dereddened: bool = False
    object_id: str | int | None = None
    unknown_passbands: UnknownPassbands = "error"

    def __post_init__(self) -> None:
        if self.time_format not in (None, "mjd", "jd"):
            raise UnknownNameError("time format", self.time_format, ("mjd", "jd"))

    def chosen(self, names: list[str]) -> dict[str, str | None]:
        """Columns by role that the caller names, the label among them."""
        chosen = dict(self.columns or {})
        if self.label is not None and self.label in names:
            chosen["label"] = self.label
        return chosen


@dataclass(frozen=True)
class Plan:
    """How the columns of one source are read: settled once, used for a whole table or for its pieces.

    Attributes
    ----------
    source : Source
        A long table.
    observed, known : dict
        Column by role of observations and of objects.
    zero_point : float or None
        AB zero point of the flux column; None where a column holds it or the table has magnitudes.
    clock : Clock
        Its system is as the caller says, or as the name of the column implies.
    options : Options
    """

    source: Source
    observed: dict[str, str]
    known: dict[str, str]
    zero_point: float | None
    clock: Clock
    options: Options

    @property
    def wanted(self) -> dict[str, CellKind]:
        """The columns to read and what their cells are."""
        wanted = kinds(self.known)
        for role, column in self.observed.items():
            wanted[column] = "id" if role == "object_id" else "text" if role in _TEXT_ROLES else "number"
        return wanted

    def photometry(self, table: pa.Table, notes: Notes) -> Photometry:
        """The rows of a table by role; rows without an object id are left out and told."""
        notes = notes.at(self.source.where)
        id_name = self.observed["object_id"]
        codes, ids = identities(table.column(id_name), id_name, notes)
        lost = codes < 0
        if lost.any():
            row = int(np.flatnonzero(lost)[0])
            notes.add(f"{int(lost.sum()):,} rows without object id left out (first: data row {row + 1:,})")
            table, codes = table.filter(pa.array(~lost)), codes[~lost]
        by_role = {role: table.column(name) for role, name in self.observed.items()}
        if "magsys" in by_role:
            self._refuse_vega(by_role["magsys"], notes)
        objects, scattered = gather(table, self.known, codes, ids, notes)
        measured: dict[str, Any] = {
            role: numbers(by_role[role], self.observed[role], notes, needed=role in _NEEDED)
            for role in _NUMBERS
            if role in by_role
        }
        limit = measured.pop("limit_mag", None)
        if "flux" in measured:
            # Without a unit for the whole column there is a column of zero points.
            measured.setdefault("zero_point", self.zero_point)
            limit = None if limit is None else limit_flux(limit, measured["zero_point"])
        return Photometry(
            object_id=pa.DictionaryArray.from_arrays(pa.array(codes), ids),
            time=plain(by_role["time"]),
            passband=words(by_role["passband"]),
            survey=self._survey(by_role, notes),
            limit=limit,
            detected=self._detected(by_role, measured, notes),
            sign=texts(by_role["sign"]) if "sign" in by_role else None,
            objects=objects,
            flags=self._flags(by_role, scatter_flags(codes, scattered) if scattered.any() else None, notes),
            dereddened=self.options.dereddened,
            clock=self.clock,
            where=self.source.where,
            **measured,
        )

    def _detected(
        self, by_role: Mapping[str, pa.ChunkedArray], measured: Mapping[str, Floats], notes: Notes
    ) -> pa.Array | None:
        """Which rows are detections, where a column says it or the rows are a broker's alerts."""
        if "detected" in by_role:
            return plain(by_role["detected"])
        if "sign" not in by_role or bare(self.observed["sign"]) == self.observed["sign"]:
            return None
        return negative_detections(texts(by_role["sign"]), measured["mag_err"])

    def _flags(
        self, by_role: Mapping[str, pa.ChunkedArray], scattered: Bits | None, notes: Notes
    ) -> Bits | None:
        """The flags of the rows: positions that scatter, and what the source itself calls bad."""
        if "quality" not in by_role:
            return scattered
        name, column = self.observed["quality"], by_role["quality"]
        mark = roles("observation")["quality"].bad.get(name, True)
        if isinstance(mark, str):
            bad = pc.equal(pc.utf8_lower(texts(column)), mark).fill_null(False).to_numpy(zero_copy_only=False)
        else:
            bad = (np.nan_to_num(numbers(column, name, notes)).astype(np.int64) & mark) != 0
        if bad.any():
            notes.add(f"{int(bad.sum()):,} rows are bad by column '{name}': kept, flagged and not used")
        flags = np.zeros(len(bad), np.uint16) if scattered is None else scattered
        return flags | np.where(bad, np.uint16(Flag.BAD_QUALITY), np.uint16(0))

    def _survey(self, by_role: Mapping[str, pa.ChunkedArray], notes: Notes) -> Any:
        """The survey of all rows, or a column of each row's; where both are stated they agree."""
        stated = self.options.survey
        if "survey" not in by_role:
            known = source_prefixes()
            implied = {known[name[:2]] for name in self.observed.values() if name[:2] in known}
            if stated is not None or len(implied) != 1:
                return stated
            stated = implied.pop()
            notes.add(f"the survey is {stated} by the names of the columns ({self.observed['time']})")
            return stated
        column = words(by_role["survey"])
        if stated is None:
            return column
        survey = facts.survey(stated)
        found, _ = surveys_of(column, notes, stated=survey)
        if any(name != survey.name for name in found):
            raise notes.error(
                (f"rows of survey {listed(found)}, but ", Arg("survey", survey.name), " is given"),
                hint="Leave the option out.",
            )
        return survey

    def _refuse_vega(self, systems: pa.ChunkedArray, notes: Notes) -> None:
        """Magnitudes and zero points are AB."""
        for system in pc.drop_null(pc.unique(texts(systems))).to_pylist():
            if system.lower() not in ("ab", ""):
                raise notes.error(
                    f"column '{self.observed['magsys']}' says '{system}'; only AB is understood",
                    hint="Convert the magnitudes to AB.",
                )


def plan(source: Source, options: Options, notes: Notes, *, object_names: tuple[str, ...] = ()) -> Plan:
    """How a long table is read.

    Parameters
    ----------
    source : Source
    options : Options
    notes : Notes
    object_names : tuple of str
        Columns of the table of objects, where the caller may have named some.

    Raises
    ------
    DataError
        When a column that is needed is missing, two fit one role, or the unit of the flux is stated nowhere.
    """
    names, notes = source.schema.names, notes.at(source.where)
    chosen = options.chosen(names)
    if chosen:
        check_chosen(chosen, [*names, *object_names], notes)
    if options.label is not None and options.label not in [*names, *object_names]:
        raise no_label(options.label, [*names, *object_names], notes)
    chosen = {role: column for role, column in chosen.items() if column is None or column in names}
    observed = match(names, "observation", notes, chosen=chosen)
    for role in ("object_id", "time", "passband"):
        require(observed, role, names, notes)
    observed = _flux_or_magnitude(observed, chosen, names, notes)
    known = match(names, "object", notes, chosen=chosen)
    known = {role: column for role, column in known.items() if column not in observed.values()}
    zero_point = _zero_point(source, observed, chosen, options, notes) if "flux" in observed else None
    if zero_point is not None:
        observed.pop("zero_point", None)
    return Plan(source, observed, known, zero_point, _clock(source, observed["time"], options), options)


def _clock(source: Source, name: str, options: Options) -> Clock:
    """What days are counted from: as the kind of the column, the caller, or the name of the column says."""
    field = source.schema.field(name)
    implied: TimeSystem = "jd" if roles("observation")["time"].system.get(bare(name)) == "jd" else "mjd"
    fixed = (field.metadata or {}).get(TIME_SYSTEM) == b"mjd"
    system = "mjd" if fixed else options.time_format or implied
    return Clock(system, name, declared_unit(field) or "", "time_format")


def no_label(label: str, names: list[str], notes: Notes, *, hint: Words = "") -> DataError:
    """The error for a column of labels that is not there."""
    return notes.error(f"no label column '{label}'. Found: {listed(names)}", hint=hint)


def _flux_or_magnitude(
    observed: dict[str, str], chosen: Mapping[str, str | None], names: list[str], notes: Notes
) -> dict[str, str]:
    """The roles without those of the other kind of measurement."""
    flux = chosen.get("flux")
    if flux is not None and flux.lower().startswith("mag"):
        raise notes.error(
            f"column '{flux}' given as flux holds magnitudes by its name",
            hint=("Say ", Arg("columns", {"mag": flux}), "."),
        )
    if "flux" not in observed and "mag" not in observed:
        what = (
            f"no flux or magnitude column. Found: {listed(names)}. Expected one of: flux, FLUXCAL, psfFlux, "
            "uJy, …; mag, magpsf, …; or "
        )
        raise notes.error((what, named("flux"), ", ", named("mag")))
    magnitudes = "flux" not in observed or (chosen.get("mag") is not None and flux is None)
    if not magnitudes and "mag" in observed:
        notes.add(f"fluxes are read from '{observed['flux']}'; '{observed['mag']}' is not used")
    require(observed, "mag_err" if magnitudes else "flux_err", names, notes)
    unused = _OF_FLUXES if magnitudes else _OF_MAGNITUDES
    return {role: column for role, column in observed.items() if role not in unused}


def _zero_point(
    source: Source,
    observed: dict[str, str],
    chosen: Mapping[str, str | None],
    options: Options,
    notes: Notes,
) -> float | None:
    """The zero point of the flux column, or None where a column of zero points holds it."""
    schema, column = source.schema, observed["flux"]
    per_row = observed.get("zero_point")
    implied = roles("observation")["flux"].unit.get(bare(column)) is not None
    if per_row is not None and (chosen.get("zero_point") is not None or not implied):
        if options.flux_unit is not None or options.zero_point is not None:
            notes.add(f"zero points are read from column '{per_row}', not from the option")
        return None
    return flux_zero_point(
        schema.field(column),
        schema.field(observed["flux_err"]),
        notes,
        flux_unit=options.flux_unit,
        zero_point=options.zero_point,
        file_metadata=schema.metadata,
        chosen=chosen.get("flux") is not None,
    )
