"""``plot``: the classified light curve of chosen objects as figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from firstlight.cli import options as opt
from firstlight.cli.classifying import load
from firstlight.cli.commands import CLASSIFIER, OUTPUT, Command, option
from firstlight.cli.inputs import open_source
from firstlight.cli.outputs import whole_file
from firstlight.cli.report import say
from firstlight.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from firstlight.lightcurves import LightCurves

SUFFIXES = (".png", ".pdf", ".svg")


@click.command(
    short_help="Figures of classified light curves.",
    cls=Command,
    no_args_is_help=True,
    examples=[
        "firstlight plot sample:ztf --id ZTF19aapreis --out tde.png",
        "firstlight plot sample:ztf --out figures/",
        "firstlight plot mine.csv --survey ZTF --flux-unit uJy --id SN2020abc --no-classifier --out it.pdf",
    ],
)
@opt.input_options
@opt.classifier_option()
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
    metavar="ID,…",
    help="Objects to draw; commas, or repeated. Default: all.",
)
@option(
    "--brightness",
    group=OUTPUT,
    type=click.Choice(["magnitude", "uJy", "nJy"]),
    default="magnitude",
    help="Axis of the upper panel: AB magnitude, or difference flux.",
)
@option(
    "--most",
    group=OUTPUT,
    type=click.IntRange(min=1),
    default=100,
    help="Refuse to draw more figures than this.",
)
@option(
    "--out",
    "-o",
    group=OUTPUT,
    required=True,
    help="A file .png, .pdf or .svg for one object, or a folder for several.",
)
def plot(
    table: str,
    classifier: str,
    no_classifier: bool,
    classes: tuple[str, ...],
    priors: str | None,
    ids: tuple[str, ...],
    brightness: Literal["magnitude", "uJy", "nJy"],
    most: int,
    out: str,
    **source_options: Any,
) -> None:
    """Draw classified light curves: brightness above, class probabilities after each observation below."""
    target = Path(out)
    one_file = bool(target.suffix) and not target.is_dir()
    if one_file and target.suffix.lower() not in SUFFIXES:
        with opt.asked("--out"):
            raise UnknownNameError("format of a figure", target.suffix, SUFFIXES)
    with open_source(table, **source_options) as source:
        curves = source.read()
    wanted = _chosen(curves, opt.listed(ids), most)
    if one_file and len(wanted) != 1:
        hint = "Name a folder, or one object with --id."
        raise UsageError(f"{len(wanted)} objects, one file", where="--out", hint=hint)
    curves = curves.take([curves.object_id.index(name) for name in wanted])
    predictions, used = None, tuple[str, ...]()
    if not no_classifier:
        model = load(classifier)
        predictions = model.classify(curves, classes=opt.listed(classes), priors=opt.priors(priors))
        used = tuple(model.preparation.metadata)
    from firstlight import figures

    for name in wanted:
        upper, _ = figures.light_curve(
            curves, predictions, object_id=name, brightness=brightness, metadata_used=used
        )
        figure: Any = upper.figure
        path = target if one_file else target / f"{_file_name(name)}.png"
        with whole_file(path) as part:
            figure.savefig(part, format=path.suffix[1:].lower(), dpi=150)
        _close(figure)
    say(f"{len(wanted)} figure{'s' if len(wanted) != 1 else ''} written to {out}")


def _chosen(curves: LightCurves, ids: Sequence[str] | None, most: int) -> list[str]:
    """The objects to draw: those named, or all when they are not too many."""
    known = curves.object_id
    unknown = next((name for name in ids or () if name not in set(known)), None)
    if unknown is not None:
        with opt.asked("--id"):
            raise UnknownNameError("object", unknown, known)
    wanted = list(dict.fromkeys(ids or known))
    if len(wanted) > most:
        hint = f"Name them, or say --most {len(wanted)}."
        raise UsageError(f"{len(wanted):,} objects to draw", where="--id", hint=hint)
    return wanted


def _file_name(object_id: str) -> str:
    """An object id without what file names cannot hold."""
    return re.sub(r"[^\w.+-]+", "_", object_id).strip("._") or "object"


def _close(figure: Any) -> None:
    from matplotlib import pyplot

    pyplot.close(figure)
