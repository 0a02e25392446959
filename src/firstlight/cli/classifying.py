"""``classify`` and ``classifiers``: from light curves to a table of probabilities."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import CLASSIFIER, OUTPUT, Command, option
from firstlight.cli.inputs import open_input
from firstlight.cli.outputs import STDOUT, checked, table_output
from firstlight.cli.talking import Report, about, progress

if TYPE_CHECKING:
    from firstlight.classifier import Classifier


@click.command(
    short_help="Class probabilities of light curves.",
    cls=Command,
    examples=[
        "firstlight classify sample:ztf",
        "firstlight classify sample:ztf --every-observation --out probabilities.parquet",
        "firstlight classify sample:ztf --sets 0.9 --novelty --classifier mine",
        "firstlight classify mine.csv --survey ZTF --flux-unit uJy --out mine-classified.csv",
    ],
    calls=["read", "read_table", "load", "classify", "Classifier.classify", "Predictions.to_arrow"],
)
@opt.reading_options
@opt.loading_options
@opt.classes_option
@option(
    "--renormalise",
    group=CLASSIFIER,
    is_flag=True,
    help="Leave out what stands under none of --classes, instead of the column other; said in the file.",
)
@opt.priors_option
@opt.table_output
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
def classify(table: str | tuple[str, ...], out: str = STDOUT, **given: Any) -> None:
    """Class probabilities of light curves: one row an object, or one an observation.

    TABLE is a CSV, Parquet or Arrow table, a broker's or SNANA file, '-' for standard input, or the packaged
    sample:ztf; or several files, a folder or archive of them, or a pattern in quotes ('night*/*.csv'). The
    result has the columns object_id, one a class under its TNS name, n_observations, n_detections and flags.
    An object that cannot be classified keeps its row: nulls, and the reason in flags.
    """
    checked(out, inputs=opt.paths(table))
    shape = {name: given.pop(name) for name in ("every_observation", "sets") if name in given}
    report = Report()
    with open_input(table, opt.reading(given)) as source:
        answering = opt.classifier(given)
        with progress("classifying") as tick, table_output(out) as write:
            for curves in source.batches(report.notes):
                model = answering(curves)
                predictions = replace(model.classify(curves, **given), chosen=answering.why)
                write(predictions.to_arrow(**shape))
                report.add(predictions)
                tick(len(curves))
    last = [about(model, answering.why)] if report.tally else []
    report.say([*last, *([f"written to {out}"] if out != STDOUT else [])])


@click.command(
    short_help="The classifiers that come with firstlight.",
    cls=Command,
    no_args_is_help=False,
    examples=["firstlight classifiers"],
    calls=["classifiers"],
)
def classifiers() -> None:
    """List the classifiers that come with firstlight: survey, passbands, classes, and what each is.

    Where none is named, light curves are answered for by the one that is the default of their survey.
    """
    from firstlight import classifier
    from firstlight.classifier.familiar import first_line

    for name in classifier.classifiers():
        model, purpose = classifier.load(name), classifier.purpose_of(name)
        click.echo(f"{name:16s} {first_line(model.card)}")
        for what, said in (
            ("survey", ", ".join(model.surveys)),
            ("default for", purpose.default),
            ("passbands", _passbands(model)),
            ("classes", ", ".join(model.classes)),
        ):
            if said:
                click.echo(f"{'':16s} {what}: {said}")


def _passbands(model: Classifier) -> str:
    """Those that it was trained on, and of other surveys those that it reads as one of them."""
    from firstlight import facts

    own = [band.name for band in model.passbands]
    others = [
        band.name
        for band in facts.all_passbands().values()
        if band.name not in own and model.preparation.reads(band) is not None
    ]
    return ", ".join(own) + (f"; and as one of them {', '.join(others)}" if others else "")
