"""`read_table`: generic tables as `LightCurves`, whole or in pieces; those of firstlight as they were."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from firstlight import facts
from firstlight.errors import Arg, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.from_columns import UnknownPassbands
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.batches import photometry_batches
from firstlight.readers.joining import identity, light_curves, read_objects, with_objects
from firstlight.readers.long_tables import Options, SurveyLike, TimeSystem, no_label, plan
from firstlight.readers.nested_tables import from_nested, is_nested
from firstlight.readers.roles import listed
from firstlight.readers.simulated_folders import simulated_folder
from firstlight.readers.table_files import NamedSource, Source, opened
from firstlight.tables.objects import Objects, one_array

# What marks a table that `LightCurves.to_arrow` made: units, passbands and surveys stand in it.
_MARK = b"firstlight.passbands"
_NESTED = "lightcurve"


def read_table(
    table: Any,
    *,
    survey: SurveyLike | None = None,
    flux_unit: str | None = None,
    zero_point: float | None = None,
    time_format: TimeSystem | None = None,
    objects: Any = None,
    columns: Mapping[str, str | None] | None = None,
    label: str | None = None,
    unknown_passbands: UnknownPassbands = "error",
    dereddened: bool = False,
    object_id: str | int | None = None,
    report: list[str] | None = None,
) -> LightCurves:
    """Light curves of a long table (one row an observation) or a nested one (one row an object).

    Parameters
    ----------
    table : path or table
        CSV (also gzipped; comma, semicolon, tab or blanks), Parquet file or folder, Feather or Arrow IPC,
        JSON lines, FITS, ECSV, VOTable; or a pyarrow, pandas, polars (lazy too), nested-pandas or astropy
        table, or a mapping; or a list of tables with one object each, named by their metadata, else numbered
        from 1. Metadata of a table of one object count (``meta["z"]`` of sncosmo).
        Columns are found by the usual spellings (``columns.toml``).
    survey : str, path, mapping or Survey, optional
        Whose passbands these are; not needed where a column ``survey`` says so.
    flux_unit : str, optional
        ``"nJy"``, ``"uJy"``, ``"mJy"``, ``"Jy"``, ``"FLUXCAL"``, where neither the name of the column
        (``psfFlux``), its unit, nor the file says it.
    zero_point : float, optional
        AB zero point instead of a unit. A column of zero points wins.
    time_format : {"mjd", "jd"}, optional
        Where the name of the column does not say it (``jd``); MJD otherwise.
    objects : path or table, optional
        A second table with one row an object: metadata, joined by object id.
    columns : mapping, optional
        Column by role (``{"time": "t", "flux": "f"}``) where the spelling is unusual or two columns fit;
        None leaves a role out.
    label : str, optional
        Column of the class, in either table, where it is not called ``label``.
    unknown_passbands : {"error", "drop"}
        ``"drop"`` keeps such rows, flagged and unused.
    dereddened : bool
        Whether Milky Way extinction is already out of the fluxes, where no column ``dereddened`` says it.
    object_id : str, optional
        Name of the object, for a table of one object that has no column of ids.
    report : list of str, optional
        Receives a sentence for each thing noticed: cells that are no numbers, ids in one table only.

    Returns
    -------
    LightCurves
        One object for each id of either table, in order of first appearance.

    Raises
    ------
    DataError
        Naming file, column, object and the way out.

    Examples
    --------
    >>> read_table({"id": ["a", "a"], "mjd": [59000.1, 59001.2], "band": ["g", "r"], "flux_uJy": [9.0, 7.0],
    ...             "fluxerr_uJy": [1.0, 1.0]}, survey="ZTF").flux.round().tolist()
    [9000.0, 7000.0]
    """
    options = Options(
        survey, flux_unit, zero_point, time_format, columns, label, dereddened, object_id, unknown_passbands
    )
    notes = Notes.of(report)
    simulated = simulated_folder(table, notes, survey=survey)
    if simulated is not None:
        options = dataclasses.replace(options, survey=simulated.survey)
        table, objects = simulated.photometry, simulated.objects if objects is None else objects
    with opened(table) as source:
        (curves,) = batches_of(source, options, notes, max_rows=None, objects=objects)
    return curves if simulated is None else simulated.with_truth(curves)


def batches_of(
    source: Source, options: Options, notes: Notes, *, max_rows: int | None, objects: Any = None
) -> Iterator[LightCurves]:
    """The light curves of a table in pieces of about `max_rows` rows, or in one with None."""
    second = None if objects is None else _second_table(objects, options, notes)
    source = source if options.object_id is None else _named(source, options, options.object_id)
    if _is_written(source.schema):
        yield from _written_batches(source, options, notes, max_rows=max_rows, objects=second)
        return
    if max_rows is not None:
        pieces = photometry_batches(source, options, notes, max_rows=max_rows, objects=second)
    elif second is None:
        pieces = iter([whole(source, options, notes)])
    else:
        photometry = whole(source, options, notes, object_names=second.columns)
        pieces = iter([with_objects(photometry, second, notes)])
    for photometry in pieces:
        yield light_curves(photometry, notes, unknown_passbands=options.unknown_passbands)


def whole(
    source: Source, options: Options, notes: Notes, *, object_names: tuple[str, ...] = ()
) -> Photometry:
    """All rows of a long or nested table.

    Parameters
    ----------
    source, options, notes, object_names
        As for `long_tables.plan`.
    """
    schema, chosen, notes = source.schema, options.columns or {}, notes.at(source.where)
    flat = not any(
        pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType) for kind in schema.types
    )
    if not (flat and chosen.get("nested") is None) and is_nested(schema, notes, chosen=chosen):
        table = source.read(dict.fromkeys(schema.names, "any"), notes)
        return from_nested(table, options, notes, object_names=object_names)
    settled = plan(source, options, notes, object_names=object_names)
    return settled.photometry(source.read(settled.wanted, notes), notes)


def _named(source: Source, options: Options, object_id: str | int) -> Source:
    """The source, with a name for its one object; refused where it has a column of ids."""
    notes = Notes(source.where)
    found = identity(source.schema.names, notes, chosen=options.columns or {})
    if found:
        raise UsageError(
            f"column '{found['object_id']}' names the objects already",
            where=source.where,
            hint=("Leave ", Arg("object_id"), " out."),
        )
    return NamedSource(source, str(object_id))


def _second_table(objects: Any, options: Options, notes: Notes) -> Objects:
    if isinstance(objects, Objects):
        return objects
    return read_objects(objects, notes, chosen=options.columns or {}, label=options.label)


def _is_written(schema: pa.Schema) -> bool:
    """Whether a table was made by light curves (`to_arrow`, `to_pandas`): it says its unit and passbands."""
    shapes: tuple[set[str], ...] = ({_NESTED}, {"object_id", "mjd", "band", "flux", "flux_err", "flags"})
    return _MARK in (schema.metadata or {}) and any(shape <= set(schema.names) for shape in shapes)


def _written_batches(
    source: Source, options: Options, notes: Notes, *, max_rows: int | None, objects: Objects | None
) -> Iterator[LightCurves]:
    """The light curves of such a table, about `max_rows` observations at a time, or all at once with None.

    Parameters
    ----------
    source, options, notes
        As for `long_tables.plan`. What the options say must agree with the table.
    max_rows : int or None
    objects : Objects or None
        Metadata of a second table; objects that only it knows are reported and left out.

    Raises
    ------
    DataError
        When an option contradicts the table.
    """
    notes = notes.at(source.where)
    _refuse_contradictions(source, options, notes)
    held: list[pa.RecordBatch] = []
    rows, given = 0, False
    if _NESTED not in source.schema.names:  # objects may stand anywhere: all at once
        table = source.read(dict.fromkeys(source.schema.names, "any"), notes)
        yield _read_back(table.to_batches(), source, options, objects, notes)
        return
    for batch in source.batches(dict.fromkeys(source.schema.names, "any"), notes):
        for start in range(0, batch.num_rows, 1000):
            part = batch.slice(start, 1000)
            held.append(part)
            rows += int(pc.sum(pc.list_value_length(part.column(_NESTED))).as_py() or 0)
            if max_rows is not None and rows >= max_rows:
                yield _read_back(held, source, options, objects, notes)
                held, rows, given = [], 0, True
    if held or not given:
        yield _read_back(held, source, options, objects, notes)


def _refuse_contradictions(source: Source, options: Options, notes: Notes) -> None:
    njy = facts.zero_point("nJy")
    unit, point = options.flux_unit, options.zero_point
    stated = {
        Arg("flux_unit", unit): unit is not None and facts.zero_point(unit) != njy,
        Arg("zero_point", point): point not in (None, njy),
        Arg("time_format", options.time_format): options.time_format == "jd",
    }
    for option, wrong in stated.items():
        if wrong:
            raise notes.error(
                ("was written by firstlight in nJy and MJD, ", option, " says otherwise"),
                hint="Leave the option out.",
            )
    if options.label is not None and options.label not in source.schema.names:
        raise no_label(options.label, source.schema.names, notes)


def _read_back(
    held: list[pa.RecordBatch], source: Source, options: Options, objects: Objects | None, notes: Notes
) -> LightCurves:
    table = pa.Table.from_batches(held, schema=source.schema).replace_schema_metadata(source.schema.metadata)
    if options.label is not None and options.label != "label":
        if "label" in table.column_names:
            table = table.drop_columns(["label"])
        table = table.append_column("label", table.column(options.label).cast(pa.string()))
    curves = LightCurves.from_arrow(table)
    if options.survey is not None and len(curves):
        name = facts.survey(options.survey).name
        found = sorted(set(curves.objects.column("survey").to_pylist()))
        if found != [name]:
            raise notes.error((f"holds {listed(found)}, but ", Arg("survey", name), " is given"))
    if objects is not None:
        ids = one_array(curves.objects.column("object_id"))
        curves = curves.with_objects(objects.select(ids), report=notes.lines)
    return curves
