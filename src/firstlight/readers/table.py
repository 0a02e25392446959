"""Generic long and nested tables: which columns are read, and what the caller must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight import facts
from firstlight.errors import DataError, UnknownNameError
from firstlight.readers import cells
from firstlight.readers.cells import Floats
from firstlight.readers.columns import check_chosen, listed, match, require, roles
from firstlight.readers.nested import flatten, is_nested
from firstlight.readers.objects import Objects, gather, join, kinds
from firstlight.readers.photometry import Photometry, TimeSystem
from firstlight.readers.source import Source, TableSource
from firstlight.readers.text import CellKind
from firstlight.readers.units import flux_zero_point, no_unit

_TEXT_ROLES = ("object_id", "passband", "survey", "sign", "detected", "magsys")
_FIRST_JD = 2_400_000.0


@dataclass(frozen=True)
class Options:
    """What the caller of `read_table` says of a table; the attributes are its parameters."""

    survey: str | Path | Mapping[str, Any] | facts.Survey | None = None
    flux_unit: str | None = None
    zero_point: float | None = None
    time_format: TimeSystem | None = None
    columns: Mapping[str, str | None] | None = None
    label: str | None = None
    dereddened: bool = False

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
    options : Options
    """

    source: Source
    observed: dict[str, str]
    known: dict[str, str]
    zero_point: float | None
    options: Options

    @property
    def wanted(self) -> dict[str, CellKind]:
        """The columns to read and what their cells are."""
        observed: dict[str, CellKind] = {
            column: "text" if role in _TEXT_ROLES else "number" for role, column in self.observed.items()
        }
        return {**observed, **kinds(self.known)}

    @property
    def uses_flux(self) -> bool:
        """Whether fluxes are read; else magnitudes."""
        return "flux" in self.observed

    def photometry(self, table: pa.Table, report: list[str]) -> Photometry:
        """The rows of a table by role; rows without an object id are left out and reported."""
        where = self.source.where
        id_name = self.observed["object_id"]
        codes, ids = cells.identities(table.column(id_name), name=id_name, where=where)
        lost = codes < 0
        if lost.any():
            row = int(np.flatnonzero(lost)[0])
            report.append(
                f"{where}: {int(lost.sum()):,} rows without object id left out (first: data row {row + 1:,})"
            )
            table = table.filter(pa.array(~lost))
            codes = codes[~lost]
        self._refuse_vega(table)
        time = self._days(table, report)
        objects = gather(table, self.known, codes, ids, where=where, report=report)
        return Photometry(
            where=where,
            codes=codes,
            time=time,
            passband=cells.passbands(table.column(self.observed["passband"])),
            objects=objects,
            detected=cells.plain(table.column(self.observed["detected"]))
            if "detected" in self.observed
            else None,
            survey=self.options.survey,
            surveys=cells.passbands(table.column(self.observed["survey"]))
            if "survey" in self.observed
            else None,
            time_system=self.time_system,
            dereddened=self.options.dereddened,
            **(self._fluxes(table, report) if self.uses_flux else self._magnitudes(table, report)),
        )

    @property
    def time_system(self) -> TimeSystem:
        """As the caller says, or as the name of the column implies."""
        implied = roles("observation")["time"].system.get(self.observed["time"], "mjd")
        return self.options.time_format or ("jd" if implied == "jd" else "mjd")

    def _refuse_vega(self, table: pa.Table) -> None:
        """Magnitudes and zero points are AB."""
        if "magsys" not in self.observed:
            return
        name = self.observed["magsys"]
        for system in pc.drop_null(pc.unique(cells.texts(table.column(name)))).to_pylist():
            if system.lower() not in ("ab", ""):
                raise DataError(
                    f"column '{name}' says '{system}'; only AB is understood",
                    where=self.source.where,
                    hint="Convert the magnitudes to AB.",
                )

    def _days(self, table: pa.Table, report: list[str]) -> Floats:
        name, where = self.observed["time"], self.source.where
        column = table.column(name)
        time = cells.days(column, name=name, where=where, report=report)
        if pa.types.is_temporal(column.type):
            return time + (2_400_000.5 if self.time_system == "jd" else 0.0)
        with np.errstate(invalid="ignore"):
            wrong = time > _FIRST_JD if self.time_system == "mjd" else time < _FIRST_JD
        if wrong.any():
            low, high = np.nanmin(time[wrong]), np.nanmax(time[wrong])
            hint = (
                "If these are Julian dates say --time-format jd (time_format='jd')."
                if self.time_system == "mjd"
                else "If these are Modified Julian dates say --time-format mjd (time_format='mjd')."
            )
            raise DataError(
                f"column '{name}' holds {low:.10g} ... {high:.10g}: not {self.time_system.upper()}",
                where=where,
                hint=hint,
            )
        return time

    def _numbers(self, table: pa.Table, role: str, report: list[str]) -> Floats | None:
        if role not in self.observed:
            return None
        name = self.observed[role]
        return cells.numbers(table.column(name), name=name, where=self.source.where, report=report)

    def _fluxes(self, table: pa.Table, report: list[str]) -> dict[str, Any]:
        # Without a unit for the whole column there is a column of zero points.
        point = self.zero_point if self.zero_point is not None else self._numbers(table, "zero_point", report)
        return {
            "flux": self._numbers(table, "flux", report),
            "flux_err": self._numbers(table, "flux_err", report),
            "limit_mag": self._numbers(table, "limit_mag", report),
            "zero_point": point,
        }

    def _magnitudes(self, table: pa.Table, report: list[str]) -> dict[str, Any]:
        sign = self.observed.get("sign")
        return {
            "mag": self._numbers(table, "mag", report),
            "mag_err": self._numbers(table, "mag_err", report),
            "limit_mag": self._numbers(table, "limit_mag", report),
            "sign": None if sign is None else cells.texts(table.column(sign)),
        }


def plan(source: Source, options: Options, *, object_names: tuple[str, ...] = (), report: list[str]) -> Plan:
    """How a long table is read.

    Parameters
    ----------
    source : Source
    options : Options
    object_names : tuple of str
        Columns of the table of objects, where the caller may have named some.
    report : list of str

    Raises
    ------
    DataError
        When a column that is needed is missing, two fit one role, or the unit of the flux is stated nowhere.
    """
    names, where = source.schema.names, source.where
    chosen = options.chosen(names)
    check_chosen(chosen, [*names, *object_names], where=where)
    if options.label is not None and options.label not in [*names, *object_names]:
        raise DataError(
            f"no label column '{options.label}'. Found: {listed([*names, *object_names])}", where=where
        )
    chosen = {role: column for role, column in chosen.items() if column is None or column in names}
    observed = match(names, "observation", chosen=chosen, where=where, report=report)
    for role in ("object_id", "time", "passband"):
        require(observed, role, names, where=where)
    observed = _flux_or_magnitude(observed, chosen, names, where=where, report=report)
    known = match(names, "object", chosen=chosen, where=where, report=report)
    known = {role: column for role, column in known.items() if column not in observed.values()}
    zero_point = None
    if "flux" in observed:
        zero_point, observed = _zero_point(source, observed, chosen, options, report)
    return Plan(source, observed, known, zero_point, options)


def _flux_or_magnitude(
    observed: dict[str, str],
    chosen: Mapping[str, str | None],
    names: list[str],
    *,
    where: str,
    report: list[str],
) -> dict[str, str]:
    """The roles without those of the other kind of measurement."""
    flux = chosen.get("flux")
    if flux is not None and flux.lower().startswith("mag"):
        raise DataError(
            f"column '{flux}' given as flux holds magnitudes by its name",
            where=where,
            hint=f"Say --mag {flux} (columns={{'mag': '{flux}'}}).",
        )
    if "flux" not in observed and "mag" not in observed:
        raise DataError(
            f"no flux or magnitude column. Found: {listed(names)}. Expected one of: flux, FLUXCAL, psfFlux, "
            "uJy, …; mag, magpsf, …; or --column flux=NAME, --column mag=NAME (columns={'flux': NAME})",
            where=where,
        )
    magnitudes = "flux" not in observed or (chosen.get("mag") is not None and chosen.get("flux") is None)
    if magnitudes:
        unused: tuple[str, ...] = ("flux", "flux_err", "zero_point")
    else:
        unused = ("mag", "mag_err", "sign")
        if "mag" in observed:
            report.append(
                f"{where}: fluxes are read from '{observed['flux']}'; '{observed['mag']}' is not used"
            )
    require(observed, "mag_err" if magnitudes else "flux_err", names, where=where)
    return {role: column for role, column in observed.items() if role not in unused}


def _zero_point(
    source: Source,
    observed: dict[str, str],
    chosen: Mapping[str, str | None],
    options: Options,
    report: list[str],
) -> tuple[float | None, dict[str, str]]:
    """The zero point of the flux column, or None where the table has a column of zero points."""
    schema, where, column = source.schema, source.where, observed["flux"]
    per_row = observed.get("zero_point")
    implied = roles("observation")["flux"].unit.get(column) is not None
    if per_row is not None and (chosen.get("zero_point") is not None or not implied):
        if options.flux_unit is not None or options.zero_point is not None:
            report.append(f"{where}: zero points are read from column '{per_row}', not from the option")
        return None, observed
    observed = {role: name for role, name in observed.items() if role != "zero_point"}
    zero_point = flux_zero_point(
        column,
        schema.field(column),
        schema.field(observed["flux_err"]),
        flux_unit=options.flux_unit,
        zero_point=options.zero_point,
        file_metadata=schema.metadata or {},
        chosen=chosen.get("flux") is not None,
        where=where,
    )
    if zero_point is None:
        raise no_unit(column, where=where)
    return zero_point, observed


def whole(
    source: Source, options: Options, *, object_names: tuple[str, ...] = (), report: list[str]
) -> Photometry:
    """All rows of a long or nested table.

    Parameters
    ----------
    source, options, object_names, report
        As for `plan`.
    """
    chosen = dict(options.columns or {})
    if is_nested(source.schema, chosen=chosen, where=source.where):
        table = source.read(dict.fromkeys(source.schema.names, "any"), report)
        return from_nested(table, options, where=source.where, object_names=object_names, report=report)
    settled = plan(source, options, object_names=object_names, report=report)
    return settled.photometry(source.read(settled.wanted, report), report)


def from_nested(
    table: pa.Table, options: Options, *, where: str, object_names: tuple[str, ...] = (), report: list[str]
) -> Photometry:
    """All rows of a nested table; its plain columns are metadata of the objects."""
    chosen = dict(options.columns or {})
    if options.label is not None and options.label in table.column_names:
        chosen["label"] = options.label
    long, per_object, id_name = flatten(table, chosen=chosen, where=where, report=report)
    inner_options = replace(options, label=None, columns={k: v for k, v in chosen.items() if k != "nested"})
    outside = (*per_object.column_names, *object_names)
    settled = plan(TableSource(long, where), inner_options, object_names=outside, report=report)
    photometry = settled.photometry(long.select(list(settled.wanted)), report)
    codes, ids = cells.identities(per_object.column(id_name), name=id_name, where=where)
    here = {
        role: column for role, column in chosen.items() if column is None or column in per_object.column_names
    }
    known = match(per_object.column_names, "object", chosen=here, where=where, report=report)
    objects = gather(per_object, known, codes, ids, where=where, report=report)
    # Ids of rows with empty lists follow those with observations: put all into the order of the table.
    return replace(photometry, **_in_table_order(photometry, objects))


def _in_table_order(photometry: Photometry, objects: Objects) -> dict[str, Any]:
    place = pc.index_in(photometry.objects.ids, value_set=objects.ids)
    codes: NDArray[np.int64] = np.asarray(place.to_numpy(zero_copy_only=False), dtype=np.int64)
    merged = join(objects, photometry.objects, report=[])
    return {"codes": codes[photometry.codes] if len(codes) else photometry.codes, "objects": merged}
