"""``suggest``: which spectra to take next; a table, best first."""

from __future__ import annotations

from typing import Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import INPUT, OUTPUT, Command, option
from firstlight.cli.inputs import read_curves
from firstlight.cli.outputs import STDOUT, checked, table_output
from firstlight.cli.talking import about, say


@click.command(
    short_help="Which spectra to take next.",
    cls=Command,
    examples=[
        "firstlight suggest alerts.parquet --survey ZTF --flux-unit nJy --magnitude-limit 19 --out next.csv",
        "firstlight suggest alerts.parquet --survey ZTF --flux-unit nJy --objects labels.csv --number 5",
    ],
    calls=["read", "read_table", "load", "suggest"],
)
@opt.reading_options
@option(
    "--labelled",
    group=INPUT,
    metavar="TABLE",
    help="Second table of light curves with labels, read as the first; nothing like them is asked for again.",
)
@opt.loading_options
@opt.classes_option
@opt.priors_option
@option("--number", "-n", group=OUTPUT, type=click.IntRange(min=1), shown=20, help="Length of the list.")
@option(
    "--magnitude-limit",
    group=OUTPUT,
    type=float,
    help="Leave out what was fainter at its latest detection, AB mag.",
)
@option(
    "--seen-within",
    group=OUTPUT,
    type=click.FloatRange(min=0),
    metavar="DAYS",
    shown=30.0,
    help="Leave out what was not detected in so many days before the latest observation of all; or inf.",
)
@option(
    "--seed",
    group=OUTPUT,
    type=click.IntRange(min=0),
    shown=0,
    help="Decides which of two equal objects comes first.",
)
@opt.table_output
def suggest(
    table: str | tuple[str, ...], labelled: str | None = None, out: str = STDOUT, **given: Any
) -> None:
    """Rank the objects without a label by what their spectra would teach the classifier.

    What counts is how uncertain the answer is, how few labels there are of the classes to expect, and how
    unlike the light curve is to those that are labelled or higher in the list. Objects that carry a label
    (--label, --objects) count as labelled. One row an object: rank, object_id, position, score, the reason in
    words, the latest magnitude, the parts of the score, and the probability of each class.
    """
    from firstlight.suggest import suggest as ranked

    checked(out, inputs=(*opt.paths(table), *(() if labelled is None else (labelled,))))
    reading = opt.reading(given)
    answering = opt.classifier(given)
    curves = read_curves(table, reading)
    model = answering(curves)
    if labelled is not None:
        given["labelled"] = read_curves(labelled, reading)
    found = ranked(model, curves, **given)
    with table_output(out) as write:
        write(found.to_arrow())
    say(f"{len(found)} of {found.candidates:,} objects suggested")
    if found.left_out:
        say("left out: " + ", ".join(f"{count:,} {why}" for why, count in found.left_out.items()))
    say(about(model, answering.why))
    if out != STDOUT:
        say(f"written to {out}")
