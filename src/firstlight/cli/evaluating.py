"""``evaluate``: how good a classifier is on labelled light curves; a table, and a folder with figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import options as opt
from firstlight.cli.classifying import load
from firstlight.cli.commands import INPUT, OUTPUT, Command, option
from firstlight.cli.inputs import read_curves
from firstlight.cli.report import say
from firstlight.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from firstlight.classifier import Classifier, Predictions
    from firstlight.lightcurves import LightCurves


@click.command(
    short_help="Score a classifier on labelled light curves.",
    cls=Command,
    no_args_is_help=True,
    examples=[
        "firstlight evaluate sample:ztf --classifier ztf --out report",
        "firstlight evaluate mine.parquet --survey ZTF --flux-unit nJy --at '5 detections' --at full",
        "firstlight evaluate path/to/ztf --protocol ztf-5 --classifier my-classifier --out report",
    ],
)
@opt.input_options
@option(
    "--protocol",
    group=INPUT,
    type=click.Choice(["ztf-5", "plasticc-8"]),
    help="TABLE is the data folder of this benchmark; its test light curves are scored.",
)
@opt.classifier_option()
@opt.classes_option
@opt.priors_option
@opt.threads_option
@option(
    "--at",
    "stages",
    group=OUTPUT,
    multiple=True,
    metavar="STAGE",
    help="When to score: full, '5 detections', '20 days'; may be repeated. "
    "Default: 1 to 20 detections, 2 to 100 days, full.",
)
@option(
    "--resamples",
    group=OUTPUT,
    type=click.IntRange(min=0),
    default=1000,
    help="Bootstrap resamples of the 95 % intervals; 0 for none.",
)
@option("--seed", group=OUTPUT, default=0, help="Seed of the bootstrap.")
@option(
    "--out",
    "-o",
    group=OUTPUT,
    metavar="FOLDER",
    help="Folder for the report: Markdown, HTML, scores as CSV and JSON, and figures where matplotlib is.",
)
def evaluate(
    table: str,
    protocol: str | None,
    classifier: str,
    classes: tuple[str, ...],
    priors: str | None,
    threads: int,
    stages: tuple[str, ...],
    resamples: int,
    seed: int,
    out: str | None,
    **source_options: Any,
) -> None:
    """Score a classifier on labelled light curves, after several numbers of detections and days.

    The class of each object stands in the column 'label' (or --label, or in --objects). The tables go to
    standard output as Markdown, the whole report to --out.
    """
    from firstlight import evaluate as measures

    with opt.asked("--at"):
        cuts = tuple(measures.Stage.named(name) for name in stages) or measures.REPORT_STAGES
    model = _Asked(load(classifier, threads=threads), opt.priors(priors))
    target = opt.listed(classes)
    if protocol is not None:
        if source_options["survey"] is not None:
            raise UsageError("a protocol knows its survey", where="--survey", hint="Leave it out.")
        benchmark = measures.protocol(protocol, opt.existing(table, "TABLE"))
        curves, target = benchmark.test, target or benchmark.classes
    else:
        curves = read_curves(table, **source_options)
    report = measures.evaluate(model, curves, stages=cuts, classes=target, resamples=resamples, seed=seed)
    click.echo(report.to_markdown(), nl=False)
    if out is not None:
        drawn = _figures(report)
        report.write(out, drawn)
        say(f"report written to {out}, with {len(drawn)} figures")


@dataclass(frozen=True)
class _Asked:
    """A classifier asked with priors of the user's own."""

    classifier: Classifier
    priors: str | Mapping[str, float] | None

    def classify(self, curves: LightCurves) -> Predictions:
        """Predictions of these light curves."""
        return self.classifier.classify(curves, priors=self.priors)


def _figures(report: Any) -> dict[str, Any]:
    """The figures of a report, or none and a word about it where matplotlib is not installed."""
    from firstlight import figures

    try:
        return figures.report_figures(report)
    except MissingExtraError as error:
        say(f"no figures: {error}")
        return {}
