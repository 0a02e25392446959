"""`convert`: any format that is read, as one long table of light curves in nJy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight.facts import zero_point
from firstlight.lightcurves import LightCurves
from firstlight.readers.formats import read_batches
from firstlight.tables.writing import refuse_output, table_writer

_UNITS = {"mjd": "d", "flux": "nJy", "flux_err": "nJy", "limit_mag": "mag(AB)"}


def convert(
    path: Any,
    out: str | Path | IO[bytes],
    format: str = "auto",
    *,
    report: list[str] | None = None,
    progress: Callable[[LightCurves], None] | None = None,
    **options: Any,
) -> None:
    """Write light curves of any format as a long table that says its survey and unit itself.

    It is read and written piece by piece; a file appears when it is whole. `long_table` has the columns.

    Parameters
    ----------
    path : path or table
        As for `read`.
    out : path or binary stream
        File to write: .parquet, .csv, .feather, .arrow or .jsonl. A stream takes CSV.
    format, report, **options
        As for `read_batches`.
    progress : callable, optional
        Called with the light curves of each piece, after they are written.

    Examples
    --------
    >>> convert("ZTF_HEAD.FITS", "light-curves.parquet", survey="ZTF")  # doctest: +SKIP
    """
    if isinstance(out, (str, Path)):
        paths = path if isinstance(path, (list, tuple)) else [path]
        refuse_output(out, inputs=[one for one in paths if isinstance(one, (str, Path))])
    with table_writer(out) as write:
        for curves in read_batches(path, format, report=report, **options):
            write(long_table(curves))
            if progress is not None:
                progress(curves)


def long_table(curves: LightCurves) -> pa.Table:
    """One row an observation, fluxes in nJy, metadata on each row, in the columns that `read_table` knows.

    They are object_id, survey, mjd, band, flux, flux_err, limit_mag (AB, 5 sigma), detected, dereddened, and
    what is known of the object. An observation that must not be used keeps its row, without a flux; an object
    without observations has one row, in which nothing is measured.
    """
    owner = pa.array(curves.owner)
    spare = {"object_id", "survey", "flags"}
    known = {
        name: _nulls(curves.objects.column(name)).take(owner)
        for name in curves.objects.column_names
        if name not in spare
    }
    bands = pa.array([name.rpartition("-")[2] for name in curves.passbands], pa.string())
    codes = pa.array(curves.passband, mask=curves.passband < 0)
    unusable = ~curves.usable & np.isfinite(curves.flux)
    measured = {"flux": curves.flux, "flux_err": curves.flux_err}
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = zero_point("nJy") - 2.5 * np.log10(curves.limit)
    columns = {
        "object_id": curves.objects.column("object_id").take(owner),
        "survey": curves.objects.column("survey").take(owner),
        "mjd": pa.array(curves.time),
        "band": bands.take(codes),
        **{
            name: pa.array(np.where(unusable, np.nan, value), from_pandas=True)
            for name, value in measured.items()
        },
        "limit_mag": pa.array(limit, from_pandas=True),
        "detected": pa.array(curves.detected),
    }
    table = pa.table(columns | {name: value for name, value in known.items() if name not in columns})
    absent = np.flatnonzero(np.diff(curves.offsets) == 0)
    if len(absent):
        stated = curves.objects.take(pa.array(absent))
        alone = {name: _nulls(stated.column(name)) for name in ("object_id", "survey", *known)}
        table = pa.concat_tables([table, pa.table(alone)], promote_options="default")
    fields = [
        field.with_metadata({"unit": _UNITS[field.name]}) if field.name in _UNITS else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata={"flux_unit": "nJy"}))


def _nulls(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in which a number that is not there is null."""
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
