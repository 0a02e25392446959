"""Light curves as Arrow tables and back, without loss.

The names are the same in all conversions. One row an observation: ``object_id``, ``mjd``, ``band``
(qualified), ``flux``, ``flux_err``, ``detected``, ``limit`` (fluxes in nJy), ``flags``. One row an object:
the columns of `LightCurves.objects`; the nested forms add the observations as a column ``lightcurve``.
The passbands stand in the metadata, packaged ones by name and a user's own with all their numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight.errors import DataError, UnknownNameError
from firstlight.facts import Passband, passband, survey, surveys, to_plain
from firstlight.lightcurves import objects as metadata
from firstlight.lightcurves.arrays import arrow, floats, identifiers
from firstlight.lightcurves.columns import classify_rows, given_detections, given_flags
from firstlight.lightcurves.rows import Rows, in_order, take_rows

if TYPE_CHECKING:
    from firstlight.lightcurves.curves import LightCurves

NESTED = "lightcurve"
PASSBANDS = b"firstlight.passbands"
_COLUMNS = ("mjd", "band", "flux", "flux_err", "detected", "limit", "flags")
_NEEDED = ("mjd", "band", "flux", "flux_err")


def observations(curves: LightCurves) -> pa.Table:
    """One row an observation, as an Arrow table; `object_id` and `band` are dictionaries."""
    names = curves.objects.column("object_id").combine_chunks()
    owner = pa.array(curves.owner.astype(np.int32))
    columns = {"object_id": pa.DictionaryArray.from_arrays(owner, names), **_row_columns(curves)}
    return pa.table(columns).replace_schema_metadata({PASSBANDS: dumps(curves.bands)})


def plain(bands: Iterable[Passband]) -> list[str | dict[str, Any]]:
    """Passbands as values of JSON, which `facts.passband` reads."""
    return [to_plain(band) for band in bands]


def dumps(bands: Iterable[Passband]) -> str:
    """Passbands as JSON."""
    return json.dumps(plain(bands))


def loads(text: str | bytes, *, among: Iterable[Passband] = ()) -> tuple[Passband, ...]:
    """The passbands that `dumps` wrote; names may mean one of `among` besides packaged ones."""
    own = tuple(among)
    return tuple(passband(band, among=own) for band in json.loads(text))


def _row_columns(curves: LightCurves) -> dict[str, pa.Array]:
    codes = pa.array(curves.passband, mask=curves.passband < 0)
    return {
        "mjd": pa.array(curves.time),
        "band": pa.DictionaryArray.from_arrays(codes, pa.array(curves.passbands, pa.string())),
        "flux": pa.array(curves.flux),
        "flux_err": pa.array(curves.flux_err),
        "detected": pa.array(curves.detected),
        "limit": pa.array(curves.limit),
        "flags": pa.array(curves.flags),
    }


def to_arrow(curves: LightCurves) -> pa.Table:
    """An Arrow table with one row an object, its observations in ``lightcurve`` (list of struct).

    `from_arrow` gives the same light curves back; so does Parquet in between.
    """
    columns = _row_columns(curves)
    columns["band"] = columns["band"].dictionary_decode()  # dictionaries inside lists do not survive Parquet
    struct = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
    small = len(curves.time) < 2**31
    kind, offsets = (pa.ListArray, np.int32) if small else (pa.LargeListArray, np.int64)
    nested = kind.from_arrays(pa.array(curves.offsets.astype(offsets)), struct)
    table = curves.objects.append_column(NESTED, nested)
    return table.replace_schema_metadata({PASSBANDS: dumps(curves.bands), "firstlight.flux_unit": "nJy"})


def from_arrow(table: pa.Table) -> LightCurves:
    """Light curves from a table with one row an object and the observations in ``lightcurve``.

    Lists of structs and structs of lists are both understood; fluxes are nJy, passbands qualified names.
    """
    from firstlight.lightcurves.curves import LightCurves

    if NESTED not in table.column_names:
        raise DataError(f"no column {NESTED}. Found: {', '.join(table.column_names)}")
    columns, offsets = _unnested(arrow(table.column(NESTED), NESTED))
    known = (table.schema.metadata or {}).get(PASSBANDS)
    rows, bands = _rows(columns, loads(known) if known else None)
    objects = metadata.as_table(table.drop_columns([NESTED]).replace_schema_metadata(None))
    objects = _with_survey(objects, rows, offsets, bands)
    return LightCurves.from_rows(in_order(rows, offsets), offsets, bands, metadata.standard(objects))


def _unnested(nested: pa.Array) -> tuple[dict[str, pa.Array], NDArray[np.int64]]:
    """The columns inside a nested one, and where each object's rows begin."""
    if pa.types.is_struct(nested.type):
        fields = {field.name: nested.field(index) for index, field in enumerate(nested.type)}
        lists = {name: _flat(values) for name, values in fields.items()}
        offsets = [where for _, where in lists.values()]
        for name, (_, where) in lists.items():
            if not np.array_equal(where, offsets[0]):
                raise DataError("lists of one object differ in length", where=f"column '{NESTED}.{name}'")
        return {name: values for name, (values, _) in lists.items()}, offsets[0]
    struct, where = _flat(nested)
    if not pa.types.is_struct(struct.type):
        raise DataError(f"holds {nested.type}, not a list of structs", where=f"column '{NESTED}'")
    return {field.name: struct.field(index) for index, field in enumerate(struct.type)}, where


def _flat(lists: pa.Array) -> tuple[pa.Array, NDArray[np.int64]]:
    """The values of a list array end to end, and n + 1 offsets; a missing list is an empty one."""
    if not (pa.types.is_list(lists.type) or pa.types.is_large_list(lists.type)):
        raise DataError(f"holds {lists.type}, not lists", where=f"column '{NESTED}'")
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), dtype=np.int64)
    return lists.flatten(), np.concatenate([[0], np.cumsum(lengths)])


def _rows(
    columns: Mapping[str, Any], bands: tuple[Passband, ...] | None, among: Iterable[Passband] = ()
) -> tuple[Rows, tuple[Passband, ...]]:
    """Rows from columns in nJy and MJD with qualified passband names."""
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise DataError(
            f"no column {', '.join(missing)}. Found: {', '.join(columns)}",
            hint="For tables of another shape use read_table or LightCurves.from_columns.",
        )
    size = len(columns["mjd"])
    codes, bands = _codes(arrow(columns["band"], "band"), bands, among)
    detected = given_detections(columns.get("detected"))
    rows = classify_rows(
        time=floats(columns["mjd"], "mjd"),
        passband=codes,
        flux=floats(columns["flux"], "flux"),
        flux_err=floats(columns["flux_err"], "flux_err"),
        limit=floats(columns["limit"], "limit") if "limit" in columns else np.full(size, np.nan),
        detected=detected,
        detection_snr=max((band.detection_snr for band in bands), default=5.0),
        flags=given_flags(columns.get("flags"), size),
    )
    return rows, bands


def _codes(
    band: pa.Array, bands: tuple[Passband, ...] | None, among: Iterable[Passband]
) -> tuple[NDArray[np.int16], tuple[Passband, ...]]:
    """Positions of names among `bands`; without these, among all of the surveys that occur."""
    encoded = band if isinstance(band, pa.DictionaryArray) else band.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    try:
        found = [passband(name, among=(*(bands or ()), *among)) for name in names if name is not None]
    except UnknownNameError as error:
        error.where = "column 'band'"
        raise
    if bands is None:
        bands = tuple(found) if isinstance(band, pa.DictionaryArray) else _whole_surveys(found, among)
    position = {one.name: code for code, one in enumerate(bands)}
    table = np.array([*(position.get(name, -1) for name in names), -1], np.int16)
    return table[np.asarray(encoded.indices.fill_null(len(names)), dtype=np.intp)], bands


def _whole_surveys(found: Iterable[Passband], among: Iterable[Passband]) -> tuple[Passband, ...]:
    """All passbands of the surveys of these: packaged ones in their order, then the user's own."""
    here = {band.survey for band in found}
    packaged = [survey(name) for name in surveys() if name in here]
    own = (band for band in among if band.survey in here - {one.name for one in packaged})
    return (*(band for one in packaged for band in one.passbands), *own)


def _with_survey(
    objects: pa.Table, rows: Rows, offsets: NDArray[np.int64], bands: tuple[Passband, ...]
) -> pa.Table:
    """The objects with a column `survey`: where it is missing, that of the first known passband."""
    if "survey" in objects.column_names:
        return objects
    first = np.full(len(offsets) - 1, -1)
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    seen = np.flatnonzero(rows.passband >= 0)[::-1]
    first[owner[seen]] = rows.passband[seen]
    usual = bands[0].survey if bands else ""
    names = [bands[code].survey if code >= 0 else usual for code in first.tolist()]
    return metadata.replace(objects, "survey", pa.array(names, pa.string()))


def from_observations(
    long: pa.Table,
    objects: Any,
    bands: tuple[Passband, ...] | None = None,
    *,
    among: Iterable[Passband] = (),
) -> LightCurves:
    """Light curves from one table of observations and one of objects (or None).

    `bands` are the passbands in their order; without them they follow from the column ``band``, whose names
    may mean one of `among` besides packaged ones.
    """
    from firstlight.lightcurves.curves import LightCurves

    if "object_id" not in long.column_names:
        raise DataError(f"no column object_id. Found: {', '.join(long.column_names)}")
    ids = identifiers(long.column("object_id"))
    ids = ids.cast(pa.string()) if not isinstance(ids, pa.DictionaryArray) else ids.dictionary_decode()
    ids = ids.cast(pa.string())
    table = pa.table({"object_id": ids.unique()}) if objects is None else metadata.as_table(objects)
    owner = np.asarray(pc.fill_null(pc.index_in(ids, table.column("object_id").combine_chunks()), -1))
    if (owner < 0).any():
        example = ids[int(np.flatnonzero(owner < 0)[0])].as_py()
        raise DataError("has observations and no row in the table of objects", where=f"object '{example}'")
    among = tuple(among)
    rows, bands = _rows({name: long.column(name) for name in long.column_names}, bands, among)
    rows = take_rows(rows, np.argsort(owner, kind="stable"))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(table)))]).astype(np.int64)
    table = _with_survey(table, rows, offsets, bands)
    return LightCurves.from_rows(in_order(rows, offsets), offsets, bands, metadata.standard(table))
