"""Light curves as pandas, nested-pandas, polars and astropy tables and back, without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight.errors import DataError, MissingExtraError
from firstlight.facts import Passband, is_packaged, passband
from firstlight.lightcurves.arrays import arrow
from firstlight.lightcurves.conversion import (
    NESTED,
    PASSBANDS,
    dumps,
    from_arrow,
    from_observations,
    loads,
    plain,
    to_arrow,
)
from firstlight.lightcurves.conversion import observations as long_table

if TYPE_CHECKING:
    from firstlight.lightcurves.curves import LightCurves

_OWN = "own_passbands"
_UNITS = {"mjd": "d", "flux": "nJy", "flux_err": "nJy", "limit": "nJy"}


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("pandas", "frames", where="LightCurves.to_pandas") from None
    return pandas


def _frame(table: pa.Table) -> Any:
    """A data frame in which integers and truth values with missing entries stay what they are."""
    pandas = _pandas()
    nullable = {pa.bool_(): pandas.BooleanDtype()}
    nullable |= {
        getattr(pa, f"int{bits}")(): getattr(pandas, f"Int{bits}Dtype")() for bits in (8, 16, 32, 64)
    }
    nullable |= {
        getattr(pa, f"uint{bits}")(): getattr(pandas, f"UInt{bits}Dtype")() for bits in (8, 16, 32, 64)
    }
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        columns[name] = column.to_pandas(types_mapper=nullable.get if column.null_count else None)
    return pandas.DataFrame(columns)


def _pair(observations: Any, objects: Any) -> tuple[Any, Any]:
    """Observations and objects, also where they came as the pair that the conversions give."""
    if isinstance(observations, tuple) and len(observations) == 2 and objects is None:
        return observations[0], observations[1]
    return observations, objects


def to_pandas(curves: LightCurves) -> tuple[Any, Any]:
    """Two data frames: one row an observation, and one row an object.

    Examples
    --------
    >>> observations, objects = curves.to_pandas()  # doctest: +SKIP
    """
    observations = _frame(long_table(curves))
    observations.attrs["passbands"] = plain(curves.bands)
    return observations, _frame(curves.objects)


def from_pandas(observations: Any, objects: Any = None) -> LightCurves:
    """Light curves from the frames of `to_pandas`, one by one or as the pair; `objects` may be left out."""
    observations, objects = _pair(observations, objects)
    table = None if objects is None else pa.Table.from_pandas(objects, preserve_index=False)
    long = pa.Table.from_pandas(observations, preserve_index=False).replace_schema_metadata(None)
    # Not the order: frames that were put together keep what the first of them says.
    among = [passband(band) for band in observations.attrs.get("passbands", ())]
    objects = None if table is None else table.replace_schema_metadata(None)
    return from_observations(long, objects, among=among)


def to_nested_pandas(curves: LightCurves) -> Any:
    """A `NestedFrame` with one row an object and the observations in the nested column ``lightcurve``."""
    try:
        from nested_pandas import NestedDtype, NestedFrame
    except ImportError:
        raise MissingExtraError("nested-pandas", "frames", where="LightCurves.to_nested_pandas") from None
    pandas = _pandas()
    nested = to_arrow(curves).column(NESTED)
    array = NestedDtype.construct_array_type()(nested)
    frame = NestedFrame(_frame(curves.objects))
    frame[NESTED] = pandas.Series(array, index=frame.index)
    frame.attrs["passbands"] = plain(curves.bands)
    return frame


def from_nested_pandas(frame: Any) -> LightCurves:
    """Light curves from a `NestedFrame` like that of `to_nested_pandas`."""
    if NESTED not in frame.columns:
        raise DataError(f"no column {NESTED}. Found: {', '.join(map(str, frame.columns))}")
    objects = _pandas().DataFrame({name: frame[name] for name in frame.columns if name != NESTED})
    table = pa.Table.from_pandas(objects, preserve_index=False).replace_schema_metadata(None)
    table = table.append_column(NESTED, arrow(pa.array(frame[NESTED].array), NESTED))
    if "passbands" in frame.attrs:
        bands = (passband(band) for band in frame.attrs["passbands"])
        table = table.replace_schema_metadata({PASSBANDS: dumps(bands)})
    return from_arrow(table)


def to_polars(curves: LightCurves) -> tuple[Any, Any]:
    """Two polars data frames: one row an observation, and one row an object."""
    try:
        import polars
    except ImportError:
        raise MissingExtraError("polars", "frames", where="LightCurves.to_polars") from None
    long = long_table(curves)
    columns = long.set_column(0, "object_id", long.column("object_id").cast(pa.string()))
    columns = columns.set_column(2, "band", columns.column("band").cast(pa.string()))
    # An Enum carries all passbands, those without observations too, in their order.
    frame = polars.from_arrow(columns).with_columns(
        polars.col("band").cast(polars.Enum(list(curves.passbands)))
    )
    own = [dumps([band]) for band in curves.bands if not is_packaged(band)]
    if own:  # polars keeps no metadata; the type of a column that is empty says what they are
        frame = frame.with_columns(polars.lit(None, polars.Enum(own)).alias(_OWN))
    return frame, polars.from_arrow(curves.objects)


def from_polars(observations: Any, objects: Any = None) -> LightCurves:
    """Light curves from the frames of `to_polars`, one by one or as the pair; `objects` may be left out."""
    observations, objects = _pair(observations, objects)
    among: list[Passband] = []
    if _OWN in observations.columns:
        among = [band for text in observations.schema[_OWN].categories for band in loads(text)]
        observations = observations.drop(_OWN)
    objects = None if objects is None else objects.to_arrow()
    return from_observations(observations.to_arrow(), objects, among=among)


def to_astropy(curves: LightCurves) -> tuple[Any, Any]:
    """Two astropy tables: one row an observation, with units, and one row an object."""
    from astropy.table import Column, Table

    long = long_table(curves)
    columns = {name: _astropy_column(long.column(name)) for name in long.column_names}
    rows = Table(
        {
            name: Column(values, unit=_UNITS.get(name)) if name in _UNITS else values
            for name, values in columns.items()
        }
    )
    rows.meta["passbands"] = plain(curves.bands)
    objects = Table(
        {name: _astropy_column(curves.objects.column(name)) for name in curves.objects.column_names}
    )
    return rows, objects


def _astropy_column(column: pa.ChunkedArray) -> Any:
    """A NumPy array, masked where entries are missing."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    mask = np.asarray(pc.is_null(column).to_numpy())
    kind = column.type
    if pa.types.is_floating(kind):
        return np.asarray(pc.fill_null(column, np.nan).to_numpy())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = np.array([value or "" for value in column.to_pylist()], dtype=str)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        values = np.asarray(pc.fill_null(column, False if pa.types.is_boolean(kind) else 0).to_numpy())
    else:
        values = np.empty(len(column), dtype=object)
        values[:] = column.to_pylist()
    return np.ma.array(values, mask=mask) if mask.any() else values


def from_astropy(observations: Any, objects: Any = None) -> LightCurves:
    """Light curves from the tables of `to_astropy`, one by one or as the pair; units are honoured.

    `objects` may be left out.
    """
    observations, objects = _pair(observations, objects)
    columns = {
        name: arrow(_in_unit(observations[name], _UNITS.get(name)), name) for name in observations.colnames
    }
    named = observations.meta.get("passbands")
    long = pa.table(columns)
    table = None if objects is None else {name: objects[name] for name in objects.colnames}
    return from_observations(long, table, tuple(passband(band) for band in named) if named else None)


def _in_unit(column: Any, unit: str | None) -> Any:
    given = getattr(column, "unit", None)
    if unit is None or given is None:
        return getattr(column, "value", column) if given is not None else column
    from astropy.units import Unit, UnitConversionError

    try:
        factor = given.to(Unit(unit))
    except UnitConversionError as error:
        raise DataError(
            f"has the unit {given}, not one of {unit}", where=f"column '{column.info.name}'"
        ) from error
    values = np.ma.asarray(getattr(column, "value", column))
    return values if factor == 1 else values * factor
