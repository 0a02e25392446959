"""``convert``: any format that is read, as one Parquet table of light curves in nJy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import OUTPUT, Command, option
from firstlight.cli.inputs import open_input
from firstlight.cli.outputs import STDOUT, checked, sink
from firstlight.cli.talking import Report, progress

if TYPE_CHECKING:
    from firstlight.lightcurves import LightCurves


@click.command(
    short_help="Any format that is read, as one table in nJy.",
    cls=Command,
    examples=[
        "firstlight convert sample:ztf --out light-curves.parquet",
        "firstlight convert ZTF_HEAD.FITS --format snana --survey ZTF --out light-curves.parquet",
        "firstlight classify light-curves.parquet",
    ],
    calls=["convert", "read", "read_table"],
)
@opt.reading_options
@option(
    "--out",
    "-o",
    group=OUTPUT,
    required=True,
    help="Table to write: .parquet, .csv, .feather, .arrow or .jsonl.",
)
def convert(table: str | tuple[str, ...], out: str, **given: Any) -> None:
    """Write light curves as a long table: one row an observation, fluxes in nJy, metadata on each row.

    The columns are object_id, survey, mjd, band, flux, flux_err, limit_mag (AB, 5 sigma), detected,
    dereddened, and what is known of the object. An observation that must not be used keeps its row, without
    a flux; an object without observations has one row, with neither time nor passband. The file states survey
    and unit (in text by the names flux_nJy, flux_err_nJy), so that other commands need to be told neither.
    """
    from firstlight import readers

    checked(out, inputs=opt.paths(table))
    report = Report()
    with open_input(table, opt.reading(given)) as source, progress("converting") as tick, sink(out) as target:

        def written(curves: LightCurves) -> None:
            report.add(curves)
            tick(len(curves))

        readers.convert(source.path, target, report=report.notes, progress=written, **source.options)
    report.say([f"written to {out}"] if out != STDOUT else [])
