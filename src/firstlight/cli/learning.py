"""``fine-tune`` and ``pretrain``: from labelled light curves to a classifier of one's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import CLASSIFIER, INPUT, OUTPUT, TRAINING, Command, option
from firstlight.cli.inputs import read_curves
from firstlight.cli.talking import Aloud, say
from firstlight.errors import Arg, MissingExtraError, UnknownNameError, UsageError
from firstlight.learn.recipe import PRESETS, STRATEGIES

if TYPE_CHECKING:
    from firstlight.classifier import Classifier

_TRAINING_OPTIONS = (
    option(
        "--classes",
        group=CLASSIFIER,
        multiple=True,
        callback=opt.as_values(opt.listed),
        metavar="NAME,…",
        help="Classes of the result, by TNS name; commas, or repeated. Default: of the base and the labels.",
    ),
    option("--name", group=CLASSIFIER, help="Name of the result. Default: that of its folder."),
    option("--labels", group=INPUT, metavar="FILE.toml", help="TOML that maps your labels to class names."),
    option(
        "--scheme", group=INPUT, help="Scheme of foreign or numbered labels: tns, plasticc, snana, alerce, …"
    ),
    option(
        "--epochs",
        group=TRAINING,
        type=click.IntRange(min=1),
        help="Times through the labelled objects. Default: by their number.",
    ),
    option(
        "--set",
        "settings",
        group=TRAINING,
        multiple=True,
        metavar="NAME=VALUE",
        help="Another setting of the recipe, e.g. rate=0.0005; may be repeated.",
    ),
    option("--seed", group=TRAINING, type=click.IntRange(min=0), shown=0, help="Seed of all that is random."),
    option(
        "--threads",
        group=TRAINING,
        type=click.IntRange(min=1),
        help="Processor threads of the training. Default: all.",
    ),
    option("--device", group=TRAINING, shown="cpu", help="Where torch computes: cpu, cuda, …"),
    option(
        "--run",
        group=OUTPUT,
        metavar="FOLDER",
        help="Keeps the state after every epoch; the same command again goes on from there.",
    ),
    option(
        "--out",
        "-o",
        group=OUTPUT,
        required=True,
        metavar="FOLDER",
        help="Folder of the new classifier, which --classifier takes; its history goes beside it as CSV.",
    ),
    option(
        "--overwrite", group=OUTPUT, is_flag=True, help="Replace the classifier that is in --out already."
    ),
)


training_options = opt.added(_TRAINING_OPTIONS)


@click.command(
    "fine-tune",
    short_help="Adapt a classifier to your labelled light curves.",
    cls=Command,
    examples=[
        "firstlight fine-tune sample:ztf --base reference --strategy output --out my-classifier",
        "firstlight fine-tune mine.parquet --survey ZTF --flux-unit nJy --base ztf-sim --out my-classifier",
        "firstlight classify new.parquet --survey ZTF --flux-unit nJy --classifier my-classifier",
    ],
    calls=["read", "read_table", "fine_tune", "learn.Recipe"],
)
@opt.reading_options
@option(
    "--base", group=CLASSIFIER, required=True, help="Classifier to start from: a packaged name, or a path."
)
@option(
    "--strategy",
    group=TRAINING,
    type=click.Choice(STRATEGIES),
    help="What moves; all else stays bit for bit. Default: auto (decided from the labels) where light curves "
    "are replayed or the base carries some, else full.",
)
@option(
    "--replay",
    group=TRAINING,
    metavar="TABLE",
    help="Labelled light curves of the base, mixed in so that it does not forget; read like TABLE. Default: "
    "those that the base carries.",
)
@option(
    "--overlapping",
    group=CLASSIFIER,
    is_flag=True,
    help="Let one class hold another, where the coarser label means the rest: SN Ia beside SN Ia-91bg-like.",
)
@training_options
def fine_tune(
    table: str | tuple[str, ...], base: str, out: str, replay: str | None = None, **given: Any
) -> None:
    """Adapt a classifier to your labelled light curves.

    TABLE holds the light curves, with the class of each object in the column 'label' (or --label, or in
    --objects). Labels are TNS names or known synonyms; objects without one are counted and left out.
    """
    _need_torch("fine-tune", given)
    from firstlight import classifier, learn

    with opt.asked("--base"):
        start = classifier.load(base)
    reading = opt.reading(given)
    arguments = _arguments(given, out, [*opt.paths(table), *filter(None, [reading.get("objects")])], replay)
    curves = read_curves(table, reading)
    known = read_curves(replay, reading) if replay else None
    _told(learn.fine_tune(start, curves, replay=known, **arguments), Path(out))


@click.command(
    short_help="Train a classifier from scratch.",
    cls=Command,
    examples=[
        "firstlight pretrain simulated.parquet --survey LSST --flux-unit nJy --out my-base",
        "firstlight pretrain simulated.parquet --survey LSST --flux-unit nJy --preset reference -o my-base",
    ],
    calls=["read", "read_table", "pretrain", "learn.Recipe"],
)
@opt.reading_options
@option(
    "--preset",
    group=CLASSIFIER,
    type=click.Choice(PRESETS),
    shown=PRESETS[0],
    help="The network and its preparation.",
)
@training_options
def pretrain(table: str | tuple[str, ...], out: str, **given: Any) -> None:
    """Train a classifier from scratch on many labelled light curves, simulated or real."""
    _need_torch("pretrain", given)
    from firstlight import learn

    reading = opt.reading(given)
    arguments = _arguments(given, out, [*opt.paths(table), *filter(None, [reading.get("objects")])])
    _told(learn.pretrain(read_curves(table, reading), **arguments), Path(out))


def _keep(out: str, inputs: Sequence[str | None], given: Mapping[str, Any]) -> None:
    """Refuse an output that would destroy what is read, or a history that is there, before any work."""
    from firstlight.learn.publishing import refuse_folder

    overwrite = given.get("overwrite", False)
    refuse_folder(out, given.get("run"), overwrite=overwrite)
    beside, goal = _history(Path(out)), Path(out).resolve()
    for one in (Path(name) for name in inputs if name is not None and Path(name).exists()):
        if one.resolve().is_relative_to(goal) or (beside.exists() and beside.samefile(one)):
            raise UsageError(f"'{one}' is read, and would be lost", where="--out", hint="Name a new folder.")
    if beside.exists() and not overwrite:
        raise UsageError(
            f"'{beside}' is there already",
            where="--out",
            hint=("Name another folder, or say ", Arg("overwrite", True), " to replace it."),
        )


def _history(target: Path) -> Path:
    """The file of the history, beside the classifier."""
    return target.with_name(f"{target.name}-history.csv")


def _need_torch(command: str, given: dict[str, Any]) -> None:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", "learn", where=f"firstlight {command}") from None
    if "threads" in given:
        torch.set_num_threads(given.pop("threads"))


def _arguments(
    given: dict[str, Any], out: str, source: Sequence[str], replay: str | None = None
) -> dict[str, Any]:
    """Keyword arguments that both ways to train take; what is wrong in them is refused before any work."""
    from firstlight import facts, learn

    _keep(out, (*source, replay, given.get("labels")), given)
    with opt.asked("--classes"):
        for name in given.get("classes", ()):
            facts.class_tree().canonical(name)
    schemes = facts.class_tree().schemes
    if given.get("scheme") not in (None, *schemes):
        with opt.asked("--scheme"):
            raise UnknownNameError("label scheme", given["scheme"], schemes)
    settings = _settings(given.pop("settings", ()), {*given, "out", "name", "labels"})
    with opt.asked("--set"):
        learn.FINE_TUNE.with_(**settings)
    if "labels" in given:
        given["labels"] = learn.label_map(opt.existing(given["labels"], "--labels"))
    progress = _progress if sys.stderr.isatty() else None
    return {**given, **settings, "out": out, "source": source, "progress": progress, "report": Aloud()}


def _settings(texts: Sequence[str], taken: Set[str]) -> dict[str, Any]:
    """``--set`` texts as values of the recipe: numbers, true and false as in JSON, else text."""
    found: dict[str, Any] = {}
    for name, text in opt.pairs(texts, "--set").items():
        if name in taken:
            raise UsageError(f"'{name}' has an option of its own", where="--set", hint=f"Say --{name}.")
        try:
            found[name] = json.loads(text)
        except json.JSONDecodeError:
            found[name] = text
    return found


def _progress(row: Mapping[str, Any]) -> None:
    """One line on stderr after each epoch."""
    shown = [f"epoch {row.get('epoch', '?')}"]
    measured = [name for name in ("loss", "val_loss", "val_macro_auroc") if isinstance(row.get(name), float)]
    shown += [f"{name.replace('_', ' ')} {row[name]:.3f}" for name in measured]
    say("  ".join([*shown, f"{row.get('seconds', 0.0):.1f} s"]))


def _told(model: Classifier, target: Path) -> None:
    """Write the history beside the classifier, and say where both are."""
    from firstlight import learn
    from firstlight.tables.writing import table_writer

    beside = _history(target)
    with table_writer(beside) as write:
        write(learn.history(model))
    counts = model.checkpoint.config["training"]["labels"]
    say(f"labels: {', '.join(f'{count:,} {name}' for name, count in counts.items())}")
    say(f"classifier written to {target}, hash {model.hash[:12]}; history to {beside}")
