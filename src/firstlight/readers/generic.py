"""`read_table`: generic tables as `LightCurves`, at once or in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from firstlight.errors import Arg, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.from_columns import UnknownPassbands
from firstlight.notes import Notes
from firstlight.readers.batches import photometry_batches
from firstlight.readers.joining import light_curves
from firstlight.readers.long_tables import Options, SurveyLike, TimeSystem
from firstlight.readers.metadata_tables import identity, read_objects, with_objects
from firstlight.readers.nested_tables import whole
from firstlight.readers.table_files import NamedSource, Source, opened
from firstlight.readers.written import is_written, written_batches
from firstlight.tables.objects import Objects


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
        JSON lines, FITS, ECSV, VOTable; or a pyarrow, pandas, polars, nested-pandas or astropy table, or a
        mapping. Columns are found by the usual spellings (``columns.toml``).
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
    options = Options(survey, flux_unit, zero_point, time_format, columns, label, dereddened)
    notes = Notes.of(report)
    with opened(table) as source:
        return read_source(
            source, options, notes, objects=objects, object_id=object_id, unknown_passbands=unknown_passbands
        )


def read_source(source: Source, options: Options, notes: Notes, **given: Any) -> LightCurves:
    """`read_table` of a table that is open already; `given` as for `batches_of`."""
    (curves,) = batches_of(source, options, notes, max_rows=None, **given)
    return curves


def batches_of(
    source: Source,
    options: Options,
    notes: Notes,
    *,
    max_rows: int | None,
    objects: Any = None,
    object_id: str | int | None = None,
    unknown_passbands: UnknownPassbands = "error",
) -> Iterator[LightCurves]:
    """The light curves of a table in pieces of about `max_rows` rows, or in one with None."""
    second = _second_table(objects, options, notes)
    source = _named(source, object_id, options)
    if is_written(source.schema):
        yield from written_batches(source, options, notes, max_rows=max_rows, objects=second)
    elif max_rows is None:
        photometry = whole(source, options, notes, object_names=() if second is None else second.columns)
        photometry = with_objects(photometry, second, notes)
        yield light_curves(photometry, notes, unknown_passbands=unknown_passbands)
    else:
        for photometry in photometry_batches(source, options, notes, max_rows=max_rows, objects=second):
            yield light_curves(photometry, notes, unknown_passbands=unknown_passbands)


def _named(source: Source, object_id: str | int | None, options: Options) -> Source:
    """The source, with a name for its one object where it has no column of ids."""
    if object_id is None:
        return source
    notes = Notes(source.where)
    found = identity(source.schema.names, notes, chosen=options.columns or {})
    if found:
        raise UsageError(
            f"column '{found['object_id']}' names the objects already",
            where=source.where,
            hint=("Leave ", Arg("object_id"), " out."),
        )
    return NamedSource(source, str(object_id))


def _second_table(objects: Any, options: Options, notes: Notes) -> Objects | None:
    if objects is None or isinstance(objects, Objects):
        return objects
    return read_objects(objects, notes, chosen=options.columns or {}, label=options.label)
