"""``classify`` and ``classifiers``: from light curves to a table of probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import OUTPUT, Command, option
from firstlight.cli.inputs import open_source
from firstlight.cli.outputs import STDOUT, check_output, table_writer
from firstlight.cli.report import Report, progress

if TYPE_CHECKING:
    from firstlight.classifier import Classifier
    from firstlight.lightcurves import LightCurves


@click.command(
    short_help="Class probabilities of light curves.",
    cls=Command,
    no_args_is_help=True,
    examples=[
        "firstlight classify sample:ztf",
        "firstlight classify sample:ztf --every-observation --out probabilities.parquet",
        "firstlight classify sample:ztf --sets 0.9 --novelty --classifier mine",
        "firstlight classify mine.csv --survey ZTF --flux-unit uJy --out mine-classified.csv",
    ],
)
@opt.input_options
@opt.classifier_option()
@opt.classes_option
@opt.priors_option
@opt.threads_option
@option(
    "--out",
    "-o",
    group=OUTPUT,
    default=STDOUT,
    help="Table to write: .parquet, .csv, .feather, .arrow or .jsonl; '-' is CSV on standard output.",
)
@option(
    "--every-observation",
    group=OUTPUT,
    is_flag=True,
    help="One row an observation, in time order, with mjd; not one an object.",
)
@option(
    "--sets",
    group=OUTPUT,
    type=float,
    metavar="SHARE",
    help="Column classes: those that stay possible, so that this share (0.9) of each class keeps its own.",
)
@option(
    "--novelty",
    group=OUTPUT,
    is_flag=True,
    help="Column novelty, 0 to 1: share of known objects that look less unlike all classes.",
)
def classify(
    table: str,
    classifier: str,
    classes: tuple[str, ...],
    priors: str | None,
    threads: int,
    out: str,
    every_observation: bool,
    sets: float | None,
    novelty: bool,
    **source_options: Any,
) -> None:
    """Class probabilities of light curves: one row an object, or one an observation.

    TABLE is a CSV, Parquet or Arrow table, a broker's or SNANA file, '-' for standard input, or the packaged
    sample:ztf. The result has the columns object_id, one a class under its TNS name, n_observations,
    n_detections and flags. An object that cannot be classified keeps its row: nulls, and the reason in flags.
    """
    check_output(out, inputs=(table,))
    report = Report()
    with open_source(table, **source_options) as source:
        model = load(classifier, threads=threads)
        wanted, prior = opt.listed(classes), opt.priors(priors)
        with opt.asked(""):
            nothing = model.classify(no_curves(), classes=wanted, priors=prior, novelty=novelty)
            nothing.to_arrow(sets=sets)
        with progress("classifying") as tick, table_writer(out) as write:
            for curves in source.batches():
                predictions = model.classify(curves, classes=wanted, priors=prior, novelty=novelty)
                write(predictions.to_arrow(every_observation=every_observation, sets=sets))
                report.classified(predictions)
                tick(len(curves))
        report.notes += source.notes
    where = [f"written to {out}"] if out != STDOUT else []
    report.say([f"classifier {model.name} {model.version}, weights {model.hash[:12]}", *where])


@click.command(
    short_help="The classifiers that come with firstlight.", cls=Command, examples=["firstlight classifiers"]
)
def classifiers() -> None:
    """List the classifiers that come with firstlight: classes, and the first line of the card."""
    from firstlight.classifier import load, packaged

    for name in packaged():
        model = load(name)
        click.echo(f"{name:16s} {first_line(model.card)}")
        click.echo(f"{'':16s} classes: {', '.join(model.classes)}")


def load(name: str, *, threads: int = 1) -> Classifier:
    """The classifier behind ``--classifier``: a packaged name or a path."""
    from firstlight import classifier

    with opt.asked("--classifier"):
        return classifier.load(name, threads=threads)


def no_curves() -> LightCurves:
    """Light curves of no object: their answer has the schema of every answer."""
    from firstlight import facts
    from firstlight.lightcurves import LightCurves

    return LightCurves.from_columns(
        object_id=[], time=[], passband=[], flux=[], flux_err=[], survey=facts.surveys()[0], flux_unit="nJy"
    )


def first_line(card: str) -> str:
    """The first sentence line of a card, without front matter and heading marks."""
    lines = [line.strip() for line in card.splitlines()]
    if lines and lines[0] == "---":
        lines = lines[lines.index("---", 1) + 1 :]
    told = [line.lstrip("# ") for line in lines if line]
    return told[1] if len(told) > 1 else (told[0] if told else "")
