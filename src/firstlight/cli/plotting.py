"""``plot``: the classified light curve of chosen objects as figures."""

from __future__ import annotations

from typing import Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import CLASSIFIER, OUTPUT, Command, option
from firstlight.cli.inputs import open_input
from firstlight.cli.talking import about, say


@click.command(
    short_help="Figures of classified light curves.",
    cls=Command,
    examples=[
        "firstlight plot sample:ztf --id ZTF19aapreis --out tde.png",
        "firstlight plot sample:ztf --out figures/",
        "firstlight plot sample:lsst --classifier lsst --out lsst/",
        "firstlight plot mine.csv --survey ZTF --flux-unit uJy --id SN2020abc --no-classifier --out it.pdf",
    ],
    calls=["read", "read_table", "load", "plot"],
)
@opt.reading_options
@opt.loading_options
@option(
    "--no-classifier", group=CLASSIFIER, is_flag=True, help="Only the light curve, without probabilities."
)
@opt.classes_option
@opt.priors_option
@option(
    "--id",
    "ids",
    group=OUTPUT,
    multiple=True,
    callback=opt.as_values(opt.listed),
    metavar="ID,…",
    help="Objects to draw; commas, or repeated. Default: all.",
)
@option(
    "--brightness",
    group=OUTPUT,
    type=click.Choice(["magnitude", "uJy", "nJy"]),
    shown="magnitude",
    help="Axis of the upper panel: AB magnitude, or difference flux.",
)
@option(
    "--most",
    group=OUTPUT,
    type=click.IntRange(min=1),
    shown=100,
    help="Refuse to draw more figures than this.",
)
@option(
    "--out",
    "-o",
    group=OUTPUT,
    required=True,
    help="A file .png, .pdf or .svg for one object, or a folder for several.",
)
def plot(table: str | tuple[str, ...], out: str, no_classifier: bool = False, **given: Any) -> None:
    """Draw classified light curves: brightness above, class probabilities after each observation below."""
    from firstlight import figures

    with open_input(table, opt.reading(given)) as source:
        answering = None if no_classifier else opt.classifier(given)
        curves = source.read([])
    model = None if answering is None else answering(curves)
    drawn = figures.plot(model, curves, out, **given)
    if model is not None and answering is not None:
        say(about(model, answering.why))
    say(f"{len(drawn)} figure{'s' if len(drawn) != 1 else ''} written to {out}")
