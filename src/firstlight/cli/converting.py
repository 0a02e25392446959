"""``convert``: any format that is read, as one Parquet table of light curves in nJy."""

from __future__ import annotations

from typing import Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import OUTPUT, Command, option
from firstlight.cli.inputs import open_source
from firstlight.cli.outputs import STDOUT, check_output, table_writer
from firstlight.cli.report import Report, progress


@click.command(
    short_help="Any format that is read, as one table in nJy.",
    cls=Command,
    no_args_is_help=True,
    examples=[
        "firstlight convert sample:ztf --out light-curves.parquet",
        "firstlight convert ZTF_HEAD.FITS --format snana --survey ZTF --out light-curves.parquet",
        "firstlight classify light-curves.parquet",
    ],
)
@opt.input_options
@option(
    "--out",
    "-o",
    group=OUTPUT,
    required=True,
    help="Table to write: .parquet, .csv, .feather, .arrow or .jsonl.",
)
def convert(table: str, out: str, **source_options: Any) -> None:
    """Write light curves as a long table: one row an observation, fluxes in nJy, metadata on each row.

    Observations that cannot be used keep their row and say why in 'flags'. A Parquet or Arrow file carries
    its survey and unit, so that the other commands need to be told neither.
    """
    check_output(out, inputs=(table,))
    report = Report()
    with (
        open_source(table, **source_options) as source,
        progress("converting") as tick,
        table_writer(out) as write,
    ):
        for curves in source.batches():
            write(curves.to_arrow())
            report.read(curves)
            tick(len(curves))
        report.notes += source.notes
    report.say([f"written to {out}"] if out != STDOUT else [])
