"""``suggest``: which spectra to take next; a table, best first."""

from __future__ import annotations

from typing import Any

import click

from firstlight.cli import options as opt
from firstlight.cli.classifying import load
from firstlight.cli.commands import CLASSIFIER, INPUT, OUTPUT, Command, option
from firstlight.cli.inputs import read_curves
from firstlight.cli.outputs import STDOUT, check_output, table_writer
from firstlight.cli.report import say


@click.command(
    short_help="Which spectra to take next.",
    cls=Command,
    no_args_is_help=True,
    examples=[
        "firstlight suggest alerts.parquet --survey ZTF --flux-unit nJy --magnitude-limit 19 --out next.csv",
        "firstlight suggest alerts.parquet --survey ZTF --flux-unit nJy --objects labels.csv --number 5",
    ],
)
@opt.input_options
@option(
    "--labelled",
    group=INPUT,
    metavar="TABLE",
    help="Second table of light curves with labels, read as the first; nothing like them is asked for again.",
)
@opt.classifier_option()
@opt.classes_option
@option(
    "--priors",
    group=CLASSIFIER,
    metavar="flat|stated|NAME=SHARE,…",
    default="flat",
    help="Class shares of the probabilities: all alike finds what is rare; 'stated': the classifier's own.",
)
@opt.threads_option
@option("--number", "-n", group=OUTPUT, type=click.IntRange(min=1), default=20, help="Length of the list.")
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
    help="Leave out what was not detected in so many days before the latest observation of the table.",
)
@option("--seed", group=OUTPUT, default=0, help="Decides which of two equal objects comes first.")
@option(
    "--out",
    "-o",
    group=OUTPUT,
    default=STDOUT,
    help="Table to write: .parquet, .csv, .feather, .arrow or .jsonl; '-' is CSV on standard output.",
)
def suggest(
    table: str,
    labelled: str | None,
    classifier: str,
    classes: tuple[str, ...],
    priors: str,
    threads: int,
    number: int,
    magnitude_limit: float | None,
    seen_within: float | None,
    seed: int,
    out: str,
    **source_options: Any,
) -> None:
    """Rank the objects without a label by what their spectra would teach the classifier.

    What counts is how uncertain the answer is, how few labels there are of the classes to expect, and how
    unlike the light curve is to those that are labelled or higher in the list. Objects that carry a label
    (--label, --objects) count as labelled. One row an object: rank, object_id, score, the reason in words,
    the latest magnitude, the parts of the score, and the probability of each class.
    """
    from firstlight.suggest import suggest as ranked

    check_output(out, inputs=(table, *(() if labelled is None else (labelled,))))
    model = load(classifier, threads=threads)
    curves = read_curves(table, **source_options)
    others = None if labelled is None else read_curves(labelled, **source_options)
    found = ranked(
        model,
        curves,
        number=number,
        labelled=others,
        magnitude_limit=magnitude_limit,
        seen_within=seen_within,
        classes=opt.listed(classes),
        priors=None if priors == "stated" else opt.priors(priors),
        seed=seed,
    )
    with table_writer(out) as write:
        write(found.to_arrow())
    say(f"{len(found)} of {found.candidates:,} objects suggested")
    if found.left_out:
        say("left out: " + ", ".join(f"{count:,} {why}" for why, count in found.left_out.items()))
    where = [] if out == STDOUT else [f"written to {out}"]
    for line in (f"classifier {model.name} {model.version}, weights {model.hash[:12]}", *where):
        say(line)
