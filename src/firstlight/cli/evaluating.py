"""``evaluate``: how good a classifier is on labelled light curves; a table, and a folder with figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import INPUT, OUTPUT, Command, OneOf, option
from firstlight.cli.inputs import read_curves
from firstlight.cli.talking import about, drawn_or_told, say
from firstlight.errors import UsageError

if TYPE_CHECKING:
    from firstlight.evaluate import Stage


def stages(names: tuple[str, ...]) -> tuple[Stage, ...]:
    """The stages of these names, which are looked up before anything is read."""
    from firstlight.evaluate import Stage

    return tuple(Stage.named(name) for name in names)


def protocols() -> tuple[str, ...]:
    """What ``--protocol`` takes."""
    from firstlight.evaluate.benchmarks import PROTOCOLS

    return tuple(PROTOCOLS)


@click.command(
    short_help="Score a classifier on labelled light curves.",
    cls=Command,
    examples=[
        "firstlight evaluate sample:ztf --classifier ztf --out report",
        "firstlight evaluate mine.parquet --survey ZTF --flux-unit nJy --at '5 detections' --at full",
        "firstlight evaluate path/to/ztf --protocol ztf-5 --classifier my-classifier --out report",
    ],
    calls=["read", "read_table", "load", "evaluate"],
)
@opt.reading_options
@option(
    "--protocol",
    group=INPUT,
    type=OneOf("protocol", protocols),
    help="TABLE is the data folder of this benchmark; its test light curves are scored.",
)
@opt.loading_options
@opt.classes_option
@opt.priors_option
@option(
    "--stages",
    "--at",
    group=OUTPUT,
    multiple=True,
    callback=opt.as_values(stages),
    metavar="STAGE",
    help="When to score: full, '5 detections', '20 days'; may be repeated. "
    "Default: 1 to 20 detections, 2 to 100 days, full.",
)
@option(
    "--resamples",
    group=OUTPUT,
    type=click.IntRange(min=0),
    shown=1000,
    help="Bootstrap resamples of the 95 % intervals; 0 for none.",
)
@option("--seed", group=OUTPUT, type=click.IntRange(min=0), shown=0, help="Seed of the bootstrap.")
@option(
    "--out",
    "-o",
    group=OUTPUT,
    metavar="FOLDER",
    help="Folder for the report: Markdown, HTML, scores as CSV and JSON, and figures where matplotlib is.",
)
def evaluate(
    table: str | tuple[str, ...], protocol: str | None = None, out: str | None = None, **given: Any
) -> None:
    """Score a classifier on labelled light curves, after several numbers of detections and days.

    The class of each object stands in the column 'label' (or --label, or in --objects). The tables go to
    standard output as Markdown, the whole report to --out.
    """
    from firstlight import figures
    from firstlight.evaluate import benchmarks
    from firstlight.evaluate import evaluate as score

    reading = opt.reading(given)
    answering = opt.classifier(given)
    if protocol is None:
        curves = read_curves(table, reading)
    else:
        if "survey" in reading:
            raise UsageError("a protocol knows its survey", where="--survey", hint="Leave it out.")
        if not isinstance(table, str):
            raise UsageError("a protocol has one folder of data", where="TABLE", hint="Name one.")
        benchmark = benchmarks.protocol(protocol, opt.existing(table, "TABLE"))
        curves, given = benchmark.test, {"classes": benchmark.classes, **given}
    model = answering(curves)
    say(about(model, answering.why))
    report = score(model, curves, **given)
    click.echo(report.to_markdown(), nl=False)
    if out is not None:
        drawn = drawn_or_told(lambda: figures.report_figures(report))
        report.write(out, drawn)
        say(f"report written to {out}, with {len(drawn)} figures")
