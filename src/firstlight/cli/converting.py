"""``convert``: any format that is read, as one Parquet table of light curves in nJy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from firstlight.cli import options as opt
from firstlight.cli.commands import OUTPUT, Command, option
from firstlight.cli.inputs import open_source
from firstlight.cli.outputs import STDOUT, check_output, table_writer
from firstlight.cli.talking import Report, progress

if TYPE_CHECKING:
    import pyarrow as pa

    from firstlight.lightcurves import LightCurves

AB_NANOJANSKY = 31.4  # zero point of a flux in nJy


@click.command(
    short_help="Any format that is read, as one table in nJy.",
    cls=Command,
    examples=[
        "firstlight convert sample:ztf --out light-curves.parquet",
        "firstlight convert ZTF_HEAD.FITS --format snana --survey ZTF --out light-curves.parquet",
        "firstlight classify light-curves.parquet",
    ],
    calls=["convert"],
)
@opt.reading_options
@option(
    "--out",
    "-o",
    group=OUTPUT,
    required=True,
    help="Table to write: .parquet, .csv, .feather, .arrow or .jsonl.",
)
def convert(table: str, out: str, **given: Any) -> None:
    """Write light curves as a long table: one row an observation, fluxes in nJy, metadata on each row.

    The columns are object_id, survey, mjd, band, flux, flux_err, limit_mag (AB, 5 sigma), detected,
    dereddened, and what is known of the object. An observation that must not be used keeps its row, without
    a flux. A Parquet or Arrow file states survey and unit, so that other commands need to be told neither.
    """
    check_output(out, inputs=(table,))
    report = Report()
    with (
        open_source(table, opt.reading(given)) as source,
        progress("converting") as tick,
        table_writer(out) as write,
    ):
        for curves in source.batches():
            write(long_table(curves))
            report.read(curves)
            tick(len(curves))
        report.notes += source.notes
    report.say([f"written to {out}"] if out != STDOUT else [])


def long_table(curves: LightCurves) -> pa.Table:
    """Light curves as one row an observation, in the columns that the generic reader knows."""
    import pyarrow as pa

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
        limit = AB_NANOJANSKY - 2.5 * np.log10(curves.limit)
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
    units = {"mjd": "d", "flux": "nJy", "flux_err": "nJy", "limit_mag": "mag(AB)"}
    table = pa.table(columns | {name: value for name, value in known.items() if name not in columns})
    fields = [
        field.with_metadata({"unit": units[field.name]}) if field.name in units else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata={"flux_unit": "nJy"}))


def _nulls(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in which a number that is not there is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
